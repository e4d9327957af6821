#!/usr/bin/env python
"""Runs the commands of Kith."""

import os
import sys

import config  # noqa: F401  the first to be loaded: it says so where Python is too old

# isort: split
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError

from config.databases import explain
from config.management.commands import backup, restore, roles, settings, start, up

# These need no app; some must even come before them, since their settings need the database that is started here, and
# `start` becomes another process, which loads them itself.
EARLY = {
    "backup": backup.Command,
    "restore": restore.Command,
    "roles": roles.Command,
    "settings": settings.Command,
    "start": start.Command,
    "up": up.Command,
}


def run(argv: list[str]) -> None:
    """Run one command, an early one without loading Django's apps."""
    name = argv[1] if len(argv) > 1 else ""
    if name in EARLY:
        EARLY[name]().run_from_argv(argv)
    else:
        execute_from_command_line(argv)


def main() -> int:
    """Run the command on the command line; a wrong setting ends in one sentence and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        run(sys.argv)
    except (ImproperlyConfigured, OperationalError) as error:
        print(explain(error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
