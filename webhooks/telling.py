"""What pages tell of endpoints and deliveries in words, for staff and members alike."""

from typing import Any

from django.db.models import Q

from tenants import ids
from tenants.models import Event
from webhooks.models import Delivery, Endpoint

__all__ = ["answer", "event_id", "latest", "rate", "switched_by"]

SHOWN = 12


def answer(row: Any) -> str:
    """Return what came back: the status code, or why there is none."""
    parts = [str(row.status_code or ""), row.failure]
    return " · ".join(filter(None, parts)) or "-"


def rate(share: float | None) -> str:
    """Return a share in per cent, rounded down: 99.9 is not everything."""
    return "-" if share is None else f"{int(share * 1000) / 10:g} %"


def event_id(delivery: Delivery) -> str:
    """Return the id that the receiver sees as webhook-id."""
    return ids.encode("evt", delivery.event_id)


def switched_by(endpoint: Endpoint) -> str:
    """Say who switched the endpoint off, and when."""
    rows = Event.every_tenant.filter(tenant=endpoint.tenant_id, record_id=endpoint.pk)
    event = rows.filter(Q(type="webhook.disabled") | Q(changes__has_key="active")).order_by("-txid").first()
    return f"By {event.actor_label or 'Kith'} on {event.occurred_at:%Y-%m-%d %H:%M} UTC." if event else ""


def latest(endpoint: Endpoint, count: int = SHOWN) -> list[Any]:
    """Return the newest deliveries, each with how it looks."""
    rows: Any = Delivery.every_tenant.filter(tenant=endpoint.tenant_id, endpoint_id=endpoint.pk)
    found = list(rows.order_by("-created_at", "-id")[:count])
    for row in found:
        row.public_id, row.answered = ids.encode("dlv", row.pk), answer(row)
    return found
