"""Fills an empty database from a file of `manage.py backup`, and makes it ready to be worked with."""

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from config import dumps, env
from config.env import BASE
from config.errors import StartError


class Command(BaseCommand):
    """`manage.py restore FILE`, as the owner of the tables; then `post_restore`, by itself."""

    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the argument."""
        parser.add_argument("file", type=Path, help="the file to read")

    def handle(self, *_: Any, **options: Any) -> None:
        """Restore; the rest takes Django's apps, and so a process of its own."""
        path: Path = options["file"].resolve()
        with dumps.at_hand(env.read()) as settings:
            tables = dumps.restore(settings, path)
            self.stdout.write(f"{tables} tables restored.")
            self.stdout.flush()
            command = (sys.executable, str(BASE / "manage.py"), "post_restore")
            if subprocess.run(command, check=False).returncode:
                raise StartError(
                    "The database is restored, but not ready: run `manage.py post_restore` before you start."
                )
