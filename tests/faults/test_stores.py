"""Stores that go away: Redis stopped and emptied, PostgreSQL restarted; nothing is lost with what only pokes."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connections

from config.embedded import Embedded
from tests.faults.harness import Kith
from tests.faults.invariants import invariants

# PostgreSQL writes through to the disk: what it has acknowledged must survive its crash.
IN_EARNEST = True


def empty(servers: Embedded, name: str = "redis") -> None:
    """Delete what Redis has written down."""
    for path in [*Path(servers.home / name).glob("*.aof"), *Path(servers.home / name).glob("*.rdb")]:
        path.unlink()


@pytest.mark.deep
def test_f6_redis_stopped_and_started_empty(kith: Kith, servers: Embedded, tally: dict[str, str]) -> None:
    side = kith.side()
    kith.start()
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(kith.post_evenly, side, 200, 25)
        time.sleep(3)
        servers.children[0].ask()
        servers.children[0].process.wait()
        time.sleep(20)
        empty(servers)
        servers.revive(servers.children[0])
        servers.servers[0].wait(servers.children[0], servers.state, servers.log, time.sleep)
        started = time.monotonic()
        posted.result()
    kith.wait_delivered(200, 15)
    took = time.monotonic() - started
    figures = invariants(kith)
    assert kith.statuses == {201: 200}
    assert kith.slowest < 2
    tally["F6"] = f"{figures}; slowest answer {kith.slowest:.2f} s, all delivered {took:.1f} s after the start"


@pytest.mark.deep
def test_f8_postgresql_restarted_in_traffic(kith: Kith, servers: Embedded, tally: dict[str, str]) -> None:
    side = kith.side()
    kith.start()
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(kith.post_evenly, side, 400, 20)
        for _ in range(2):
            time.sleep(5)
            restart(servers)
        posted.result()
    refused = kith.statuses[503]
    kith.wait_delivered(kith.statuses[201], 30)
    figures = invariants(kith, duplicates=100, refused=refused)
    assert set(kith.statuses) <= {201, 503}
    assert kith.slowest < 10
    tally["F8"] = (
        f"{figures}; {kith.statuses[201]} acknowledged, {refused} times 503, slowest answer {kith.slowest:.1f} s"
    )


def restart(servers: Embedded) -> None:
    """Restart PostgreSQL the way `pg_ctl restart -m immediate` does."""
    postgres = servers.children[1]
    postgres.process.send_signal(signal.SIGQUIT)
    postgres.process.wait()
    servers.revive(postgres)
    servers.servers[1].wait(servers.children[1], servers.state, servers.log, time.sleep)
    # Those of this process.
    connections.close_all()
