"""Limits: windows of the plan or the key, headers on every answer, exact under many at once, alive without Redis."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.conf import LazySettings
from django.db import connections

from apikeys.limits import Window, alone, shared, take
from tests.conftest import Caller, make_caller, make_key


@pytest.fixture(autouse=True)
def early_in_a_minute() -> None:
    """Wait for the next minute when this one is nearly over: the tests count within one window."""
    if time.time() % 60 > 55:
        time.sleep(60 - time.time() % 60)


def limited(caller: Caller, **own: Any) -> Caller:
    return Caller(caller.tenant, make_key(caller.tenant, "admin", **own))


def test_it_puts_three_headers_on_every_answer(acme: Caller, nobody: Caller) -> None:
    caller = limited(acme, per_minute=50)
    answers = [
        caller.get("/clients"),
        caller.get("/clients/none"),
        caller.post("/clients", {}),
        caller.get("/nowhere"),
        nobody.get("/clients"),
    ]
    assert [answer.status for answer in answers] == [200, 404, 400, 404, 401]
    for answer in answers:
        assert int(answer.headers["X-RateLimit-Limit"]) > 0
        assert int(answer.headers["X-RateLimit-Remaining"]) >= 0
        assert int(answer.headers["X-RateLimit-Reset"]) >= int(time.time())
    assert [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers[:4]] == [49, 48, 47, 46]


@pytest.mark.parametrize(
    ("plan", "minute"), [("free", "60"), ("standard", "100"), ("pro", "300"), ("enterprise", "1000")]
)
def test_it_shows_the_plans_minute(plan: str, minute: str) -> None:
    caller = make_caller("acme", plan=plan)
    answer = limited(caller, per_minute=None).get("/clients")
    assert answer.headers["X-RateLimit-Limit"] == minute
    assert ("day" in answer.headers["RateLimit-Policy"]) is (plan in ("free", "pro"))


def test_it_names_the_window_that_is_used_up(acme: Caller) -> None:
    caller = limited(acme, per_minute=3, per_day=2)
    assert [caller.get("/clients").status for _ in range(2)] == [200, 200]
    refused = caller.get("/clients")
    assert refused.status == 429
    assert refused.error["code"] == "RATE_LIMIT_EXCEEDED"
    assert refused.error["details"]["window"] == "day"
    assert refused.headers["X-RateLimit-Limit"] == "2"
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400


def test_it_counts_replays_and_failures(acme: Caller) -> None:
    caller = limited(acme, per_minute=10)
    for _ in range(2):
        caller.post("/clients", {"name": "Ada"}, Idempotency_Key="one")
    failed = caller.post("/clients", {})
    assert failed.headers["X-RateLimit-Remaining"] == "7"


def test_it_lets_exactly_the_limit_through_under_a_hundred_threads() -> None:
    window = Window("minute", 60)
    subject = f"test-{time.time_ns()}"
    with ThreadPoolExecutor(100) as pool:
        usages = list(pool.map(lambda _: take(subject, [window])[0], range(100)))
    assert sum(not usage.refused for usage in usages) == 60


def test_it_does_not_push_the_end_away_by_retrying() -> None:
    window = Window("minute", 1)
    subject = f"test-{time.time_ns()}"
    usages = [take(subject, [window])[0] for _ in range(5)]
    assert len({usage.reset for usage in usages}) == 1
    assert [usage.used for usage in usages] == [1] * 5


@pytest.fixture
def no_redis(settings: LazySettings) -> Any:
    """Point the counter at a port where nobody listens."""
    settings.LIMITS_URL = "redis://127.0.0.1:9/2"
    vars(shared.line).update(connection=None, resting_until=0.0)
    alone.counts.clear()
    yield
    vars(shared.line).update(connection=None, resting_until=0.0)


def test_it_answers_without_redis(acme: Caller, no_redis: None, settings: LazySettings) -> None:
    settings.WEB_WORKERS = 2
    caller = limited(acme, per_minute=10)
    started = time.perf_counter()
    statuses = [caller.get("/clients").status for _ in range(8)]
    assert statuses == [200] * 5 + [429] * 3
    assert time.perf_counter() - started < 4
    assert time.monotonic() < shared.line.resting_until


def test_it_waits_at_most_fifty_milliseconds_for_a_slow_redis(acme: Caller, settings: LazySettings) -> None:
    caller = limited(acme)
    caller.get("/clients")
    control = redis.Redis.from_url(settings.REDIS_URL)
    control.client_pause(600)
    try:
        started = time.perf_counter()
        window = take("slow", [Window("minute", 100)])
        # Far less than the pause, with room for a busy machine.
        assert time.perf_counter() - started < 0.4
        assert not window[0].refused
        assert caller.get("/clients").status == 200
    finally:
        time.sleep(0.7)
        shared.line.resting_until = 0.0


def test_it_stops_guessing_by_address(acme: Caller) -> None:
    guesser = Caller(acme.tenant, "kith_live_wrong")
    # More than two windows hold: the minute may turn in the middle.
    statuses = [guesser.get("/clients").status for _ in range(42)]
    assert statuses[:20] == [401] * 20
    assert set(statuses[20:]) == {401, 429} or set(statuses[20:]) == {429}


def test_it_leaves_no_tenant_on_the_connection(acme: Caller) -> None:
    acme.get("/clients")
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT current_setting('app.tenant_id', true)")
        assert cursor.fetchone()[0] in ("", None)
