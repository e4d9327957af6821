"""Receivers that fail, hang and come back, tenants of very different sizes, and secrets that change under load."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import quantiles
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from standardwebhooks import Webhook, WebhookVerificationError

from tenants.scope import tenant_scope
from tests.conftest import seat
from tests.faults.harness import Kith, Side, wait_for
from tests.faults.invariants import invariants
from tests.webhooks.receiving import Got
from webhooks import endpoints
from webhooks.models import Endpoint

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
    figures = invariants(kith, duplicates=attempts - 10_000)
    assert len(kith.target.accepted) == 10_000
    twice = sum(kith.target.accepted.values()) - 10_000
    assert twice == 0
    assert 19_000 <= attempts <= 21_000
    tally["F9"] = (
        f"{figures.deliveries} distinct, {attempts} attempts in {took:.0f} s ({attempts / took:.0f} a second), "
        f"{figures.lost} lost, {twice} accepted twice"
    )


def test_f10_a_receiver_down_for_the_whole_schedule(kith: Kith, tally: dict[str, str], smtp: Any) -> None:
    side = kith.side()
    seat(side.tenant, role="owner", email="owner@example.com")
    kith.environ |= {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(smtp.port), "EMAIL_SECURITY": "none"}
    [endpoint] = side.endpoints.values()
    kith.target.answers = lambda got: (503, {})
    kith.start(WEBHOOK_SCHEDULE=[0, *[0.05] * 9], WEBHOOK_CIRCUIT_SECONDS=0.1)
    began = timezone.now()
    for number in range(50):
        kith.make_client(side, f"Client {number}")
    exhausted = "webhooks_delivery WHERE status = 'exhausted' AND tenant_id = ANY(%s)"
    wait_for(lambda: kith.count(exhausted, kith.tenants) == 50, 60)
    attempts = len(kith.target.got)
    assert attempts == 500
    # Five days pass: only the clock is moved.
    kith.rows("UPDATE webhooks_lane SET failing_since = now() - interval '121 hours' RETURNING 1")
    for number in range(5):
        kith.make_client(side, f"Late {number}")
    wait_for(lambda: not is_active(side, endpoint), 30)
    wait_for(lambda: len(smtp.mails) == 1, 15)
    time.sleep(6)
    disabled = kith.count("tenants_event WHERE type = 'webhook.disabled' AND tenant_id = ANY(%s)", kith.tenants)
    assert (disabled, len(smtp.mails)) == (1, 1)
    # It is up again: what waited goes out, and what was given up is replayed.
    kith.target.answers = lambda got: OK
    up = time.monotonic()
    with_scope(side, endpoint, lambda found: endpoints.enable(found, actor=side.actor))
    kith.wait_delivered(5, 20)
    replay(side, endpoint, began)
    kith.wait_delivered(55, 30)
    took = time.monotonic() - up
    accepted = kith.target.accepted
    assert (len(accepted), set(accepted.values())) == (55, {1})
    figures = invariants(kith, duplicates=len(kith.target.got))
    assert kith.count(exhausted, kith.tenants) == 50
    tally["F10"] = (
        f"50 exhausted after {attempts} attempts, switched off once, 1 mail; 5 waiting and 50 replayed, "
        f"{figures.lost} lost, each accepted once, {took:.0f} s after it was up"
    )


def with_scope(side: Side, endpoint: Endpoint, act: Any) -> Any:
    """Do something to the endpoint as it is now."""
    with tenant_scope(side.tenant.pk):
        return act(Endpoint.objects.of(side.tenant).get(pk=endpoint.pk))


def is_active(side: Side, endpoint: Endpoint) -> bool:
    return bool(with_scope(side, endpoint, lambda found: found.active))


def replay(side: Side, endpoint: Endpoint, since: Any) -> None:
    """Have everything sent again that was not delivered."""
    from webhooks import replay as jobs  # noqa: PLC0415

    with_scope(side, endpoint, lambda found: jobs.start(found, actor=side.actor, since=since, until=timezone.now()))


@pytest.mark.deep
def test_f11_fifty_that_hang_beside_one_that_does_not(kith: Kith, tally: dict[str, str]) -> None:
    hanging = [kith.side(5) for _ in range(10)]
    healthy = kith.side()
    [path] = healthy.endpoints
    ended = threading.Event()

    def answers(got: Got) -> tuple[int, dict[str, str]]:
        if got.path != path:
            ended.wait(30)
        return OK

    kith.target.answers = answers
    normal = {"WEBHOOK_SCHEDULE": DEFAULT_SCHEDULE, "WEBHOOK_LEASE_SECONDS": 60, "WEBHOOK_CIRCUIT_SECONDS": 30}
    kith.start(WEBHOOK_DEADLINE_SECONDS=15, **normal)
    for side in hanging:
        side.make_clients(20)
    wait_for(lambda: kith.target.open)
    most, full_since, longest = 0, time.monotonic(), 0.0
    start = time.monotonic()
    while time.monotonic() < start + 45:
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
    figures = invariants(kith, duplicates=200)
    worst = at_worst_but(good)
    assert worst < 5
    assert longest < 20
    tally["F11"] = (
        f"{len(good)} of the healthy, p95 {worst:.2f} s, worst {max(map(latency, good)):.2f} s; at most {most} of 50 "
        f"slots held; {figures.lost} lost"
    )


def test_f16_a_secret_that_changes_under_load(kith: Kith, tally: dict[str, str]) -> None:
    side = kith.side()
    [(path, endpoint)] = side.endpoints.items()
    [old] = kith.target.known[path]
    grace = timedelta(seconds=4)
    kith.start()
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(lambda: [(kith.make_client(side, "Ada"), time.sleep(0.04)) for _ in range(200)])
        wait_for(lambda: len(kith.target.got) > 40)
        before = time.time()
        new = with_scope(side, endpoint, lambda found: endpoints.rotate(found, actor=side.actor, grace=grace))
        kith.target.known[path].append(new)
        after = time.time()
        posted.result()
    if time.time() < after + 6:
        time.sleep(after + 6 - time.time())
    for _ in range(10):
        kith.make_client(side, "Late")
    kith.wait_delivered(210, 30)
    in_grace = over = 0
    for got in kith.target.got:
        sent = int(got.headers["webhook-timestamp"])
        by = (verifies(old, got), verifies(new, got))
        if got.at < before:
            assert by == (True, False)
        elif after + 1 < sent < before + grace.total_seconds() - 1:
            in_grace += 1
            assert by == (True, True)
        elif sent > after + grace.total_seconds() + 1:
            over += 1
            assert by == (False, True)
        else:
            assert any(by)
    kith.target.known[path].reverse()
    assert in_grace > 20
    assert over >= 10
    unsigned = sum(not got.headers.get("webhook-signature") for got in kith.target.got)
    figures = invariants(kith)
    assert unsigned == 0
    tally["F16"] = f"{figures}; {in_grace} in grace signed by both, {over} after it by the new one, {unsigned} unsigned"


def verifies(secret: str, got: Got) -> bool:
    try:
        Webhook(secret).verify(got.body, got.headers)
    except WebhookVerificationError:
        return False
    return True


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
