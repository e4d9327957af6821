"""Applies the missing migrations, one process at a time, makes the months' partitions, and demo data when asked to."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from config import preparing
from webhooks import partitions


class Command(BaseCommand):
    """`manage.py prepare`; `manage.py up` does the same by itself."""

    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the option."""
        parser.add_argument("--demo", action="store_true", help="make the demo data too, and print its logins as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Prepare, and print the logins."""
        preparing.migrate()
        partitions.renew(timezone.now().date())
        if options["demo"]:
            self.stdout.write(json.dumps(preparing.make_demo()))
