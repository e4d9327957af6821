"""Receivers that fail, hang and come back, tenants of very different sizes, and secrets that change under load."""

import random
import threading
import time
from statistics import quantiles
from typing import Any

import pytest
from django.utils.dateparse import parse_datetime

from tests.faults.harness import Kith, wait_for
from tests.faults.invariants import invariants
from tests.webhooks.receiving import Got

OK: tuple[int, dict[str, str]] = (204, {})
DEFAULT_SCHEDULE = [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]


def latency(got: Got) -> float:
    """Return the seconds from the change to its receipt."""
    made = parse_datetime(got.data["timestamp"])
    assert made is not None
    return got.at - made.timestamp()


def at_worst_but(got: list[Got]) -> float:
    """Return the 95th percentile of the latencies."""
    return quantiles([latency(one) for one in got], n=20)[-1]


@pytest.mark.deep
def test_f9_half_of_the_attempts_fail(kith: Kith, tally: dict[str, str]) -> None:
    sides = [kith.side() for _ in range(20)]
    for side in sides:
        side.make_clients(500)
    chance = random.Random(9)
    kith.target.answers = lambda got: (503, {}) if chance.random() < 0.5 else OK
    schedule = [0, 0.1, 0.2, 0.4, *[0.5] * 40]
    start = time.monotonic()
    kith.start("worker", "beat", WEBHOOK_SCHEDULE=schedule, WEBHOOK_CIRCUIT_SECONDS=0.2)
    kith.wait_delivered(10_000, 500)
    took = time.monotonic() - start
    attempts = len(kith.target.got)
    figures = invariants(kith)
    assert len(kith.target.accepted) == 10_000
    assert 19_000 <= attempts <= 21_000
    tally["F9"] = (
        f"{figures.deliveries} distinct, {attempts} attempts in {took:.0f} s ({attempts / took:.0f} a second), "
        f"{figures.lost} lost, {figures.duplicates} duplicates"
    )


@pytest.mark.deep
def test_f11_fifty_that_hang_beside_one_that_does_not(kith: Kith, tally: dict[str, str]) -> None:
    hanging, healthy = [kith.side(5) for _ in range(10)], kith.side()
    [path] = healthy.endpoints
    ended = threading.Event()

    def answers(got: Got) -> tuple[int, dict[str, str]]:
        if got.path != path:
            ended.wait(30)
        return OK

    kith.target.answers = answers
    normal: dict[str, Any] = {
        "WEBHOOK_SCHEDULE": DEFAULT_SCHEDULE,
        "WEBHOOK_LEASE_SECONDS": 60,
        "WEBHOOK_CIRCUIT_SECONDS": 30,
    }
    kith.start(WEBHOOK_DEADLINE_SECONDS=15, **normal)
    # An endpoint that has yet to show what it can takes turns with those that hang; this one has.
    kith.make_client(healthy, "Ada")
    kith.wait_delivered(1, 20)
    for side in hanging:
        side.make_clients(20)
    wait_for(lambda: kith.target.open)
    most, full_since, longest = 0, time.monotonic(), 0.0
    start = time.monotonic()
    while time.monotonic() < start + 40:
        kith.make_client(healthy, "Ada")
        held = len(kith.target.open)
        most = max(most, held)
        full_since = full_since if held >= 50 else time.monotonic()
        longest = max(longest, time.monotonic() - full_since)
        time.sleep(0.5)
    made = len(kith.made)
    wait_for(lambda: sum(got.path == path for got in kith.target.got) >= made, 20)
    good = [got for got in kith.target.got if got.path == path]
    ended.set()
    kith.stop("web", "worker", "beat")
    figures = invariants(kith)
    worst = at_worst_but(good)
    assert worst < 5
    assert longest < 20
    tally["F11"] = (
        f"{len(good)} of the healthy, p95 {worst:.2f} s, worst {max(map(latency, good)):.2f} s; at most {most} of 50 "
        f"slots held; {figures.lost} lost"
    )


@pytest.mark.deep
def test_f18_five_thousand_beside_ten(kith: Kith, tally: dict[str, str]) -> None:
    big, small = kith.side(), kith.side()
    [path] = small.endpoints
    kith.start("worker", "beat")
    start = time.monotonic()
    big.make_clients(5000)
    wait_for(lambda: kith.target.got)
    small.make_clients(10)
    wait_for(lambda: sum(got.path == path for got in kith.target.got) == 10, 30)
    before = len(kith.target.got)
    kith.wait_delivered(5010, 200)
    took = time.monotonic() - start
    figures = invariants(kith)
    slowest = max(latency(got) for got in kith.target.got if got.path == path)
    assert slowest < 5
    tally["F18"] = f"{figures}; the ten within {slowest:.2f} s, when {before} had come of all, which took {took:.0f} s"
