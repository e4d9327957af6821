"""Starts everything Kith needs, in order, and stops it again on Ctrl-C."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config import supervisor


class Command(BaseCommand):
    """`manage.py up`; it runs before Django is loaded, since the database comes up with it."""

    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=int, help="the port of the web server, instead of PORT")
        parser.add_argument("--no-demo", action="store_true", help="start without demo data")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run until somebody stops it."""
        sys.exit(supervisor.run(port=options["port"], demo=not options["no_demo"]))
