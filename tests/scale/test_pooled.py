"""Kith behind PgBouncer in transaction mode, with RabbitMQ as broker: all as before, and no session marked."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from config.embedded import Embedded
from config.embedded.state import SUPERUSER
from config.env import BASE
from tests.config.trial import manage
from tests.faults.harness import Kith, wait_for
from tests.faults.invariants import invariants
from tests.scale.pgbouncer import POOLED, pgbouncer
from tests.scale.rabbitmq import RabbitMQ, rabbitmq
from tests.scale.smoke import OTHER, SMOKE

pytestmark = pytest.mark.deep

# What a session keeps beyond its transaction. PgBouncer itself sets some of these anew for each client.
MARKS = """
SELECT pg_backend_pid(), ARRAY(
    SELECT name || '=' || setting FROM pg_settings WHERE source = 'session'
    AND name NOT IN ('client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings', 'application_name')
    UNION ALL SELECT 'app.tenant_id=' || current_setting('app.tenant_id', true)
    WHERE current_setting('app.tenant_id', true) <> ''
    UNION ALL SELECT name FROM pg_prepared_statements
    UNION ALL SELECT name FROM pg_cursors WHERE name <> ''
    UNION ALL SELECT locktype FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'
    UNION ALL SELECT pg_listening_channels())
"""


@pytest.fixture(scope="module")
def pool(servers: Embedded) -> Iterator[dict[str, str]]:
    """Run PgBouncer, and set the log-ins up for it as an administrator does."""
    with pgbouncer(servers) as urls:
        settings = {**servers.urls, **urls, "DATABASE_POOLER": "true"}
        administrator = {"DATABASE_MIGRATION_URL": servers.state.database_url(SUPERUSER)}
        refused = manage(servers.home, "roles", **settings)
        assert refused.returncode and "let an administrator run: ALTER ROLE" in refused.stderr
        done = manage(servers.home, "roles", **{**settings, **administrator})
        assert done.returncode == 0, done.stderr
        # There is nothing left to be done, so whoever owns the tables may say so.
        assert manage(servers.home, "roles", **settings).returncode == 0
        yield {**urls, "DATABASE_POOLER": "true"}


@pytest.fixture(scope="module")
def broker(servers: Embedded) -> Iterator[RabbitMQ]:
    with rabbitmq(servers) as node:
        yield node


def test_a_pooled_connection_has_its_role_and_its_limits(servers: Embedded, pool: dict[str, str]) -> None:
    for name, role in zip(POOLED, ("kith_app", "kith_admin"), strict=True):
        with psycopg.connect(pool[name]) as connection:
            row = connection.execute(
                "SELECT current_user, current_setting('statement_timeout'), current_setting('lock_timeout')"
            ).fetchone()
        assert row == (role, "5s", "2s")


def test_the_smoke_suite_passes(
    servers: Embedded, pool: dict[str, str], broker: RabbitMQ, tmp_path: Path, tally: dict[str, str]
) -> None:
    environ = {**os.environ, **servers.urls, **pool, "BROKER_URL": broker.url, "KITH_HOME": str(tmp_path / "kith")}
    (tmp_path / "kith").mkdir()
    others = [f"--deselect={name}" for name in OTHER]
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SMOKE, *others)
    done = subprocess.run(command, cwd=BASE, env=environ, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stdout[-20_000:]
    found = re.search(r"(\d+) passed", done.stdout)
    assert found and int(found[1]) > 100
    left = marks(pool)
    assert not any(left.values()), left
    tally["pooled"] = f"{found[1]} tests passed behind PgBouncer; {len(left)} sessions, none of them marked"


def marks(pool: dict[str, str]) -> dict[int, list[str]]:
    """Return what each connection of the pools keeps, by its process."""
    found: dict[int, list[str]] = {}
    with ExitStack() as stack:
        for url in (pool[name] for name in POOLED for _ in range(5)):
            # Each holds its connection until all of them have one.
            connection = stack.enter_context(psycopg.connect(url, prepare_threshold=None))
            row = connection.execute(MARKS).fetchone()
            assert row is not None
            found[row[0]] = row[1]
    return found


def test_webhooks_go_out_and_survive_a_broker_that_dies(
    kith: Kith, pool: dict[str, str], broker: RabbitMQ, tally: dict[str, str]
) -> None:
    kith.environ |= {**pool, "BROKER_URL": broker.url}
    side = kith.side(2)
    kith.start()
    for number in range(50):
        kith.make_client(side, f"Client {number}")
    kith.wait_delivered(100, 60)
    broker.kill()
    kith.post_evenly(side, 50, 5)
    broker.child = broker.start()
    took = kith.wait_delivered(200, 60)
    # The clock's sweep finds what is due; a poke is what is quick.
    quick = min(poked(kith, number) for number in range(5))
    assert quick < 3
    assert kith.statuses == {201: 105}
    # A poke that finds nobody is given up at once.
    assert kith.slowest < 2
    figures = invariants(kith)
    tally["broker"] = (
        f"{figures}; RabbitMQ killed under way: all sent {took:.1f} s after it was back, then one in "
        f"{quick * 1000:.0f} ms; slowest request {kith.slowest:.2f} s"
    )


def poked(kith: Kith, number: int) -> float:
    before = kith.delivered()
    kith.make_client(kith.sides[0], f"After {number}")
    return wait_for(lambda: kith.delivered() == before + 2)
