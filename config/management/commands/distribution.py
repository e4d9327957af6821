"""Prints the SQL that spreads the tables over several PostgreSQL servers by tenant (Citus); it runs nothing."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import distribution


class Command(BaseCommand):
    """`manage.py distribution [--keys]`; docs/scaling.md says what to do with it."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the option."""
        parser.add_argument("--keys", action="store_true", help="only the keys, which any PostgreSQL understands")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print the plan. Raises CommandError with a sentence for each table that fits nowhere."""
        tables = distribution.read()
        if found := list(distribution.faults(tables)):
            raise CommandError("\n".join(found))
        self.write(
            "Keys: the tenant becomes part of each; references are put back at the end.", distribution.keys(tables)
        )
        if not options["keys"]:
            for title, names in (
                ("A copy on every server", distribution.REFERENCE),
                ("On one server", distribution.WHOLE),
            ):
                self.write(f"{title}:", [f"--   {name}: {reason}" for name, reason in names.items()])
            self.write("Citus: what it refuses goes, then the rows move.", distribution.spreading(tables))
        self.write("References, as they were.", distribution.foreign_keys(tables))

    def write(self, title: str, lines: list[str]) -> None:
        self.stdout.write("\n".join([f"-- {title}", *lines, ""]))
