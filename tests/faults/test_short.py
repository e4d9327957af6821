"""Faults that are short enough for every run."""

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import redis
from django.conf import settings
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from config.embedded import Embedded
from tenants.scope import tenant_scope
from tests.conftest import seat
from tests.faults.harness import Kith, Side, wait_for
from tests.faults.invariants import invariants
from tests.webhooks.receiving import Got
from webhooks import endpoints
from webhooks.models import Endpoint
from webhooks.replay import start

OK: tuple[int, dict[str, str]] = (204, {})


def test_f7_redis_emptied_while_deliveries_wait(kith: Kith, servers: Embedded, tally: dict[str, str]) -> None:
    sides = [kith.side() for _ in range(4)]
    kith.start("worker", "beat")
    for side in sides:
        side.make_clients(250)
    store = redis.Redis.from_url(servers.urls["REDIS_URL"])
    for at in (50, 300, 600):
        kith.wait_delivered(at, 30)
        store.flushall()
    waited = kith.wait_delivered(1000, 60)
    figures = invariants(kith)
    tally["F7"] = f"{figures}; emptied 3 times, all delivered {waited:.1f} s after the last"


@pytest.mark.deep
def test_f10_a_receiver_down_for_the_whole_schedule(kith: Kith, tally: dict[str, str], smtp: Any) -> None:
    # Ten failures open a circuit, so each endpoint gets one event: its ten attempts are the whole schedule.
    side = kith.side(10)
    seat(side.tenant, role="owner", email="owner@example.com")
    kith.environ |= {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(smtp.port), "EMAIL_SECURITY": "none"}
    kith.target.answers = lambda got: (503, {})
    # A sweep each second, as the steps of the schedule are so short.
    beat = {**settings.BEAT, "deliver": {**settings.BEAT["deliver"], "schedule": 1}}
    kith.start(WEBHOOK_SCHEDULE=[0, *[0.05] * 9], WEBHOOK_CIRCUIT_SECONDS=0.1, BEAT=beat)
    began = timezone.now()
    kith.make_client(side, "Ada")
    exhausted = "webhooks_delivery WHERE status = 'exhausted' AND tenant_id = ANY(%s)"
    wait_for(lambda: kith.count(exhausted, kith.tenants) == 10, 60)
    attempts = len(kith.target.got)
    assert attempts == 100
    # Five days pass: only the clock is moved.
    kith.rows("UPDATE webhooks_lane SET failing_since = now() - interval '121 hours' RETURNING 1")
    kith.make_client(side, "Late")
    off = "tenants_event WHERE type = 'webhook.disabled' AND tenant_id = ANY(%s)"
    wait_for(lambda: kith.count(off, kith.tenants) == len(smtp.mails) == 10, 60)
    time.sleep(6)
    assert (kith.count(off, kith.tenants), len(smtp.mails)) == (10, 10)
    assert not any(with_scope(side, endpoint, lambda found: found.active) for endpoint in side.endpoints.values())
    # It is up again: what waited goes out, and what was given up is replayed.
    kith.target.answers = lambda got: OK
    up = time.monotonic()
    for endpoint in side.endpoints.values():
        with_scope(side, endpoint, partial(endpoints.enable, actor=side.actor))
    kith.wait_delivered(10, 30)
    for endpoint in side.endpoints.values():
        with_scope(side, endpoint, partial(start, actor=side.actor, since=began, until=timezone.now()))
    kith.wait_delivered(20, 60)
    took = time.monotonic() - up
    figures = invariants(kith)
    assert len(kith.target.accepted) == 20
    assert kith.count(exhausted, kith.tenants) == 10
    tally["F10"] = (
        f"{figures}; 10 exhausted after {attempts} attempts, 10 endpoints switched off once each with a mail each; "
        f"10 that waited and 10 replayed were delivered {took:.0f} s after it was up"
    )


def with_scope(side: Side, endpoint: Endpoint, act: Any) -> Any:
    """Do something to the endpoint as it is now."""
    with tenant_scope(side.tenant.pk):
        return act(Endpoint.objects.of(side.tenant).get(pk=endpoint.pk))


@pytest.mark.deep
@pytest.mark.parametrize("clock", [600, -600])
def test_f15_a_worker_with_a_wrong_clock(kith: Kith, tally: dict[str, str], clock: float) -> None:
    side = kith.side()
    failing: set[str] = set()

    def answers(got: Got) -> tuple[int, dict[str, str]]:
        if got.id in failing:
            return OK
        failing.add(got.id)
        return 503, {}

    kith.target.answers = answers
    kith.start("web", "beat", WEBHOOK_SCHEDULE=[0, 2, 2])
    kith.start("worker", clock=clock, WEBHOOK_SCHEDULE=[0, 2, 2])
    for number in range(5):
        kith.make_client(side, f"Client {number}")
    kith.wait_delivered(5, 30)
    times: dict[str, list[float]] = defaultdict(list)
    for got in kith.target.got:
        times[got.id].append(got.at)
    waits: list[Any] = [second - first for first, second in times.values()]
    figures = invariants(kith)
    # Two seconds, a fifth less at the most; the clock's next sweep may come five seconds later.
    assert 1.5 < min(waits) <= max(waits) < 12
    tally[f"F15 {clock:+.0f} s"] = f"{figures}; retried after {min(waits):.1f} to {max(waits):.1f} s instead of 2"


@pytest.mark.deep
def test_f16_a_secret_that_changes_under_load(kith: Kith, tally: dict[str, str]) -> None:
    side = kith.side()
    [(path, endpoint)] = side.endpoints.items()
    [old] = kith.target.known[path]
    grace = timedelta(seconds=8)
    kith.start()
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(kith.post_evenly, side, 200, 12)
        wait_for(lambda: len(kith.target.got) > 40)
        before = time.time()
        new = with_scope(side, endpoint, lambda found: endpoints.rotate(found, actor=side.actor, grace=grace))
        kith.target.known[path].append(new)
        after = time.time()
        posted.result()
    if time.time() < after + 10:
        time.sleep(after + 10 - time.time())
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
    assert in_grace > 10
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
