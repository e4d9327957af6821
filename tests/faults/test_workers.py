"""Workers that die, again and again, alone or whole: what they had under way is sent once more, and nothing is lost."""

import os
import random
import signal
import threading
import time
from collections import Counter

import psutil
import pytest

from crm.resources.clients.models import Client
from crm.rest import writes
from tenants.scope import tenant_scope
from tests.faults.harness import Kith, Side, wait_for
from tests.faults.invariants import invariants
from tests.webhooks.receiving import Got

OK: tuple[int, dict[str, str]] = (204, {})
UNKNOWN = "webhooks_attempt WHERE state = 'unknown' AND tenant_id = ANY(%s)"


class Killer:
    """Kills the child that posts, while the receiver holds its answer back."""

    def __init__(self, kith: Kith, *, times: int) -> None:
        self.kith, self.times = kith, times
        self.killed: list[float] = []
        self.lock = threading.Lock()

    def kill(self, got: Got) -> bool:
        """Kill whoever sent this, unless it is dead."""
        with self.lock:
            child = self.kith.poster(got.peer) if len(self.killed) < self.times else None
            if child is None:
                return False
            os.kill(child.pid, signal.SIGKILL)
            wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
            self.killed.append(time.time())
            return True


@pytest.mark.deep
def test_f1_the_child_that_posts_is_killed(kith: Kith, tally: dict[str, str]) -> None:
    kith.side(ordered=True)
    killer = Killer(kith, times=20)
    chance = random.Random(1)

    def answers(got: Got) -> tuple[int, dict[str, str]]:
        if chance.random() < 0.06:
            killer.kill(got)
        return OK

    kith.target.answers = answers
    kith.start("worker", "beat")
    # All of them are of one record, in order: one is under way when the child dies.
    change(kith, 500)
    kith.wait_delivered(500, 240)
    unknown = kith.count(UNKNOWN, kith.tenants)
    figures = invariants(kith, duplicates=20)
    assert len(killer.killed) == 20
    in_order(kith.target.got)
    slowest = max(recovery(kith.target.got, killed) for killed in killer.killed)
    assert slowest < 3 + 10
    tally["F1"] = f"{figures}; 20 kills, {unknown} attempts of unknown end, recovery {slowest:.1f} s at the worst"


def change(kith: Kith, times: int) -> None:
    """Make a record and change it again and again."""
    side = kith.sides[0]
    with tenant_scope(side.tenant.pk):
        client = Client(name="Client")
        writes.create(client, actor=side.actor)
        for number in range(times - 1):
            with writes.changing(client, actor=side.actor):
                client.name = f"Client {number}"


def in_order(got: list[Got]) -> None:
    """Assert that the receipts came in the order of the record's versions."""
    versions = [one.data["record_version"] for one in got]
    assert versions == sorted(versions)


def recovery(got: list[Got], killed: float) -> float:
    """Return the seconds from a death to the next receipt."""
    return min((one.at for one in got if one.at > killed), default=killed) - killed


@pytest.mark.deep
def test_f2_the_whole_worker_is_killed(kith: Kith, tally: dict[str, str]) -> None:
    sides = [kith.side(2) for _ in range(5)]
    in_time: list[float] = []

    def answers(got: Got) -> tuple[int, dict[str, str]]:
        time.sleep(0.3)
        return OK

    kith.target.answers = answers
    kith.start("worker", "beat")
    for _ in range(5):
        for side in sides:
            side.make_clients(20)
        before = len(kith.target.got)
        wait_for(lambda before=before: len(kith.target.got) > before + 20 and kith.target.open)  # type: ignore[misc]
        kith.kill("worker")
        time.sleep(5)
        kith.start("worker")
        ready = time.time()
        wait_for(lambda ready=ready: kith.target.got[-1].at > ready)  # type: ignore[misc]
        in_time.append(kith.target.got[-1].at - ready)
    kith.wait_delivered(1000, 60)
    unknown = kith.count(UNKNOWN, kith.tenants)
    figures = invariants(kith, duplicates=unknown)
    tally["F2"] = f"{figures}; 5 kills, {unknown} attempts of unknown end, at work again after {max(in_time):.1f} s"


@pytest.mark.deep
def test_f17_what_kills_its_worker_is_parked(kith: Kith, tally: dict[str, str]) -> None:
    side, other = kith.side(), kith.side()
    killer = Killer(kith, times=1000)

    def answers(got: Got) -> tuple[int, dict[str, str]]:
        if got.data["data"]["name"] == "poison":
            killer.kill(got)
        return OK

    kith.target.answers = answers
    kith.start(WEBHOOK_LEASE_SECONDS=1)
    start = time.monotonic()
    kith.make_client(side, "poison")
    for number in range(100):
        kith.make_client((side, other)[number % 2], f"Client {number}")
    wait_for(lambda: received_by(kith, other) == 50)
    others = time.monotonic() - start
    wait_for(lambda: received_by(kith, side) == 51)
    own = time.monotonic() - start
    wait_for(lambda: kith.count("webhooks_delivery WHERE status = 'poisoned'") == 1, 240)
    took = time.monotonic() - start
    figures = invariants(kith, duplicates=kith.count(UNKNOWN, kith.tenants))
    [(starts, attempts)] = kith.rows("SELECT starts, attempts FROM webhooks_delivery WHERE status = 'poisoned'")
    assert (starts, attempts, len(killer.killed)) == (20, 0, 20)
    names = Counter(got.data["data"]["name"] for got in kith.target.got)
    assert names.pop("poison") == 20
    tally["F17"] = (
        f"{figures}; parked after {starts} starts in {took:.0f} s; 50 events of another "
        f"tenant took {others:.0f} s, 50 to the same endpoint {own:.0f} s"
    )


def received_by(kith: Kith, side: Side) -> int:
    return len({got.id for got in kith.target.got if got.path in side.endpoints})


@pytest.mark.deep
def test_f21_a_task_that_is_handed_out_again_posts_nothing(kith: Kith, tally: dict[str, str]) -> None:
    side = kith.side()

    def answers(got: Got) -> tuple[int, dict[str, str]]:
        time.sleep(14)
        return OK

    kith.target.answers = answers
    kith.environ["WORKER_CONCURRENCY"] = "4"
    kith.start("web")
    # Without the clock, so that only Redis starts a task again.
    kith.start("worker", app="tests.faults.celery")
    kith.make_client(side, "Ada")
    kith.wait_delivered(1, 40)
    tasks = Counter(received(kith))
    figures = invariants(kith)
    assert max(tasks.values()) > 1, tasks
    assert len(kith.target.got) == 1
    tally["F21"] = f"{figures}; one task was handed out {max(tasks.values())} times"


def received(kith: Kith) -> list[str]:
    """Return the ids of the tasks that the worker was given, from its log."""
    lines = (kith.home / "worker.log").read_text().splitlines()
    return [line.split("[", 1)[1].split("]")[0] for line in lines if "deliver[" in line and "] received" in line]
