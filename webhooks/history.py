"""What became of an endpoint's events: how it has answered lately, and what it has not acknowledged."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    FloatField,
    Func,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from tenants.models import Event
from webhooks.endpoints import PING
from webhooks.models import Attempt, Delivery, Endpoint, Lane
from webhooks.patterns import condition
from webhooks.speech import speech

__all__ = ["GAPS_REACH", "NEVER_SENT", "WINDOW", "Stats", "gaps", "owed", "stats", "unacknowledged"]

WINDOW = timedelta(hours=24)
# The ledger keeps as much at least.
GAPS_REACH = timedelta(days=30)
NEVER_SENT = "never_sent"


class Settled(Func):
    """The first transaction that may still commit: below it no event can appear any more."""

    template = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    output_field: ClassVar[Any] = BigIntegerField()


class Percentile(Func):
    """The value below which a share of the rows lies, to be counted up like any aggregate."""

    template = "percentile_cont(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    contains_aggregate = True
    output_field: ClassVar[Any] = FloatField()

    def get_group_by_cols(self) -> list[Any]:
        """Group by nothing, like any aggregate."""
        return []


@dataclass(frozen=True)
class Stats:
    """How an endpoint has answered in the last 24 hours, and how it stands now."""

    attempts: int
    succeeded: int
    failed: int
    p50_ms: int | None
    p95_ms: int | None
    backlog: int
    oldest_due_at: datetime | None
    circuit: str
    failing_since: datetime | None
    failures: int
    last_success_at: datetime | None


def stats(endpoint: Endpoint) -> Stats:
    """Return the figures of an endpoint; those of time are of the attempts that have ended."""
    tenant = endpoint.tenant_id
    ended = Attempt.objects.of(tenant).filter(endpoint_id=endpoint.pk, started_at__gt=Now() - WINDOW)
    counted = ended.exclude(state=Attempt.State.STARTED).aggregate(
        attempts=Count("pk"),
        succeeded=Count("pk", filter=Q(state=Attempt.State.SUCCEEDED)),
        p50=Percentile("duration_ms", share=0.5),
        p95=Percentile("duration_ms", share=0.95),
    )
    waiting = Delivery.objects.of(tenant).filter(endpoint_id=endpoint.pk, status=Delivery.Status.PENDING)
    # A test comes before everything else, as if it were due since long.
    backlog = waiting.aggregate(count=Count("pk"), oldest=Min("due_at", filter=~Q(type=PING)))
    lane = Lane.objects.of(tenant).get(endpoint=endpoint)
    return Stats(
        attempts=counted["attempts"],
        succeeded=counted["succeeded"],
        failed=counted["attempts"] - counted["succeeded"],
        p50_ms=whole(counted["p50"]),
        p95_ms=whole(counted["p95"]),
        backlog=backlog["count"],
        oldest_due_at=backlog["oldest"],
        circuit=circuit_of(lane),
        failing_since=lane.failing_since,
        failures=lane.failures,
        last_success_at=lane.last_success_at,
    )


def whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def circuit_of(lane: Lane) -> str:
    """Return whether the endpoint is sent to: `open` while it rests, `half_open` while it is tried again."""
    if not lane.opened:
        return "closed"
    return "open" if lane.open_until and lane.open_until > timezone.now() else "half_open"


def owed(endpoint: Endpoint) -> QuerySet[Event]:
    """Return the settled events that the endpoint asks for and may hear."""
    heard = speech().conditions(endpoint.contract, endpoint.scopes)
    rows: QuerySet[Event] = Event.objects.of(endpoint.tenant_id).filter(
        heard, condition(endpoint.events), audience=Event.Audience.PUBLIC, txid__lt=Settled()
    )
    return rows


def unacknowledged(events: QuerySet[Event], endpoint: Endpoint) -> QuerySet[Event]:
    """Return those of `events` that the endpoint has never answered with a 2xx."""
    return events.filter(~Exists(sent(endpoint).filter(status=Delivery.Status.DELIVERED)))


def gaps(endpoint: Endpoint, *, since: datetime | None = None) -> QuerySet[Event]:
    """Return what the endpoint has not acknowledged since `since`, or since it was made, with the `state` of each.

    That is the status of its latest delivery, or `never_sent`. It reaches back GAPS_REACH at most.
    """
    first = max(since or endpoint.created_at, timezone.now() - GAPS_REACH)
    latest = sent(endpoint).order_by("-replay_no").values("status")[:1]
    rows = unacknowledged(owed(endpoint).filter(occurred_at__gte=first), endpoint)
    return rows.annotate(state=Coalesce(Subquery(latest), Value(NEVER_SENT))).order_by("txid", "id")


def sent(endpoint: Endpoint) -> QuerySet[Delivery]:
    """Return the endpoint's deliveries of the event that is looked at."""
    rows: QuerySet[Delivery] = Delivery.objects.of(endpoint.tenant_id).filter(
        endpoint_id=endpoint.pk, event_id=OuterRef("pk")
    )
    return rows
