"""Makes a restored database ready: run it before web and worker start, where it was not `manage.py restore`."""

from typing import Any

from django.core.management.base import BaseCommand

from config import restored
from config.preparing import migrate
from tenants.routing import using


class Command(BaseCommand):
    """`manage.py post_restore`."""

    help = __doc__
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        """Do each thing, and say so."""
        with using("owner"):
            restored.grant_defaults()
            # A backup may be of an earlier release.
            migrate()
            self.say("months of deliveries added", restored.renew())
            self.say("transaction numbers passed over", restored.advance())
            self.say(f"endpoints that rest for {restored.REST_MINUTES} minutes", restored.let_rest())
            self.say("answers older than a day deleted", restored.forget_claims())
            restored.analyze()
        self.stdout.write("The database is ready. Look at docs/operations.md for what a backup cannot know.")

    def say(self, what: str, count: int) -> None:
        """Print a line."""
        self.stdout.write(f"{count:>10} {what}")
