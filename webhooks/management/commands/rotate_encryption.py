"""Seals every secret in the database anew, under the first key of ENCRYPTION_KEYS."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tenants import ids
from webhooks.endpoints import PREFIX
from webhooks.losing import renew
from webhooks.resealing import Damaged, keys_in_use, reseal, stale
from webhooks.secrets import key_ids

HELP = f"""{__doc__}

The whole rotation, without a pause in service:

  1. Make a key:          manage.py rotate_encryption --new-key
  2. Add it as the LAST:  ENCRYPTION_KEYS=<old>,<new>  and restart web, worker and beat on every machine.
                          All can open it now; none uses it yet. On a single machine skip this step.
  3. Put it FIRST:        ENCRYPTION_KEYS=<new>,<old>  and restart again. New secrets are sealed under it.
  4. Move the rest:       manage.py rotate_encryption
                          In batches that are committed one by one: stop it and run it again as you like.
  5. Remove the old key once this command says so. Keep it with your backups: those made before need it.

If a key in use is lost for good, web and worker do not start. Give up what it sealed:

  manage.py rotate_encryption --lost KEY_ID

Each endpoint concerned gets a new secret, which its owners must reveal and give to the receiver, and loses its headers.

Where ENCRYPTION_KEYS is empty the keys are in KITH_HOME/encryption_keys, one a line: edit that file instead.
"""


class Command(BaseCommand):
    """`manage.py rotate_encryption [--new-key | --lost KEY_ID]`; running it twice changes nothing more."""

    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the lines of the help as they are."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument("--new-key", action="store_true", help="print a new key, and change nothing")
        chosen.add_argument("--lost", metavar="KEY_ID", help="give up what this key sealed; it cannot be undone")

    def handle(self, *_: Any, **options: Any) -> None:
        """Move what is left, and say which keys may go."""
        if options["new_key"]:
            self.stdout.write(Fernet.generate_key().decode())
            return
        if options["lost"]:
            self.give_up(options["lost"])
            return
        self.report(move())

    def give_up(self, name: str) -> None:
        """Name every endpoint that got something new; raise CommandError for a key that is not lost."""
        if name in key_ids():
            raise CommandError(f"The key {name} is not lost: ENCRYPTION_KEYS has it. Run this without --lost.")
        for endpoint in renew(name):
            tenant = endpoint.tenant
            self.stdout.write(f"{tenant.slug} {tenant.environment}: {ids.encode(PREFIX, endpoint.pk)}")
        self.stdout.write("Their owners must reveal the new secrets, and set the headers again.")

    def report(self, damaged: list[Damaged]) -> None:
        """Say what is sealed under which key now; raise CommandError where something could not be moved."""
        first, *others = key_ids()
        used = keys_in_use()
        self.stdout.write(f"{used[first]} secrets are sealed under the key {first}.")
        free = [name for name in others if not used[name]]
        if free:
            self.stdout.write(f"No longer needed, remove from ENCRYPTION_KEYS: {', '.join(free)}.")
        for row in damaged:
            self.stderr.write(f"Damaged: {row.place.column} of {row.place.table} {row.id}")
        missing = sorted(name for name in used if name not in key_ids())
        if missing:
            raise CommandError(f"Keys are missing: {', '.join(missing)}. Put them back and run this again.")
        if damaged:
            raise CommandError("Damaged secrets stay as they are: restore them from a backup, or rotate them.")


def move() -> list[Damaged]:
    """Seal anew what waits, with a bar that says how far it is."""
    columns = TextColumn("secrets"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=stale())
        return reseal(lambda count: progress.advance(task, count))
