"""Writes the whole database, as of one moment, to a file; Kith may run meanwhile."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from config import dumps, env
from config.env import Environment


class Command(BaseCommand):
    """`manage.py backup FILE`, as DATABASE_BACKUP_URL."""

    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the argument."""
        parser.add_argument("file", type=Path, help="where to write it; it must not be there yet")

    def handle(self, *_: Any, **options: Any) -> None:
        """Dump, and say what else a backup takes."""
        path: Path = options["file"].resolve()
        with dumps.at_hand(env.read()) as settings:
            tables = dumps.dump(settings, path)
        size = path.stat().st_size / 2**20
        self.stdout.write(
            f"{path}: {tables} tables, {size:.1f} MB. Keep with it, in another place: {others(settings)}."
        )


def others(settings: Environment) -> str:
    """Name what is not in the database."""
    kept = {"SECRET_KEY": "secret_key", "ENCRYPTION_KEYS": "encryption_keys"}
    parts = [name if settings.readings[name].value else str(settings.home / file) for name, file in kept.items()]
    return ", ".join([*parts, "S3_BUCKET" if settings.text("S3_BUCKET") else str(settings.home / "files")])
