"""Figures of endpoints for pages: what each hour brought, and what the last day did, in a statement or two each.

They work outside a tenant's scope, for the staff's role: each statement names its tenants.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncHour
from django.utils import timezone

from tenants import ids
from webhooks.history import WINDOW, Percentile
from webhooks.models import Attempt, Delivery, Endpoint

__all__ = ["GAVE_UP", "OUTCOMES", "Day", "Hour", "days", "failed_since", "hours"]

Status, State = Delivery.Status, Attempt.State
GAVE_UP = (Status.EXHAUSTED, Status.POISONED)
# What became of deliveries, in the order of a chart, best first.
OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "delivered": (Status.DELIVERED,),
    "pending": (Status.PENDING,),
    "exhausted": GAVE_UP,
    "skipped": (Status.SKIPPED,),
}


class Hour(NamedTuple):
    """What became of the deliveries made in an hour, and how long the attempts in it took."""

    start: datetime
    counts: Mapping[str, int]
    p95: float | None


class Day(NamedTuple):
    """The last 24 hours of an endpoint, and what waits now."""

    made: int = 0
    delivered: int = 0
    exhausted: int = 0
    attempts: int = 0
    succeeded: int = 0
    pending: int = 0

    @property
    def rate(self) -> float | None:
        """The share of the attempts that succeeded."""
        return self.succeeded / self.attempts if self.attempts else None


def hours(endpoint: Endpoint, count: int = 24) -> Sequence[Hour]:
    """Return the last `count` hours, the running one included, oldest first."""
    now = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [now - timedelta(hours=n) for n in reversed(range(count))]
    made = of([endpoint], Delivery).filter(created_at__gte=starts[0])
    tried = of([endpoint], Attempt).filter(started_at__gte=starts[0], duration_ms__isnull=False)
    counted: dict[datetime, dict[str, int]] = {start: dict.fromkeys(OUTCOMES, 0) for start in starts}
    outcome = {status: name for name, statuses in OUTCOMES.items() for status in statuses}
    for row in made.values("status", hour=TruncHour("created_at", tzinfo=UTC)).annotate(count=Count("pk")):
        counted[row["hour"]][outcome[row["status"]]] += row["count"]
    slow = dict(
        tried.values_list(TruncHour("started_at", tzinfo=UTC)).annotate(p95=Percentile("duration_ms", share=0.95))
    )
    return [Hour(start, counted[start], slow.get(start)) for start in starts]


def days(endpoints: Iterable[Endpoint]) -> Mapping[UUID, Day]:
    """Return the last day of each of the endpoints, in three statements for all of them."""
    found, since = list(endpoints), timezone.now() - WINDOW
    numbers: dict[UUID, dict[str, int]] = {row.pk: {} for row in found}
    made = of(found, Delivery).filter(created_at__gt=since)
    tried = of(found, Attempt).filter(started_at__gt=since).exclude(state=State.STARTED)
    waiting = of(found, Delivery).filter(status=Status.PENDING)
    asked: Sequence[tuple[Any, dict[str, Any]]] = (
        (made, {"made": Q(), "delivered": Q(status=Status.DELIVERED), "exhausted": Q(status__in=GAVE_UP)}),
        (tried, {"attempts": Q(), "succeeded": Q(state=State.SUCCEEDED)}),
        (waiting, {"pending": Q()}),
    )
    for rows, wanted in asked:
        counts = {name: Count("pk", filter=condition) for name, condition in wanted.items()}
        for row in rows.values("endpoint_id").annotate(**counts):
            numbers[row.pop("endpoint_id")] |= row
    return {pk: Day(**counts) for pk, counts in numbers.items()}


def of(endpoints: Sequence[Endpoint], model: Any) -> QuerySet[Any]:
    """Return the rows of some endpoints, by the columns that their index starts with."""
    tenants = {row.tenant_id for row in endpoints}
    rows: QuerySet[Any] = model.every_tenant.filter(tenant__in=tenants, endpoint_id__in=[row.pk for row in endpoints])
    return rows


def failed_since(moment: datetime) -> QuerySet[Attempt]:
    """Return the attempts since a moment that failed, by the order of their ids: only these days are read."""
    return Attempt.every_tenant.filter(pk__gte=ids.first_of(moment), started_at__gte=moment, state=State.FAILED)
