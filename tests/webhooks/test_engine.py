"""From a change to a receiver: fan-out, lanes, attempts, retries, circuits, and what is given up."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from apikeys.issuing import issue, revoke
from tenants import ids
from tenants.actor import Actor
from tenants.membership import change
from tenants.routing import using
from tenants.scope import tenant_scope
from tests.conftest import Caller, seat
from tests.webhooks.conftest import make_endpoint
from tests.webhooks.receiving import Got, Receiver
from webhooks import endpoints
from webhooks.backoff import delay_after
from webhooks.drain import Drain, result_of
from webhooks.fanout import fan_out
from webhooks.models import Attempt, Delivery, Endpoint, Lane
from webhooks.sender import Answer


@pytest.fixture
def pace(settings: Any) -> Callable[..., None]:
    """Return what sets the schedule."""

    def set_pace(*seconds: float) -> None:
        settings.WEBHOOK_SCHEDULE = seconds

    return set_pace


def drain_for(seconds: float, *, until: Callable[[], bool]) -> None:
    """Drain again and again, as the clock's sweep does, until something holds."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not happen in time"
        Drain().run(0.5)
        time.sleep(0.02)


def drain_alone(seconds: float) -> None:
    """Drain in a thread of its own, and leave no connection behind."""
    Drain().run(seconds)
    connections.close_all()


def lane(endpoint: Endpoint) -> Lane:
    with tenant_scope(endpoint.tenant_id):
        return Lane.objects.of(endpoint.tenant_id).get(endpoint=endpoint)  # type: ignore[no-any-return]


def endpoint_of(caller: Caller, endpoint: Endpoint) -> Endpoint:
    with tenant_scope(caller.tenant.id):
        return Endpoint.objects.of(caller.tenant).get(pk=endpoint.pk)  # type: ignore[no-any-return]


def deliveries(caller: Caller, **having: Any) -> list[Delivery]:
    with tenant_scope(caller.tenant.id):
        return list(Delivery.objects.of(caller.tenant).filter(**having).order_by("created_at", "id"))


def attempts(caller: Caller, **having: Any) -> list[Attempt]:
    with tenant_scope(caller.tenant.id):
        return list(Attempt.objects.of(caller.tenant).filter(**having).order_by("id"))


def test_it_delivers_a_change_signed(acme: Caller, target: Receiver) -> None:
    make_endpoint(acme, target)
    client = acme.post("/clients", {"name": "Ada"}).data
    Drain().run()
    [got] = [got for got in target.got if got.data["type"] == "client.created"]
    assert got.verified
    assert got.data["data"] == client
    event = acme.get(f"/clients/{client['id']}/events").data[0]
    assert (got.id, got.data["id"], got.data["record_version"]) == (event["id"], event["id"], 1)
    assert got.data["timestamp"] == event["occurred_at"]
    [delivery] = deliveries(acme, type="client.created")
    assert (delivery.status, delivery.attempts, delivery.starts) == ("delivered", 1, 1)
    [attempt] = attempts(acme, delivery_id=delivery.pk)
    assert (attempt.state, attempt.status_code, attempt.number) == ("succeeded", 204, 1)


def test_it_tries_again_when_it_is_due(acme: Caller, target: Receiver, pace: Any) -> None:
    pace(0, 0.05, 0.05)
    target.answers = lambda got: (503 if len(target.got) < 3 else 200, {})
    make_endpoint(acme, target, "client.*")
    acme.post("/clients", {"name": "Ada"})
    drain_for(2, until=lambda: len(target.got) == 3)
    [delivery] = deliveries(acme)
    assert (delivery.status, delivery.attempts, delivery.status_code) == ("delivered", 3, 200)
    assert len(set(target.ids)) == 1
    assert [got.headers["webhook-attempt"] for got in target.got] == ["1", "2", "3"]
    assert [attempt.state for attempt in attempts(acme)] == ["failed", "failed", "succeeded"]


def test_it_gives_up_visibly(acme: Caller, target: Receiver, pace: Any) -> None:
    pace(0, 0.02, 0.02)
    target.answers = lambda got: (500, {})
    make_endpoint(acme, target, "client.*")
    acme.post("/clients", {"name": "Ada"})
    drain_for(3, until=lambda: deliveries(acme, status="exhausted") != [])
    [delivery] = deliveries(acme)
    assert (delivery.attempts, delivery.status_code, delivery.finished_at is not None) == (3, 500, True)
    assert len(target.got) == 3


