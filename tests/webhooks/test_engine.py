"""From a change to a receiver: fan-out, lanes, attempts, retries, circuits, and what is given up."""

from typing import Any

from tests.conftest import Caller
from tests.webhooks.conftest import make_endpoint
from tests.webhooks.receiving import Receiver
from webhooks.drain import Drain
from webhooks.models import Attempt, Delivery
from tenants.scope import tenant_scope


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
