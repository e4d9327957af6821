"""Sending again: one delivery, or a window of events as a job."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone

from tenants import ids
from tenants.models import Event
from tenants.routing import using
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.crowd import at_once
from tests.webhooks.conftest import calm
from tests.webhooks.world import URL, deliver, fan_out, hook, row
from webhooks import replay
from webhooks.models import Delivery, Lane, Replay


@pytest.fixture
def made(acme: Caller) -> dict[str, Any]:
    """Make an endpoint that asks for what happens to clients, where no earlier test's job goes on."""
    calm()
    return hook(acme, events=["client.*"])


def client_events(caller: Caller, count: int) -> list[UUID]:
    """Let something happen, fanned out already, and return the ids of the events."""
    for index in range(count):
        assert caller.post("/clients", {"name": f"Client {index}"}).status == 201
    fan_out(caller)
    with tenant_scope(caller.tenant.id):
        rows = Event.objects.of(caller.tenant).filter(resource="client").order_by("txid", "id")
        return list(rows.values_list("pk", flat=True))


def deliveries(caller: Caller) -> list[Delivery]:
    with tenant_scope(caller.tenant.id):
        return list(Delivery.objects.of(caller.tenant).order_by("due_at", "id"))


def job_of(caller: Caller, public_id: str) -> Replay:
    with tenant_scope(caller.tenant.id):
        found: Replay = Replay.objects.of(caller.tenant).get(pk=ids.decode("rpl", public_id))
        return found


# One delivery.


def test_a_delivery_is_sent_again_under_the_same_webhook_id(acme: Caller, made: dict[str, Any]) -> None:
    (event,) = client_events(acme, 1)
    first = deliver(acme, made, event, status="exhausted")
    again = acme.post(f"/deliveries/{ids.encode('dlv', first.pk)}/replay")
    assert again.status == 201, again.body
    assert again.data["event_id"] == ids.encode("evt", event)
    assert (again.data["replay_no"], again.data["status"]) == (1, "pending")
    third = acme.post(f"/deliveries/{again.data['id']}/replay")
    assert third.data["replay_no"] == 2
    with tenant_scope(acme.tenant.id):
        assert Lane.objects.of(acme.tenant).get().next_due_at <= timezone.now()


def test_the_same_key_sends_it_again_once(acme: Caller, made: dict[str, Any]) -> None:
    (event,) = client_events(acme, 1)
    path = f"/deliveries/{ids.encode('dlv', deliver(acme, made, event).pk)}/replay"
    answers = [acme.post(path, Idempotency_Key="again") for _ in range(2)]
    assert answers[0].data == answers[1].data
    assert len(deliveries(acme)) == 2


def test_many_at_once_are_numbered_one_by_one(acme: Caller, made: dict[str, Any]) -> None:
    (event,) = client_events(acme, 1)
    path = f"/deliveries/{ids.encode('dlv', deliver(acme, made, event).pk)}/replay"
    statuses = at_once(8, lambda _: Caller(acme.tenant, acme.key).post(path).status)
    assert statuses == [201] * 8
    assert sorted(item.replay_no for item in deliveries(acme)) == list(range(9))


def test_what_is_too_old_switched_off_or_a_test_is_not_sent_again(acme: Caller, made: dict[str, Any]) -> None:
    (event,) = client_events(acme, 1)
    path = f"/deliveries/{ids.encode('dlv', deliver(acme, made, event).pk)}/replay"
    with time_machine.travel(datetime.now(UTC) + timedelta(days=15)):
        refused = acme.post(path)
        assert (refused.status, "14 days" in refused.error["message"]) == (409, True)
    test = acme.post(f"/webhooks/{made['id']}/test").data
    assert acme.post(f"/deliveries/{test['id']}/replay").status == 409
    acme.post(f"/webhooks/{made['id']}/disable")
    refused = acme.post(path)
    assert (refused.status, "enable" in refused.error["message"]) == (409, True)


# A window.


