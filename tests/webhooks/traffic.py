"""Endpoints with a history, by hand: what the engine and receivers would have left."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from tenants import ids
from tenants.actor import Actor
from tenants.models import Event, Tenant
from tenants.routing import using
from tenants.scope import tenant_scope
from webhooks import endpoints
from webhooks.models import Attempt, Delivery, Endpoint, Lane, Replay

__all__ = ["attempt", "delivered", "delivery", "endpoint_of", "job_of", "lane", "make"]

URL = "https://receiver.example/hooks"


def make(tenant: Tenant, *events: str, **fields: Any) -> Endpoint:
    """Make an endpoint that nothing is sent to."""
    own = {"url": URL, "contract": "v1", "scopes": ["*:read"], "maker_label": "tests", **fields}
    with using("admin"):
        endpoint = Endpoint(tenant=tenant, events=list(events or ["*"]), **own)
        endpoints.create(endpoint, actor=Actor.system(tenant, "tests"))
    return endpoint


def endpoint_of(tenant: Tenant) -> Endpoint:
    """Return the tenant's newest endpoint, or a new one."""
    with using("admin"):
        return Endpoint.every_tenant.filter(tenant=tenant).order_by("-pk").first() or make(tenant)


def lane(endpoint: Endpoint, **fields: Any) -> None:
    """Let the lane say how the endpoint does."""
    with using("admin"):
        Lane.every_tenant.filter(endpoint=endpoint).update(**fields)


def delivery(endpoint: Endpoint, event: Event | None = None, **fields: Any) -> Delivery:
    """Write down a delivery, of a test where no event is given."""
    about: dict[str, Any] = {"event_id": ids.new(), "type": "ping", "record_id": endpoint.pk, "record_version": 1}
    if event:
        about = {name: getattr(event, name) for name in ("type", "record_id", "record_version")}
        about["event_id"] = event.pk
    at: datetime = fields.pop("at", timezone.now())
    with using("admin"):
        made: Delivery = Delivery.every_tenant.create(
            id=id_at(at), tenant_id=endpoint.tenant_id, endpoint_id=endpoint.pk, created_at=at, due_at=at,
            **{**about, **fields},
        )  # fmt: skip
        return made


def id_at(moment: datetime) -> UUID:
    """Return an id that was made then: ids of rows are in order of time."""
    return UUID(int=ids.first_of(moment).int | ids.new().int & (1 << 80) - 1)


def delivered(endpoint: Endpoint) -> Delivery:
    """Write down a delivery that arrived."""
    return delivery(endpoint, status="delivered", attempts=1, status_code=200)


def attempt(of: Delivery, **fields: Any) -> Attempt:
    """Write down an attempt of a delivery."""
    own = {"number": 1, "state": "failed", "duration_ms": 120, "status_code": 503, **fields}
    at: datetime = own.pop("at", timezone.now())
    with using("admin"):
        made: Attempt = Attempt.every_tenant.create(
            id=id_at(at), tenant_id=of.tenant_id, endpoint_id=of.endpoint_id, delivery_id=of.pk, started_at=at, **own
        )
        return made


def job_of(endpoint: Endpoint) -> Replay:
    """Write down a job."""
    now = timezone.now()
    with using("admin"), tenant_scope(endpoint.tenant_id):
        made: Replay = Replay.objects.create(
            tenant_id=endpoint.tenant_id, endpoint=endpoint, since=now - timedelta(days=1), until=now, total=7, made=3
        )
        return made
