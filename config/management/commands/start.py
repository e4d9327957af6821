"""Starts one process of Kith, and becomes it: for process managers and containers, which look after one each."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config import env
from config.supervisor import parts

ROLES = {"web": parts.web, "worker": parts.worker, "beat": parts.beat}


class Command(BaseCommand):
    """`manage.py start web`, `worker` or `beat`; `manage.py up` starts all three, and the servers they need."""

    help = __doc__
    # The process that it becomes runs them itself.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the argument."""
        parser.add_argument("role", choices=ROLES, help="which process")

    def handle(self, *_: Any, **options: Any) -> None:
        """Become the process: signals reach it directly, and its exit code is this one's."""
        settings = env.read()
        # Where the keys are given nobody else makes it, and worker and clock write there.
        settings.home.mkdir(mode=0o755, parents=True, exist_ok=True)
        command = ROLES[options["role"]](settings)
        os.execve(command[0], command, parts.environment(colour=False))  # noqa: S606  a program by its full path