def test_a_dry_run_tells_what_would_be_sent_and_sends_nothing(acme: Caller, made: dict[str, Any]) -> None:
    one, two, three = client_events(acme, 3)
    deliver(acme, made, one, status="delivered")
    deliver(acme, made, two, status="exhausted")
    told = acme.post(f"/webhooks/{made['id']}/replay", {"dry_run": True})
    assert told.status == 200, told.body
    assert told.data["total"] == 2
    assert [item["id"] for item in told.data["events"]] == [ids.encode("evt", event) for event in (two, three)]
    assert {item["type"] for item in told.data["events"]} == {"client.created"}
    every = acme.post(f"/webhooks/{made['id']}/replay", {"dry_run": True, "only_failed": False})
    assert every.data["total"] == 3
    none = acme.post(f"/webhooks/{made['id']}/replay", {"dry_run": True, "events": ["client.deleted"]})
    assert none.data == {"total": 0, "events": []}
    assert len(deliveries(acme)) == 2


def test_it_sends_only_what_the_endpoint_asks_for_and_its_maker_may_read(acme: Caller) -> None:
    narrow = hook(acme.with_scopes("webhooks:write", "clients:read"), events=["*"])
    client_events(acme, 2)
    acme.post("/products", {"name": "Pipe", "price": "3.00"})
    fan_out(acme)
    told = acme.post(f"/webhooks/{narrow['id']}/replay", {"dry_run": True})
    assert {item["type"] for item in told.data["events"]} == {"client.created"}
    assert told.data["total"] == 2


def test_what_is_not_fanned_out_yet_is_left_to_its_first_delivery(acme: Caller, made: dict[str, Any]) -> None:
    acme.post("/clients", {"name": "Ada"})
    assert acme.post(f"/webhooks/{made['id']}/replay", {"dry_run": True}).data["total"] == 0


def test_a_job_sends_all_of_a_window_in_order_and_at_its_pace(acme: Caller, made: dict[str, Any]) -> None:
    events = client_events(acme, 7)
    deliver(acme, made, events[0], status="exhausted")
    started = acme.post(f"/webhooks/{made['id']}/replay", {"since": "2026-11-20T00:00:00Z"})
    assert started.status == 202, started.body
    job = started.data
    assert (job["status"], job["total"], job["made"]) == ("running", 7, 0)
    assert replay.sweep(batch=3) >= 7
    done = acme.get(f"/replays/{job['id']}").data
    assert (done["status"], done["made"]) == ("done", 7)
    sent = [item for item in deliveries(acme) if item.replay_no]
    assert [item.event_id for item in sent] == events
    assert {item.replay_no for item in sent} == {1}
    # Fifty a second; where one batch follows another, a few milliseconds may be missing.
    assert (sent[-1].due_at - sent[0].due_at).total_seconds() >= 5 / 50


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_worker_whose_clock_is_wrong_sends_again_in_time(acme: Caller, made: dict[str, Any], minutes: int) -> None:
    client_events(acme, 2)
    acme.post(f"/webhooks/{made['id']}/replay", {})
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        replay.sweep()
    due = [(item.due_at - timezone.now()).total_seconds() for item in deliveries(acme)]
    assert len(due) == 2
    assert all(abs(seconds) < 5 for seconds in due)


def test_a_job_goes_on_where_it_was_interrupted(acme: Caller, made: dict[str, Any]) -> None:
    events = client_events(acme, 5)
    job = acme.post(f"/webhooks/{made['id']}/replay", {}).data
    assert replay.advance(job_of(acme, job["id"]), batch=2) is True
    assert acme.get(f"/replays/{job['id']}").data["made"] == 2
    # Whoever comes next knows only what is stored.
    assert replay.advance(job_of(acme, job["id"]), batch=2) is True
    assert replay.advance(job_of(acme, job["id"]), batch=2) is False
    assert replay.advance(job_of(acme, job["id"]), batch=2) is False
    assert [item.event_id for item in deliveries(acme)] == events


def test_two_workers_at_one_job_send_each_event_once(acme: Caller, made: dict[str, Any]) -> None:
    events = client_events(acme, 12)
    job = acme.post(f"/webhooks/{made['id']}/replay", {}).data
    row = job_of(acme, job["id"])
    at_once(4, lambda _: [replay.advance(row, batch=3) for _ in range(6)])
    replay.sweep(batch=3)
    assert sorted(item.event_id for item in deliveries(acme)) == sorted(events)
    assert acme.get(f"/replays/{job['id']}").data["status"] == "done"


