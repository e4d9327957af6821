"""F23: tables change while a long reader is at them and others work: nobody waits for two seconds, nobody is refused.

The figures of a run are in its last lines.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from config.embedded import Embedded
from config.env import BASE
from config.preparing import LOCK_MILLISECONDS, PAUSES
from tenants.checks import tenant_models
from tenants.provisioning import provision
from tenants.routing import using
from tests.conftest import make_key
from tests.drills.traffic import Traffic, serving, traffic
from tests.faults.harness import Side

pytestmark = pytest.mark.deep

CLIENTS = 10_000
LONGEST = 2.0
# How long whoever waits for a table has waited. What makes an index waits for transactions, and holds nobody up.
WAITS = """
SELECT coalesce(extract(epoch FROM max(clock_timestamp() - waitstart)), 0)::float8 FROM pg_locks
WHERE NOT granted AND locktype <> 'virtualxid'
"""
APPLIED = "SELECT count(*) FROM django_migrations WHERE app = 'later'"
MADE = """
SELECT (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('client_later')),
       (SELECT convalidated FROM pg_constraint WHERE conname = 'client_later')
"""


class Watch:
    """Looks twenty times a second how long others wait for tables, and keeps the longest."""

    def __init__(self, url: str) -> None:
        self.url, self.longest, self.over = url, 0.0, threading.Event()

    def run(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.over.wait(0.05):
                [found] = connection.execute(WAITS).fetchone() or [0.0]
                self.longest = max(self.longest, found)


@contextmanager
def watched(servers: Embedded) -> Iterator[Watch]:
    watch = Watch(servers.urls["DATABASE_MIGRATION_URL"])
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.over.set()
        thread.join()


@contextmanager
def reader(servers: Embedded) -> Iterator[psycopg.Connection]:
    """Read every table of tenants in one transaction, which stays open; as a backup's does."""
    with psycopg.connect(servers.urls["DATABASE_BACKUP_URL"]) as connection:
        for model in tenant_models():
            connection.execute(f"SELECT 1 FROM {model._meta.db_table} LIMIT 1")
        yield connection


@pytest.fixture(scope="module")
def sides(servers: Embedded) -> list[Side]:
    made = []
    for _ in range(3):
        with using("admin"):
            tenant = provision(slug=f"side-{uuid4().hex[:12]}")
        made.append(Side(tenant, make_key(tenant)))
        made[-1].make_clients(CLIENTS // 3)
    return made


def prepare(servers: Embedded) -> subprocess.Popen[str]:
    """Let the next release prepare the database."""
    environ = {**os.environ, **servers.urls, "KITH_HOME": str(servers.home)}
    return subprocess.Popen(
        (sys.executable, "manage.py", "prepare"),
        cwd=BASE, text=True, stderr=subprocess.PIPE,
        env=environ | {"DJANGO_SETTINGS_MODULE": "tests.drills.settings"},
    )  # fmt: skip


def ask(servers: Embedded, sql: str) -> Any:
    with psycopg.connect(servers.urls["DATABASE_MIGRATION_URL"]) as connection:
        return connection.execute(sql).fetchone()


def check(seen: Traffic, watch: Watch) -> str:
    assert not seen.wrong
    assert watch.longest < LONGEST
    return (
        f"{len(seen.seconds)} requests answered, the slowest in {seen.slowest:.2f} s; the longest wait for a table "
        f"{watch.longest:.2f} s"
    )


def test_f23_it_gives_up_before_others_have_to(servers: Embedded, sides: list[Side], tally: dict[str, str]) -> None:
    """The reader does not end: after five tries the migration says so, and has changed nothing."""
    with serving(servers) as url, traffic(url, *sides) as seen, watched(servers) as watch:
        with reader(servers):
            began = time.monotonic()
            process = prepare(servers)
            said = process.communicate(timeout=120)[1]
        seconds = time.monotonic() - began
    assert process.returncode == 2
    assert said.count("Others hold a table") == len(PAUSES)
    assert "The database could not be changed while others read it" in said.splitlines()[-1]
    assert seconds > sum(PAUSES) + (len(PAUSES) + 1) * LOCK_MILLISECONDS / 1000
    assert ask(servers, APPLIED) == (0,)
    tally["F23, a reader that stays"] = f"{len(PAUSES) + 1} tries in {seconds:.1f} s; {check(seen, watch)}"


def test_f23_it_goes_on_when_the_reader_is_gone(servers: Embedded, sides: list[Side], tally: dict[str, str]) -> None:
    with serving(servers) as url, traffic(url, *sides) as seen, watched(servers) as watch:
        with reader(servers):
            process = prepare(servers)
            tries = [next(line for line in process.stderr or () if "Others hold a table" in line) for _ in range(2)]
        rest = process.communicate(timeout=120)[1]
    assert process.returncode == 0, rest
    assert ask(servers, APPLIED) == (4,)
    assert ask(servers, MADE) == (True, True)
    tally["F23, a reader that goes"] = f"done after {len(tries)} tries in vain; {check(seen, watch)}"
