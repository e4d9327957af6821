"""The queue, in PostgreSQL: lanes are claimed on a lease, their deliveries taken, results written back, all in batches.

Workers claim lanes, not deliveries: whoever holds an endpoint's lane alone works on it, until the lease is over. Times
are the database's, so no worker's clock decides. The statements cross tenants, on the staff role's connection.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction

from tenants import ids
from tenants.routing import STAFF
from webhooks.statements import (
    BEGIN,
    CLAIM,
    GIVE_BACK,
    HOLD,
    IS_DUE,
    LOST,
    PARK,
    RENEW,
    RESULT,
    START,
    TAKE,
    WRITE_BACK,
)

__all__ = ["Ailing", "Lane", "Outcome", "Queue", "Result", "Taken", "is_due"]

WARN, GIVE_UP = timedelta(hours=24), timedelta(hours=120)
LONGEST_CIRCUIT = timedelta(hours=1)
# A delivery whose worker was lost so often is the reason: it is parked.
MOST_STARTS = 20


class Lane(NamedTuple):
    """A claimed endpoint: what a POST to it takes, and how it must be treated."""

    tenant_id: UUID
    endpoint_id: UUID
    slow: bool
    recovered: bool
    ordered: bool
    url: str
    contract: str
    headers_sealed: str
    secrets_sealed: Sequence[str]

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.tenant_id, self.endpoint_id

    @property
    def careful(self) -> bool:
        """Whether one delivery at a time is enough: it has to prove itself, or a worker was lost over it."""
        return self.recovered or self.slow


class Taken(NamedTuple):
    """A delivery that is being sent: its event as the ledger has it, and the attempt that was written down."""

    delivery_id: UUID
    tenant_id: UUID
    endpoint_id: UUID
    event_id: UUID
    type: str
    attempts: int
    resource: str | None
    timestamp: str
    record_version: int
    data: str | None
    changes: str | None
    now: int
    attempt_id: UUID

    @property
    def lane(self) -> tuple[UUID, UUID]:
        return self.tenant_id, self.endpoint_id


class Result(NamedTuple):
    """What became of an attempt; `delay`, in seconds, is for a delivery that stays pending."""

    taken: Taken
    state: str
    status: str
    delay: float
    code: int | None
    duration_ms: int
    failure: str
    headers: Mapping[str, str]
    answer: str


class Outcome(NamedTuple):
    """How the attempts of one lane went in one turn."""

    lane: tuple[UUID, UUID]
    total: int
    failed: int
    slow: bool


class Ailing(NamedTuple):
    """A lane that has failed for long: its owners are to be warned, or it is given up."""

    lane: tuple[UUID, UUID]
    given_up: bool


class Queue:
    """The queue, as one owner of leases sees it."""

    def __init__(self, *, lease: float, circuit: float) -> None:
        self.owner = ids.new()
        self.lease, self.circuit = timedelta(seconds=lease), timedelta(seconds=circuit)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do several steps in one transaction. What a crash of PostgreSQL takes back is only done once more."""
        with transaction.atomic(using=STAFF):
            self.run(BEGIN)
            yield

    def run(self, sql: str, params: Any = None) -> list[tuple[Any, ...]]:
        with connections[STAFF].cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def claim(self, lanes: int, *, full: Collection[UUID], slow: int) -> list[Lane]:
        """Take up to `lanes` due lanes on a lease, those that were served longest ago first, tenants taking turns.

        None of the tenants in `full`, and at most `slow` lanes that are slow or have yet to prove themselves.
        """
        params = {"lanes": lanes, "full": list(full), "slow": slow, "lease": self.lease, "owner": self.owner}
        found = [Lane._make(row) for row in self.run(CLAIM, params)]
        if lost := [lane for lane in found if lane.recovered]:
            self.run(LOST, columns(lane.key for lane in lost))
            self.run(PARK, [MOST_STARTS, *columns(lane.key for lane in lost)])
        return found

    def take(self, lanes: Sequence[Lane], shares: Sequence[int]) -> list[Taken]:
        """Start up to its share of each lane's due deliveries: an attempt of each is written down."""
        keys = columns(lane.key for lane in lanes)
        rows = self.run(TAKE, [*keys, list(shares), [lane.ordered for lane in lanes]])
        taken = [Taken._make((*row, ids.new())) for row in rows]
        if taken:
            names = ((t.attempt_id, *t.lane, t.delivery_id, t.event_id, t.attempts + 1) for t in taken)
            self.run(START, columns(names))
        return taken

    def renew(self, lanes: Collection[tuple[UUID, UUID]]) -> None:
        """Hold the leases for longer."""
        self.run(RENEW, [self.lease, self.owner, *columns(lanes)])

    def write_back(self, results: Sequence[Result]) -> None:
        """Write down what became of attempts, in one statement; nothing of lanes that somebody else holds by now."""
        rows = (
            (*r.taken.lane, r.taken.delivery_id, r.taken.event_id, r.taken.attempt_id, r.state, r.status, r.delay,
             r.code, r.duration_ms, r.failure[:200], json.dumps(dict(r.headers)), r.answer)
            for r in results
        )  # fmt: skip
        self.run(WRITE_BACK, {**dict(zip(RESULT, columns(rows), strict=True)), "owner": self.owner})

    def give_back(self, outcomes: Sequence[Outcome]) -> list[Ailing]:
        """Let lanes go, with how they did and when they are due next; return those that have failed for long."""
        self.run(HOLD, [self.owner, *columns(outcome.lane for outcome in outcomes)])
        rows = ((*outcome.lane, outcome.total, outcome.failed, outcome.slow) for outcome in outcomes)
        params = {
            **dict(zip(("tenant", "endpoint", "total", "failed", "slow"), columns(rows), strict=True)),
            "owner": self.owner, "circuit": self.circuit, "longest": LONGEST_CIRCUIT / self.circuit, "warn": WARN,
            "over": GIVE_UP,
        }  # fmt: skip
        found = self.run(GIVE_BACK, params)
        return [Ailing((tenant, endpoint), ends) for tenant, endpoint, worries, ends in found if worries or ends]


def is_due() -> bool:
    """Tell whether something waits that nobody is at work on."""
    with connections[STAFF].cursor() as cursor:
        cursor.execute(IS_DUE)
        return bool(cursor.fetchone()[0])


def columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Return rows as the arrays that unnest() takes."""
    return [list(column) for column in zip(*rows, strict=True)]
