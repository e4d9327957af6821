"""What tests of webhooks start from: an endpoint, made through the API, and its row."""

import time
from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from tenants import audit, ids
from tenants.models import Event
from tenants.routing import using
from tenants.scope import tenant_scope
from tests.conftest import Caller
from webhooks.models import Delivery, Endpoint, EndpointSecret
from webhooks.secrets import unseal

__all__ = ["URL", "deliver", "fan_out", "hook", "row", "secret_of"]

URL = "https://example.com/hooks"


def hook(caller: Caller, **fields: Any) -> dict[str, Any]:
    """Make an endpoint and return what the API answers."""
    made = caller.post("/webhooks", {"url": URL, "events": ["*"], **fields})
    assert made.status == 201, made.body
    return dict(made.data)


def row(caller: Caller, public_id: str) -> Endpoint:
    """Return an endpoint as it is stored."""
    with tenant_scope(caller.tenant.id):
        found: Endpoint = Endpoint.objects.of(caller.tenant).get(pk=ids.decode("whk", public_id))
        return found


def secret_of(caller: Caller, public_id: str) -> str:
    """Return the newest secret of an endpoint."""
    with tenant_scope(caller.tenant.id):
        rows = EndpointSecret.objects.of(caller.tenant).filter(endpoint_id=ids.decode("whk", public_id))
        return unseal(rows.order_by("-created_at", "-id")[0].sealed)


def deliver(caller: Caller, made: dict[str, Any], event: UUID, *, status: str = "exhausted", **more: Any) -> Delivery:
    """Write down a delivery as the engine leaves it."""
    with tenant_scope(caller.tenant.id):
        told = Event.objects.of(caller.tenant).get(pk=event)
        found: Delivery = Delivery.objects.create(
            tenant=caller.tenant, endpoint_id=ids.decode("whk", made["id"]), event_id=event, type=told.type,
            record_id=told.record_id, record_version=told.record_version, status=status, **more,
        )  # fmt: skip
        return found


def fan_out(caller: Caller) -> None:
    """Mark the tenant's events as fanned out, as the engine does, without a delivery of any."""
    with using("admin"):
        events = Event.every_tenant.filter(tenant=caller.tenant)
        events.update(fanned_out_at=timezone.now())
        settle(events.aggregate(last=Max("txid"))["last"] or 0)


def settle(txid: int) -> None:
    """Wait until no transaction of the whole server is older: until then the feed holds an event back."""
    end = time.monotonic() + 20
    while audit.oldest_running() <= txid:
        assert time.monotonic() < end, "a transaction has been open for long"
        time.sleep(0.02)