def test_a_job_is_cancelled_and_waits_while_its_endpoint_is_off(acme: Caller, made: dict[str, Any]) -> None:
    client_events(acme, 4)
    job = acme.post(f"/webhooks/{made['id']}/replay", {}).data
    replay.advance(job_of(acme, job["id"]), batch=1)
    acme.post(f"/webhooks/{made['id']}/disable")
    assert replay.advance(job_of(acme, job["id"]), batch=1) is False
    assert acme.get(f"/replays/{job['id']}").data["status"] == "running"
    acme.post(f"/webhooks/{made['id']}/enable")
    assert replay.advance(job_of(acme, job["id"]), batch=1) is True
    cancelled = acme.post(f"/replays/{job['id']}/cancel")
    assert (cancelled.data["status"], cancelled.data["made"]) == ("cancelled", 2)
    assert replay.advance(job_of(acme, job["id"])) is False
    assert acme.post(f"/replays/{job['id']}/cancel").data["status"] == "cancelled"
    assert len(deliveries(acme)) == 2


def test_a_job_that_is_far_ahead_of_its_pace_waits(acme: Caller, made: dict[str, Any]) -> None:
    client_events(acme, 3)
    job = job_of(acme, acme.post(f"/webhooks/{made['id']}/replay", {}).data["id"])
    with tenant_scope(acme.tenant.id):
        Replay.objects.of(acme.tenant).filter(pk=job.pk).update(made=5000)
    replay.sweep(batch=1)
    assert job_of(acme, ids.encode("rpl", job.pk)).made == 5000
    # The database's clock decides, so it is the job that is moved.
    with tenant_scope(acme.tenant.id):
        Replay.objects.of(acme.tenant).filter(pk=job.pk).update(created_at=job.created_at - timedelta(seconds=90))
    replay.sweep(batch=1)
    assert job_of(acme, ids.encode("rpl", job.pk)).made > 5000


@pytest.mark.parametrize(("body", "field"), [
    ({"since": "2020-01-01T00:00:00Z"}, "since"),
    ({"since": "2026-11-24T00:00:00Z", "until": "2026-11-23T00:00:00Z"}, "since"),
    ({"since": "2100-01-01T00:00:00Z"}, "since"), ({"since": "yesterday"}, "since"), ({"until": 5}, "until"),
    ({"events": ["nope.*"]}, "events.0"), ({"only_failed": "no"}, "only_failed"), ({"limit": 5}, "limit"),
])  # fmt: skip
def test_a_window_that_does_not_fit_is_refused(
    acme: Caller, made: dict[str, Any], body: dict[str, Any], field: str
) -> None:
    answer = acme.post(f"/webhooks/{made['id']}/replay", body)
    assert answer.status == 400
    assert field in answer.error["details"]["fields"]


def test_a_window_with_too_many_events_is_to_be_narrowed(
    acme: Caller, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "MOST", 3)
    client_events(acme, 4)
    refused = acme.post(f"/webhooks/{made['id']}/replay", {})
    assert (refused.status, "narrow the window" in refused.error["message"]) == (409, True)
    assert acme.post(f"/webhooks/{made['id']}/replay", {"dry_run": True}).data["total"] == 4
    acme.post(f"/webhooks/{made['id']}/disable")
    assert acme.post(f"/webhooks/{made['id']}/replay", {}).status == 409


def test_what_was_sent_again_and_acknowledged_is_no_gap_any_more(acme: Caller, made: dict[str, Any]) -> None:
    client_events(acme, 1)
    acme.post(f"/webhooks/{made['id']}/replay", {})
    replay.sweep()
    with using("admin"):
        Delivery.every_tenant.filter(tenant=acme.tenant, replay_no=1).update(status="delivered")
    assert acme.get(f"/webhooks/{made['id']}/gaps").data == []
    assert acme.post(f"/webhooks/{made['id']}/replay", {"dry_run": True}).data["total"] == 0
    assert row(acme, made["id"]).url == URL
