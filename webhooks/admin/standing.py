"""How one endpoint stands: its health, its last day, its secrets, its newest deliveries and jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import OperationalError, transaction
from django.utils import timezone

from tenants.routing import alias
from webhooks.admin.looks import health_badge, status_badge
from webhooks.figures import Day, days
from webhooks.health import OFF, Health, health, lanes_of
from webhooks.models import Endpoint, EndpointSecret, Replay
from webhooks.telling import latest, rate, switched_by

__all__ = ["Standing", "standing"]

JOBS = 3


class Standing(NamedTuple):
    """What the top of an endpoint's page shows."""

    badge: str
    note: str
    figures: Sequence[tuple[str, str]]
    grace: datetime | None
    deliveries: Sequence[Any]
    jobs: Sequence[Replay]


def standing(endpoint: Endpoint) -> Standing:
    """Return how an endpoint stands, in a handful of statements."""
    lane = lanes_of([endpoint]).get(endpoint.pk)
    found = health(endpoint, lane)
    return Standing(
        badge=health_badge(found),
        note=note(endpoint, found, lane),
        figures=figures(endpoint),
        grace=grace_of(endpoint),
        deliveries=[(row, status_badge(row)) for row in latest(endpoint)],
        jobs=list(
            Replay.every_tenant.filter(tenant=endpoint.tenant_id, endpoint=endpoint).order_by("-created_at")[:JOBS]
        ),
    )


def note(endpoint: Endpoint, found: Health, lane: Any) -> str:
    """Say what the word does not."""
    if found.word == OFF:
        return switched_by(endpoint)
    if found.bad and lane:
        return f"{lane.failures} attempts in a row have failed."
    return ""


def figures(endpoint: Endpoint) -> list[tuple[str, str]]:
    try:
        with transaction.atomic(using=alias()):
            day = days([endpoint])[endpoint.pk]
    except OperationalError:
        day = Day()
    return [
        ("Deliveries in 24 h", f"{day.made:,}"),
        ("Attempts that succeeded", rate(day.rate)),
        ("Waiting now", f"{day.pending:,}"),
        ("Given up in 24 h", f"{day.exhausted:,}"),
    ]


def grace_of(endpoint: Endpoint) -> datetime | None:
    """Return until when an old secret signs along."""
    rows = EndpointSecret.every_tenant.filter(tenant=endpoint.tenant_id, endpoint=endpoint)
    return (
        rows.filter(expires_at__gt=timezone.now()).order_by("-expires_at").values_list("expires_at", flat=True).first()
    )