@pytest.mark.parametrize(("status", "after", "waits"), [
    (503, "3600", (590, 601)),
    (429, "7", (299, 301)),
    (503, "400", (399, 401)),
    (500, "3600", (239, 361)),
    (302, "3600", (239, 361)),
])  # fmt: skip
def test_it_waits_as_it_is_asked_within_bounds(
    acme: Caller, target: Receiver, *, pace: Any, status: int, after: str, waits: tuple[int, int]
) -> None:
    pace(0, 300)
    target.answers = lambda got: (status, {"Retry-After": after, "Location": target.url})
    make_endpoint(acme, target, "client.*")
    acme.post("/clients", {"name": "Ada"})
    Drain().run()
    [delivery] = deliveries(acme)
    wait = (delivery.due_at - attempts(acme)[0].started_at).total_seconds()
    assert (delivery.status, len(target.got)) == ("pending", 1)
    assert waits[0] <= wait <= waits[1]


def test_its_schedule_is_that_of_standard_webhooks(settings: Any) -> None:
    assert sum(settings.WEBHOOK_SCHEDULE) == 75 * 3600 + 35 * 60 + 5
    assert len(settings.WEBHOOK_SCHEDULE) == 10
    assert [delay_after(n, chance=0.5) for n in range(1, 11)] == [*settings.WEBHOOK_SCHEDULE[1:], None]
    assert [delay_after(2, chance=chance) for chance in (0, 1)] == pytest.approx([240, 360])
    assert delay_after(1, slow=True, chance=0.5) == 1800
    assert delay_after(9, retry_after=1e9) == 86_400


def test_gone_switches_it_off_and_keeps_what_waits(acme: Caller, target: Receiver) -> None:
    target.answers = lambda got: (410, {})
    endpoint = make_endpoint(acme, target, "client.*")
    watcher = make_endpoint(acme, target, "webhook.disabled", description="watches")
    acme.post("/clients", {"name": "Ada"})
    acme.post("/clients", {"name": "Bea"})
    Drain().run()
    Drain().run()
    with tenant_scope(acme.tenant.id):
        endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.disabled_reason) == (False, "It answered 410 Gone.")
    assert {delivery.status for delivery in deliveries(acme, endpoint_id=endpoint.pk)} == {"pending"}
    assert [delivery.type for delivery in deliveries(acme, endpoint_id=watcher.pk)] == ["webhook.disabled"]
    target.answers = lambda got: (200, {})
    endpoints.enable(endpoint, actor=Actor.system(acme.tenant, "tests"))
    Drain().run()
    assert {delivery.status for delivery in deliveries(acme, endpoint_id=endpoint.pk)} == {"delivered"}


def test_an_open_circuit_uses_up_no_attempt(acme: Caller, target: Receiver, settings: Any, pace: Any) -> None:
    pace(0, *[0.01] * 50)
    settings.WEBHOOK_CIRCUIT_SECONDS = 60
    target.answers = lambda got: (200 if len(target.got) == 1 else 500, {})
    endpoint = make_endpoint(acme, target, "client.*")
    for number in range(30):
        acme.post("/clients", {"name": f"Client {number}"})
    drain_for(3, until=lambda: lane(endpoint).opened == 1)
    sent = len(target.got)
    assert sent < 41
    Drain().run()
    assert len(target.got) == sent
    assert sum(delivery.attempts for delivery in deliveries(acme)) == sent
    # The probe, when its time has come: one delivery, and the circuit closes.
    target.answers = lambda got: (200, {})
    with tenant_scope(acme.tenant.id):
        past = timezone.now() - timedelta(seconds=1)
        Lane.objects.of(acme.tenant).filter(endpoint=endpoint).update(next_due_at=past, open_until=past)
    drain_for(3, until=lambda: deliveries(acme, status="pending") == [])
    assert (lane(endpoint).opened, len(deliveries(acme, status="delivered"))) == (0, 30)


def test_five_days_of_failure_end_it_once(acme: Caller, target: Receiver, pace: Any) -> None:
    pace(0, *[0.01] * 20)
    target.answers = lambda got: (500, {})
    endpoint = make_endpoint(acme, target, "client.*")
    with tenant_scope(acme.tenant.id):
        since = timezone.now() - timedelta(hours=121)
        Lane.objects.of(acme.tenant).filter(endpoint=endpoint).update(failing_since=since, failures=8)
    acme.post("/clients", {"name": "Ada"})
    drain_for(3, until=lambda: endpoint_of(acme, endpoint).active is False)
    assert "five days" in str(endpoint_of(acme, endpoint).disabled_reason)
    disabled = acme.get("/events?type=webhook.disabled").data
    assert len(disabled) == 1
    assert len(target.got) == 2


