"""What became of an endpoint's events: figures, and gaps."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import time_machine
from django.utils import timezone

from tenants import ids
from tenants.models import Event
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.webhooks.world import deliver, hook
from webhooks.models import Attempt, Lane


def attempt(caller: Caller, made: dict[str, Any], state: str, ms: int | None, *, ago: timedelta = timedelta()) -> None:
    with tenant_scope(caller.tenant.id):
        Attempt.objects.create(
            tenant=caller.tenant, endpoint_id=ids.decode("whk", made["id"]), delivery_id=ids.new(), number=1,
            state=state, duration_ms=ms, started_at=timezone.now() - ago,
        )  # fmt: skip


def newest(caller: Caller, count: int) -> list[UUID]:
    with tenant_scope(caller.tenant.id):
        rows = Event.objects.of(caller.tenant).filter(resource="client").order_by("-txid", "-id")[:count]
        return [event.pk for event in rows][::-1]


def test_an_endpoint_without_attempts_has_figures_too(acme: Caller) -> None:
    assert acme.get(f"/webhooks/{hook(acme)['id']}/stats").data == {
        "attempts": 0, "succeeded": 0, "failed": 0, "success_rate": None, "p50_ms": None, "p95_ms": None,
        "backlog": 0, "oldest_due_at": None, "circuit": "closed", "failing_since": None, "failures": 0,
        "last_success_at": None,
    }  # fmt: skip


def test_the_figures_are_those_of_the_last_day(acme: Caller) -> None:
    made, other = hook(acme), hook(acme)
    for ms in range(1, 101):
        attempt(acme, made, "succeeded" if ms > 10 else "failed", ms)
    attempt(acme, made, "started", None)
    attempt(acme, made, "unknown", None)
    attempt(acme, made, "failed", 9999, ago=timedelta(hours=25))
    attempt(acme, other, "failed", 9999)
    stats = acme.get(f"/webhooks/{made['id']}/stats").data
    assert (stats["attempts"], stats["succeeded"], stats["failed"]) == (101, 90, 11)
    assert stats["success_rate"] == "0.8911"
    assert (stats["p50_ms"], stats["p95_ms"]) == (50, 95)


def test_the_figures_tell_how_it_stands(acme: Caller) -> None:
    made = hook(acme)
    now = timezone.now()
    acme.post("/clients", {"name": "Ada"})
    sent = deliver(acme, made, newest(acme, 1)[0], status="pending")
    with tenant_scope(acme.tenant.id):
        lane = Lane.objects.of(acme.tenant).filter(endpoint_id=ids.decode("whk", made["id"]))
        lane.update(opened=1, open_until=now + timedelta(minutes=1), failing_since=now, failures=7)
    stats = acme.get(f"/webhooks/{made['id']}/stats").data
    assert (stats["backlog"], stats["oldest_due_at"]) == (1, f"{sent.due_at:%Y-%m-%dT%H:%M:%S.%fZ}")
    assert (stats["circuit"], stats["failures"]) == ("open", 7)
    assert stats["failing_since"] == f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2)):
        assert acme.get(f"/webhooks/{made['id']}/stats").data["circuit"] == "half_open"
    assert acme.get(f"/webhooks/{made['id']}/stats?since=2026-01-01").status == 400


def test_gaps_are_what_was_asked_for_and_not_acknowledged(acme: Caller) -> None:
    acme.post("/clients", {"name": "Before"})
    made = hook(acme, events=["client.*"])
    for name in ("delivered", "exhausted", "pending", "skipped", "never"):
        acme.post("/clients", {"name": name})
    acme.post("/products", {"name": "Pipe", "price": "3.00"})
    events = newest(acme, 5)
    for event, status in zip(events, ("delivered", "exhausted", "pending", "skipped"), strict=False):
        deliver(acme, made, event, status=status)
    gaps = acme.get(f"/webhooks/{made['id']}/gaps")
    assert gaps.status == 200, gaps.body
    assert [(gap["id"], gap["state"]) for gap in gaps.data] == [
        (ids.encode("evt", event), state)
        for event, state in zip(events[1:], ("exhausted", "pending", "skipped", "never_sent"), strict=True)
    ]
    assert {gap["type"] for gap in gaps.data} == {"client.created"}
    assert gaps.body["pagination"] == {"total": 4, "limit": 20, "has_more": False, "next_cursor": None}


def test_a_later_success_closes_a_gap_and_a_later_failure_opens_none(acme: Caller) -> None:
    made = hook(acme, events=["client.*"])
    for name in ("healed", "worse"):
        acme.post("/clients", {"name": name})
    healed, worse = newest(acme, 2)
    deliver(acme, made, healed, status="exhausted")
    deliver(acme, made, healed, status="delivered", replay_no=1)
    deliver(acme, made, worse, status="delivered")
    deliver(acme, made, worse, status="exhausted", replay_no=1)
    assert acme.get(f"/webhooks/{made['id']}/gaps").data == []


def test_gaps_are_read_page_by_page(acme: Caller) -> None:
    made = hook(acme, events=["client.*"])
    for index in range(5):
        acme.post("/clients", {"name": f"Client {index}"})
    path = f"/webhooks/{made['id']}/gaps?limit=2"
    pages = [acme.get(path)]
    while cursor := pages[-1].body["pagination"]["next_cursor"]:
        pages.append(acme.get(f"{path}&cursor={cursor}"))
    seen = [gap["id"] for page in pages for gap in page.data]
    assert seen == [ids.encode("evt", event) for event in newest(acme, 5)]
    assert [page.body["pagination"]["total"] for page in pages] == [5] * 3
    assert acme.get(f"{path}&cursor=nonsense").status == 400
    assert acme.get(f"{path}&limit=0").status == 400
    assert acme.get(f"{path}&nope=1").status == 400


def test_gaps_begin_where_they_are_asked_to(acme: Caller) -> None:
    acme.post("/clients", {"name": "Before"})
    made = hook(acme, events=["client.*"])
    acme.post("/clients", {"name": "After"})
    path = f"/webhooks/{made['id']}/gaps"
    assert acme.get(path).body["pagination"]["total"] == 1
    assert acme.get(f"{path}?since=2000-01-01").body["pagination"]["total"] == 2
    assert acme.get(f"{path}?since=2100-01-01").data == []
    refused = acme.get(f"{path}?since=soon")
    assert (refused.status, "since" in refused.error["details"]["fields"]) == (400, True)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=31)):
        # Thirty days are what the ledger keeps at least.
        assert acme.get(f"{path}?since=2000-01-01").data == []


def test_an_endpoint_has_no_gaps_beyond_what_its_maker_may_read(acme: Caller) -> None:
    made = hook(acme.with_scopes("webhooks:write", "products:read"), events=["*"])
    acme.post("/clients", {"name": "Hidden"})
    acme.post("/products", {"name": "Pipe", "price": "3.00"})
    gaps = acme.get(f"/webhooks/{made['id']}/gaps").data
    assert [gap["type"] for gap in gaps] == ["product.created"]
