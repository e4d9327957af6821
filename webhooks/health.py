"""How an endpoint does, in one word that people and pages use, and which endpoints need somebody to look."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.timesince import timesince

from webhooks.models import Endpoint, Lane

__all__ = ["FAILING", "HEALTHY", "OFF", "OPEN", "UNTRIED", "WORDS", "Health", "ailing", "health", "lanes_of", "within"]

HEALTHY, FAILING, OPEN, OFF, UNTRIED = "healthy", "failing", "circuit open", "switched off", "nothing sent yet"
WORDS = (HEALTHY, FAILING, OPEN, OFF, UNTRIED)


class Health(NamedTuple):
    """A word, and what goes with it: since when or until when, and why."""

    word: str
    since: datetime | None = None
    until: datetime | None = None
    why: str = ""

    @property
    def bad(self) -> bool:
        """Whether somebody should look."""
        return self.word in (FAILING, OPEN) or (self.word == OFF and bool(self.why))

    @property
    def more(self) -> str:
        """What the word does not say."""
        if self.until:
            return f"until {self.until:%H:%M} UTC"
        return f"for {timesince(self.since, depth=1)}" if self.word == FAILING and self.since else self.why


def health(endpoint: Endpoint, lane: Lane | None) -> Health:
    """Return how an endpoint does, as its lane has it."""
    if not endpoint.active:
        return Health(OFF, why=endpoint.disabled_reason or "")
    if lane is None:
        return Health(UNTRIED)
    if lane.open_until and lane.open_until > timezone.now():
        return Health(OPEN, since=lane.failing_since, until=lane.open_until)
    if lane.failing_since:
        return Health(FAILING, since=lane.failing_since)
    return Health(HEALTHY, since=lane.last_success_at) if lane.last_success_at else Health(UNTRIED)


def lanes_of(endpoints: Iterable[Endpoint]) -> Mapping[UUID, Lane]:
    """Return the lanes of some endpoints in one statement, by the endpoint's id."""
    found = list(endpoints)
    rows = Lane.every_tenant.filter(tenant__in={row.tenant_id for row in found}, endpoint__in=[row.pk for row in found])
    return {lane.endpoint_id: lane for lane in rows}


def within(word: str, rows: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
    """Return those of the endpoints that do as `word` says; all of them where it says nothing."""
    lane = Lane.every_tenant.filter(tenant=OuterRef("tenant"), endpoint=OuterRef("pk"))
    is_open = Exists(lane.filter(open_until__gt=Now()))
    is_failing = Exists(lane.filter(failing_since__isnull=False))
    answered = Exists(lane.filter(last_success_at__isnull=False))
    wanted: Any = {
        OFF: Q(active=False),
        OPEN: Q(is_open, active=True),
        FAILING: Q(~is_open, is_failing, active=True),
        HEALTHY: Q(~is_open, ~is_failing, answered, active=True),
        UNTRIED: Q(~is_open, ~is_failing, ~answered, active=True),
    }
    return rows.filter(wanted[word]) if word in wanted else rows


def ailing(rows: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
    """Return those of the endpoints that fail, or that Kith switched off."""
    lanes = Lane.every_tenant.filter(Q(failing_since__isnull=False) | Q(open_until__gt=Now()))
    failing = Q(active=True, pk__in=lanes.values("endpoint"))
    return rows.filter(failing | Q(active=False, disabled_reason__isnull=False))