def test_an_ordered_endpoint_gets_each_record_in_order(acme: Caller, target: Receiver, pace: Any) -> None:
    pace(0, 0.1, 0.1, 0.1)
    # The first version fails twice: the others of its record wait for it, those of other records do not.
    target.answers = lambda got: (500 if got.data["record_version"] == 1 and target.ids.count(got.id) < 3 else 200, {})
    make_endpoint(acme, target, "client.*", ordered=True)
    one, two = (acme.post("/clients", {"name": name}).data["id"] for name in ("Ada", "Bea"))
    for number in range(3):
        acme.patch(f"/clients/{one}", {"name": f"Ada {number}"})
        acme.patch(f"/clients/{two}", {"name": f"Bea {number}"})
    drain_for(4, until=lambda: len(deliveries(acme, status="delivered")) == 8)
    for record in (one, two):
        versions = [got.data["record_version"] for got in target.got if got.data["data"]["id"] == record]
        assert versions == [1, 1, 1, 2, 3, 4]


def test_no_tenant_hears_another(acme: Caller, globex: Caller, target: Receiver) -> None:
    make_endpoint(acme, target, "*")
    make_endpoint(globex, target, "*")
    acme.post("/clients", {"name": "Ada"})
    globex.post("/clients", {"name": "Bea"})
    Drain().run()
    names = [(got.data["type"], got.data["data"].get("name"), got.verified) for got in target.got]
    assert sorted(name for name in names if name[0] == "client.created") == [
        ("client.created", "Ada", True), ("client.created", "Bea", True)
    ]  # fmt: skip
    assert len(deliveries(acme, type="client.created")) == len(deliveries(globex, type="client.created")) == 1


def test_it_hears_only_what_its_maker_may_read(acme: Caller, target: Receiver) -> None:
    make_endpoint(acme, target, "*", scopes=["clients:read"])
    acme.post("/clients", {"name": "Ada"})
    acme.post("/products", {"name": "Tap", "price": "9.00"})
    Drain().run()
    assert [got.data["type"] for got in target.got] == ["client.created"]


def test_a_revoked_key_silences_its_endpoints(acme: Caller, target: Receiver) -> None:
    with using("admin"):
        key, _ = issue(tenant=acme.tenant, name="hooks", scopes=["read"], actor=Actor.system(acme.tenant, "tests"))
    endpoint = make_endpoint(acme, target, "client.*", maker_id=key.pk)
    acme.post("/clients", {"name": "Ada"})
    Drain().run()
    with using("admin"):
        revoke(key, actor=Actor.system(acme.tenant, "tests"))
    acme.post("/clients", {"name": "Bea"})
    Drain().run()
    assert [got.data["data"]["name"] for got in target.got] == ["Ada"]
    assert "revoked" in str(endpoint_of(acme, endpoint).disabled_reason)


def test_a_test_is_sent_before_all_that_waits(acme: Caller, target: Receiver) -> None:
    endpoint = make_endpoint(acme, target, "client.*")
    for number in range(5):
        acme.post("/clients", {"name": f"Client {number}"})
    test = endpoints.ping(endpoint, actor=Actor.system(acme.tenant, "tests"))
    Drain().run()
    assert (target.got[0].data["type"], target.got[0].verified, len(target.got)) == ("ping", True, 6)
    assert deliveries(acme, id=test.pk)[0].status == "delivered"


def test_who_dies_over_a_delivery_leaves_it_to_the_next(acme: Caller, target: Receiver, settings: Any) -> None:
    settings.WEBHOOK_LEASE_SECONDS = 0.2
    make_endpoint(acme, target, "client.*")
    acme.post("/clients", {"name": "Ada"})
    lost = Drain()
    fan_out()
    with lost.queue.transaction():
        assert len(lost.claim()) == 1
    Drain().run()
    assert target.got == []
    time.sleep(0.3)
    Drain().run()
    assert [attempt.state for attempt in attempts(acme)] == ["unknown", "succeeded"]
    [delivery] = deliveries(acme)
    assert (delivery.status, delivery.attempts, delivery.starts) == ("delivered", 1, 2)
    # The one that came back too late writes nothing over it.
    [taken] = lost.under_way.values()
    lost.settle(result_of(taken, Answer(status=500)))
    with lost.queue.transaction():
        lost.queue.write_back(lost.results)
    assert [attempt.state for attempt in attempts(acme)] == ["unknown", "succeeded"]
    assert deliveries(acme)[0].status == "delivered"


def test_what_kills_its_workers_is_parked(acme: Caller, target: Receiver) -> None:
    endpoint = make_endpoint(acme, target, "client.*")
    acme.post("/clients", {"name": "Ada"})
    fan_out()
    with tenant_scope(acme.tenant.id):
        Delivery.objects.of(acme.tenant).update(starts=20)
        past = timezone.now() - timedelta(seconds=1)
        Lane.objects.of(acme.tenant).filter(endpoint=endpoint).update(lease_until=past)
    Drain().run()
    assert (deliveries(acme)[0].status, target.got) == ("poisoned", [])


