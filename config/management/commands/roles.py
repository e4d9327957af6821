"""Makes the database roles of Kith on a server of your own, before the first `manage.py migrate --database owner`."""

from typing import Any

from django.core.management.base import BaseCommand

from config import env
from config.supervisor.checks import check_databases


class Command(BaseCommand):
    """`manage.py roles`; `manage.py up` does the same by itself."""

    help = __doc__
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        """Check the addresses and make what is missing, or say what an administrator must run."""
        check_databases(env.read())
        self.stdout.write("The database has the roles of Kith.")
