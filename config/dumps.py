"""The database into one file and back, by PostgreSQL's own programs: whole, or not at all."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from config.embedded import Embedded, binaries
from config.env import BACKUP_URL, Environment, read
from config.errors import StartError
from config.progress import Say, progress, say
from config.supervisor import leftovers
from config.supervisor.checks import check_databases, connect
from config.supervisor.lock import Lock

__all__ = ["at_hand", "dump", "restore"]

OWN = ("embedded", "default")
TABLES = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r'
"""
# What the programs say of each table as they come to it.
DUMPED = re.compile(r'dumping contents of table "?(?:public\.)?([^"]+)"?')
RESTORED = re.compile(r'processing data for table "?(?:public\.)?([^"]+)"?')
# It names the owner by whom it was set, who may have another name here: post_restore sets it again.
LEFT_OUT = " DEFAULT ACL "
BOUND = ("would be affected by row-level security", "permission denied")
# What a migration holds is waited for, so long.
LOCK_WAIT = "--lock-wait-timeout=30s"


@contextmanager
def at_hand(settings: Environment) -> Iterator[Environment]:
    """Give the settings with a database that answers; our own, where it is at rest, is started for the while."""
    with ExitStack() as stack:
        if settings.readings["DATABASE_URL"].source in OWN and is_at_rest(stack, settings.home):
            leftovers.stop(settings.home)
            stack.enter_context(Embedded(settings.home, redis=False))
            settings = read()
        yield settings


def is_at_rest(stack: ExitStack, home: Path) -> bool:
    """Take the lock of a data folder; False where Kith runs on it, and its servers with it."""
    try:
        stack.enter_context(Lock(home))
    except StartError:
        if (home / "embedded.json").exists():
            return False
        raise
    return True


def dump(settings: Environment, path: Path, tell: Say = say) -> int:
    """Write one moment's state of the whole database to a new file; return how many tables it holds.

    Raises StartError where that cannot be, and leaves no file then.
    """
    if path.exists():
        raise StartError(f"{path} is there already: choose another name, or delete it.")
    url = settings.text(BACKUP_URL)
    with connect(BACKUP_URL, url) as connection:
        server = connection.info.server_version // 10_000
        name, [total] = connection.info.dbname, connection.execute(TABLES).fetchone() or [0]
    if not total:
        raise StartError(f"The database {name} has no tables: there is nothing to back up.")
    draft = path.with_name(f"{path.name}.part")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        command = (str(binaries.client("pg_dump", server)), "--format=custom", "--verbose", LOCK_WAIT)
        tables = run((*command, f"--file={draft}"), url, DUMPED, total, tell)
        draft.replace(path)
    except OSError as error:
        raise StartError(f"{path} cannot be written ({error.strerror}): choose another place.") from None
    finally:
        draft.unlink(missing_ok=True)
    return tables


def restore(settings: Environment, path: Path, tell: Say = say) -> int:
    """Fill an empty database from a file, in one transaction; return how many tables it holds.

    Raises StartError where the database is not empty, or the file cannot be read.
    """
    if not path.is_file():
        raise StartError(f"{path} is no file: name one that `manage.py backup` has written.")
    # The policies in the file name the roles.
    check_databases(settings)
    url = settings.text("DATABASE_MIGRATION_URL")
    with connect("DATABASE_MIGRATION_URL", url) as connection:
        server, name = connection.info.server_version // 10_000, connection.info.dbname
        [there] = connection.execute(TABLES).fetchone() or [0]
    if there:
        raise StartError(
            f"The database {name} has {there} tables already: restore into a new one, or on another KITH_HOME."
        )
    program = str(binaries.client("pg_restore", server))
    contents = [line for line in listed(program, path) if LEFT_OUT not in line]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.write("\n".join(contents))
        chosen.flush()
        command = (program, "--no-owner", "--single-transaction", "--exit-on-error", "--verbose")
        total = sum(" TABLE DATA " in line for line in contents)
        return run((*command, f"--use-list={chosen.name}", str(path)), url, RESTORED, total, tell)


def listed(program: str, path: Path) -> list[str]:
    """Return the list of what a file holds."""
    done = subprocess.run((program, "--list", str(path)), check=False, capture_output=True, text=True)
    if done.returncode:
        raise StartError(f"{path} is no backup of Kith, or not a whole one ({last_line(done.stderr)}): take another.")
    return done.stdout.splitlines()


def run(command: tuple[str, ...], url: str, done: re.Pattern[str], total: int, tell: Say) -> int:
    """Run a program on a database, showing each table that it comes to; return how many there were."""
    given = conninfo_to_dict(url)
    # Whoever lists processes sees command lines, and not environments.
    environ = {**os.environ, "PGPASSWORD": str(given.pop("password", None) or os.environ.get("PGPASSWORD", ""))}
    place = make_conninfo("", **given)
    tables, last = 0, ""
    with ExitStack() as stack:
        report = progress(stack, total, tell)
        process = stack.enter_context(
            subprocess.Popen((*command, f"--dbname={place}"), env=environ, stderr=subprocess.PIPE, text=True)
        )
        assert process.stderr
        for line in process.stderr:
            last = line if "error:" in line or not last else last
            if found := done.search(line):
                tables += 1
                report(found[1])
    if process.returncode:
        raise StartError(sentence(Path(command[0]).name, last_line(last)))
    return tables


def sentence(program: str, reason: str) -> str:
    """Say why a program failed, and what to do where that is known."""
    if program == "pg_dump" and any(words in reason for words in BOUND):
        return (
            f"{BACKUP_URL} logs in as a role that sees a part only: make it the role kith_backup of docs/operations.md."
        )
    return f"{program} failed: {reason}"


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
