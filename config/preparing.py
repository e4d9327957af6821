"""Brings the database up to date and fills in the demo, in a process of its own that a signal may end at once."""

import io
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.core.management import CommandError, call_command
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor
from psycopg.errors import DeadlockDetected, LockNotAvailable

from config.errors import StartError
from config.progress import Say, progress, say

# While a migration waits for a table everybody else waits behind it. So it gives up long before the two seconds after
# which a request would, and is tried again as often, after longer and longer pauses.
LOCK_MILLISECONDS = 500
# Nobody waits behind what goes on beside others; it waits until the last transaction that was there before it is over.
BESIDE_MILLISECONDS = 600_000
PAUSES = (1.0, 2.0, 4.0, 8.0)


def migrate(tell: Say = say) -> None:
    """Apply the migrations that are missing, with a progress bar on a terminal and plain lines elsewhere."""
    with ExitStack() as stack:
        stack.enter_context(alone())
        executor = MigrationExecutor(connections["owner"])
        pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if not pending:
            return
        tell(f"Preparing the database: {pending} steps")
        apply(progress(stack, pending, tell), tell)


def apply(report: Say, tell: Say) -> None:
    """Apply what is missing; a step whose table somebody else holds is undone, and tried again when they may be done.

    Raises StartError where a table cannot be had at all.
    """
    for pause in PAUSES:
        if not (held := applied(report)):
            return
        tell(f"  Others hold a table ({held}); trying again in {pause:g} s")
        time.sleep(pause)
    if held := applied(report):
        raise StartError(
            f"The database could not be changed while others read it ({held}): end the transactions that "
            "pg_stat_activity shows as the oldest, such as a backup, and run `manage.py prepare` again."
        )


def applied(report: Say) -> str:
    """Apply what is missing; return what PostgreSQL said where somebody was in the way, else nothing."""
    try:
        call_command(Migrate(report), database="owner", interactive=False, verbosity=0, skip_checks=True)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
            raise
        return str(error).strip().splitlines()[0]
    return ""


@contextmanager
def alone() -> Iterator[None]:
    """Keep others from migrating at the same time; they wait here, and find nothing left to do."""
    connection = connections["owner"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('kith migrate'))")
    try:
        yield
    finally:
        # The lock goes with the connection.
        connection.close()


class Migrate(MigrateCommand):
    """Django's own command, reporting each step that is done, and waiting for no table longer than others can."""

    def __init__(self, report: Say) -> None:
        super().__init__()
        self.report = report

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        """Bound the waits of a migration that begins; pass on the name of one that is finished."""
        if action == "apply_start":
            # What takes no transaction goes on beside others, such as CREATE INDEX CONCURRENTLY.
            limit = LOCK_MILLISECONDS if migration.atomic else BESIDE_MILLISECONDS
            with connections["owner"].cursor() as cursor:
                cursor.execute(f"SET lock_timeout = {limit}")
        if action == "apply_success":
            self.report(str(migration))


def make_demo() -> dict[str, Any]:
    """Make the demo data where it is missing, and return its logins."""
    output = io.StringIO()
    try:
        call_command("demo", "--json", stdout=output, skip_checks=True)
        logins: dict[str, Any] = json.loads(output.getvalue().strip().splitlines()[-1])
    except (CommandError, ValueError, IndexError) as error:
        raise StartError(f"The demo data could not be made ({error}): start without it, with `--no-demo`.") from error
    return logins
