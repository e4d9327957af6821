"""The feed: the ledger from a place on, in commit order, and with each page the place where the next one begins.

A place is a transaction and an event's id. Below the first transaction that may still commit no event can appear any
more; a page that shows all there is ends there, whether it shows anything or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.utils import timezone

from crm.errors import Problem, Refusal
from crm.rest.contract import Contract
from crm.rest.filters import refuse
from crm.rest.pages import Cursor, CursorInvalid, Sort, limit_of, whole
from crm.rest.statements import Condition
from tenants import ids
from tenants.routing import alias
from tenants.scope import current

__all__ = ["LONGEST_WAIT", "PARAMETERS", "Asked", "Ledger", "Place", "asked", "is_feed"]

LONGEST_WAIT = 20
PARAMETERS = ("after", "wait")
NOW = "now"
# A reader that started at the edge gets this long to come away from it.
GRACE = timedelta(days=1)
ORDER = (Sort("txid"), Sort("id"))
LOOK = """
SELECT settled, EXISTS (SELECT 1 FROM tenants_event WHERE tenant_id = %s AND txid >= settled AND audience = 'public')
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS settled) AS ledger
"""
TOO_OLD = (
    "Nobody can say any more what came after this place: it is more than {days} days old. Read the records anew, then "
    "start with {after}=now; what the feed still has begins with an empty {after}."
)
ELSEWHERE = (
    "This place is not in this ledger: the database was put back to an earlier state. Read the records anew, then "
    "start with {after}=now."
)


@dataclass(frozen=True)
class Ledger:
    """The ledger at one moment: the first transaction that may still commit, and whether events lie beyond it."""

    settled: int
    coming: bool

    @classmethod
    def now(cls) -> "Ledger":
        """Look at the ledger of the tenant in whose scope this runs."""
        with connections[alias()].cursor() as cursor:
            cursor.execute(LOOK, [current()])
            return cls(*cursor.fetchone())

    @property
    def end(self) -> "Place":
        """The place after everything that is settled; whatever appears later comes behind it."""
        return Place(self.settled - 1, ids.new())


@dataclass(frozen=True)
class Place:
    """A place in a tenant's ledger. It holds for each key, filter and contract, for the order is one for all."""

    txid: int
    id: UUID

    def encode(self, tenant: Any) -> str:
        """Return the place as a text that only this tenant can use."""
        return cursor_of(tenant).encode([self.txid, self.id])

    @classmethod
    def decode(cls, tenant: Any, text: str) -> "Place":
        """Return the place of a text; raise CursorInvalid for one that encode() did not make."""
        txid, key = cursor_of(tenant).decode(text)
        return cls(txid, UUID(key))

    @property
    def beyond(self) -> Condition:
        """The events after it."""
        return Cursor(ORDER, "").beyond([self.txid, self.id])

    @property
    def is_past(self) -> bool:
        """Whether the feed does not reach back to it; an id says when it was made."""
        return self.id < ids.first_of(oldest() - GRACE)


def cursor_of(tenant: Any) -> Cursor:
    return Cursor(ORDER, f"{tenant.id}:feed")


def oldest() -> datetime:
    """Return how far back the feed reaches."""
    return timezone.now() - timedelta(days=settings.FEED_DAYS)


@dataclass(frozen=True)
class Asked:
    """What a request wants of the feed; without a place it wants the oldest that the feed has."""

    place: Place | None
    wait: int
    limit: int

    @property
    def beyond(self) -> Condition:
        """The events after its place."""
        return self.place.beyond if self.place else Condition.of("id__gte", ids.first_of(oldest()))


def is_feed(params: Mapping[str, str], contract: Contract) -> bool:
    """Tell whether a list's query asks for the feed."""
    return any(contract.wire(name) in params for name in PARAMETERS)


def asked(params: Mapping[str, str], contract: Contract, tenant: Any, ledger: Ledger) -> Asked:
    """Return what a query wants; raise a 400 that names the parameter that does not fit, or a 410 for a lost place."""
    after, wait = map(contract.wire, PARAMETERS)
    others = [*contract.paging.names, contract.wire("sort"), contract.wire("order")]
    if wrong := [name for name in others if name in params and name != "limit"]:
        message = f"The feed has one order and one place: not together with {after} and {wait}."
        raise refuse(wrong[0], message, code="VALIDATION_ERROR")
    return Asked(
        place_of(params.get(after, ""), after, tenant, ledger),
        whole(params, wait, 0, low=0, high=LONGEST_WAIT),
        limit_of(params),
    )


def place_of(text: str, name: str, tenant: Any, ledger: Ledger) -> Place | None:
    if not text:
        return None
    if text == NOW:
        return ledger.end
    try:
        place = Place.decode(tenant, text)
    except CursorInvalid as error:
        message = f"Send the next_cursor of a page of the feed, {NOW}, or nothing for the oldest events."
        raise refuse(name, message, code="VALIDATION_ERROR") from error
    if place.txid >= ledger.settled:
        raise lost(ELSEWHERE, name)
    if place.is_past:
        raise lost(TOO_OLD, name)
    return place


def lost(sentence: str, name: str) -> Refusal:
    message = sentence.format(after=name, days=settings.FEED_DAYS)
    return Refusal(Problem(410, "CURSOR_EXPIRED", f"{name}: {message}", {name: [message]}))