def test_a_tenant_has_a_quarter_of_the_slots(acme: Caller, globex: Caller, target: Receiver) -> None:
    for caller in (acme, globex):
        endpoint = make_endpoint(caller, target, "client.*")
        with tenant_scope(caller.tenant.id):
            Lane.objects.of(caller.tenant).filter(endpoint=endpoint).update(last_success_at=timezone.now())
    other = make_endpoint(acme, target, "client.*")
    with tenant_scope(acme.tenant.id):
        Lane.objects.of(acme.tenant).filter(endpoint=other).update(last_success_at=timezone.now())
    for number in range(30):
        acme.post("/clients", {"name": f"Client {number}"})
    globex.post("/clients", {"name": "Bea"})
    fan_out()
    drain = Drain()
    with drain.queue.transaction():
        taken = Counter(one.tenant_id for one in drain.claim())
    assert taken == {acme.tenant.pk: 12, globex.tenant.pk: 1}


def test_events_that_nobody_hears_are_done(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    while fan_out().events:
        pass
    assert deliveries(acme) == []
    with using("admin"), connections["admin"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_event WHERE fanned_out_at IS NULL AND audience = 'public'")
        assert cursor.fetchone()[0] == 0


def test_a_lost_seat_silences_its_endpoints(acme: Caller, target: Receiver) -> None:
    member = seat(acme.tenant)
    endpoint = make_endpoint(acme, target, "client.*", maker_id=member.pk)
    acme.post("/clients", {"name": "Ada"})
    Drain().run()
    with using("admin"):
        change(member, {"active": False}, actor=Actor.system(acme.tenant, "tests"))
    acme.post("/clients", {"name": "Bea"})
    Drain().run()
    assert [got.data["data"]["name"] for got in target.got] == ["Ada"]
    assert "lost the seat" in str(endpoint_of(acme, endpoint).disabled_reason)


def test_what_a_worker_was_lost_over_is_sent_last_and_alone(acme: Caller, target: Receiver) -> None:
    endpoint = make_endpoint(acme, target, "client.*")
    clients = [acme.post("/clients", {"name": name}).data["id"] for name in ("worst", "suspect", "new", "newer")]
    fan_out()
    with tenant_scope(acme.tenant.id):
        for client, starts in zip(clients, (2, 1, 0, 0), strict=True):
            Delivery.objects.of(acme.tenant).filter(record_id=ids.decode("cli", client)).update(starts=starts)
        Lane.objects.of(acme.tenant).filter(endpoint=endpoint).update(last_success_at=timezone.now())
    open_now: list[str] = []
    together: list[list[str]] = []

    def answers(got: Got) -> tuple[int, dict[str, str]]:
        open_now.append(got.data["data"]["name"])
        time.sleep(0.2)
        together.append(sorted(open_now))
        open_now.remove(got.data["data"]["name"])
        return 200, {}

    target.answers = answers
    Drain().run()
    assert together[0] == ["new", "newer"]
    assert together[2:] == [["suspect"], ["worst"]]


def test_nobody_waits_for_slow_endpoints(acme: Caller, globex: Caller, target: Receiver) -> None:
    make_endpoint(acme, target, "client.*")
    healthy = make_endpoint(globex, target, "client.*")
    with tenant_scope(globex.tenant.id):
        Lane.objects.of(globex.tenant).filter(endpoint=healthy).update(last_success_at=timezone.now())

    def answers(got: Got) -> tuple[int, dict[str, str]]:
        if got.data["data"]["name"] == "Ada":
            time.sleep(2)
        return 200, {}

    target.answers = answers
    acme.post("/clients", {"name": "Ada"})
    with ThreadPoolExecutor(1) as pool:
        # Its time is over long before the answer comes.
        run = pool.submit(drain_alone, 0.1)
        target.wait(1)
        time.sleep(0.5)
        globex.post("/clients", {"name": "Bea"})
        acme.post("/clients", {"name": "Cleo"})
        target.wait(2, 1)
        run.result()
    assert [got.data["data"]["name"] for got in target.got] == ["Ada", "Bea"]


def test_an_endpoint_hears_nothing_of_what_was_before_it(acme: Caller, target: Receiver) -> None:
    acme.post("/clients", {"name": "Ada"})
    time.sleep(1.1)
    make_endpoint(acme, target, "client.*")
    acme.post("/clients", {"name": "Bea"})
    Drain().run()
    assert [got.data["data"]["name"] for got in target.got] == ["Bea"]
