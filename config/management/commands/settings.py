"""Shows every setting, its value, and where the value came from."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config import env, overview


class Command(BaseCommand):
    """`manage.py settings`; it needs no app to be loaded, so it helps where they cannot be."""

    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the option that writes docs/settings.md."""
        parser.add_argument("--markdown", action="store_true", help="print the page docs/settings.md")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print what was asked for: a table on a terminal, plain lines elsewhere."""
        if options["markdown"]:
            self.stdout.write(overview.to_markdown(), ending="")
        elif self.stdout.isatty():
            overview.show_table(env.read())
        else:
            self.stdout.write(overview.to_lines(env.read()), ending="")
