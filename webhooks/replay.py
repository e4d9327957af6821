"""Sending again: one delivery at once, or the events of a window as a job that goes on wherever it was interrupted."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.models import DateTimeField, F, Max, Q, QuerySet, Value
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from tenants.actor import Actor
from tenants.models import Event
from tenants.routing import STAFF, alias, using
from tenants.scope import tenant_scope
from webhooks.endpoints import PING, note
from webhooks.history import owed, unacknowledged
from webhooks.models import Delivery, Endpoint, Lane, Replay
from webhooks.patterns import condition
from webhooks.pokes import poke

__all__ = [
    "AGE", "MOST", "Forgotten", "Silent", "TooMany", "Unrepeatable", "advance", "again", "cancel", "choose", "start",
    "sweep",
]  # fmt: skip

# How far back it reaches: receivers are asked to remember ids as long.
AGE = timedelta(days=14)
MOST = 10_000
BATCH = 500
# What comes due in a second, so that live traffic goes first; and how far ahead of that a job may write.
PACE = 50
AHEAD = timedelta(seconds=20)


class Unrepeatable(Exception):
    """What was asked for cannot be sent again."""


class Silent(Unrepeatable):
    """The endpoint is switched off, or gone."""


class Forgotten(Unrepeatable):
    """The event is older than AGE, or a test."""


class TooMany(Unrepeatable):
    """There are more than MOST events in the window."""


def again(delivery: Delivery, *, actor: Actor) -> Delivery:
    """Send the delivery's event once more, at once, and return the new delivery; its webhook-id is the same."""
    with tenant_scope(actor.tenant.id):
        endpoint = Endpoint.objects.of(actor.tenant).filter(pk=delivery.endpoint_id).first()
        if endpoint is None or not endpoint.active:
            raise Silent
        event = Event.objects.of(actor.tenant).filter(pk=delivery.event_id).first()
        if delivery.type == PING or event is None or event.occurred_at < timezone.now() - AGE:
            raise Forgotten
        hold_lane(endpoint)
        (made,) = send(endpoint, [event], [moment()])
        note(endpoint, "delivery_replayed", actor=actor, type=event.type)
        return made


def choose(
    endpoint: Endpoint, *, since: datetime, until: datetime, only_failed: bool = True, events: Collection[str] = ()
) -> QuerySet[Event]:
    """Return the events of a window that a replay sends, in commit order; `events` are patterns that narrow them.

    What was not fanned out yet is left to that: it is about to be sent for the first time.
    """
    rows = owed(endpoint).filter(occurred_at__gte=since, occurred_at__lt=until, fanned_out_at__isnull=False)
    if events:
        rows = rows.filter(condition(events))
    return (unacknowledged(rows, endpoint) if only_failed else rows).order_by("txid", "id")


def start(
    endpoint: Endpoint,
    *,
    actor: Actor,
    since: datetime,
    until: datetime,
    only_failed: bool = True,
    events: Sequence[str] = (),
) -> Replay:
    """Begin a job and return it; sweep() does the work. Raise Silent or TooMany."""
    window: dict[str, Any] = {"since": since, "until": until, "only_failed": only_failed, "events": list(events)}
    with tenant_scope(actor.tenant.id):
        if not endpoint.active:
            raise Silent
        total = choose(endpoint, **window)[: MOST + 1].count()
        if total > MOST:
            raise TooMany
        job: Replay = Replay.objects.create(
            tenant=actor.tenant, endpoint=endpoint, total=total, actor_label=actor.label, **window
        )
        note(endpoint, "replay_started", actor=actor, total=total, since=since.isoformat(), until=until.isoformat())
        return job


def advance(job: Replay, *, batch: int = BATCH) -> bool:
    """Send the next events of a job, one transaction; return whether more can follow at once.

    A job that somebody else works on, that is over, or whose endpoint is switched off, stands still.
    """
    with tenant_scope(job.tenant_id):
        rows = Replay.objects.of(job.tenant_id).select_for_update(skip_locked=True, of=("self",))
        held = rows.select_related("endpoint").filter(pk=job.pk, status=Replay.Status.RUNNING).first()
        if held is None or not held.endpoint.active:
            return False
        endpoint: Endpoint = held.endpoint
        hold_lane(endpoint)
        chosen = choose(
            endpoint, since=held.since, until=held.until, only_failed=held.only_failed, events=held.events
        ).filter(Q(txid__gt=held.after_txid) | Q(txid=held.after_txid, id__gt=held.after_id))
        found = list(chosen[:batch])
        first = max(moment(), held.created_at + timedelta(seconds=held.made / PACE), behind(endpoint))
        send(endpoint, found, [first + timedelta(seconds=place / PACE) for place in range(len(found))])
        held.made += len(found)
        if found:
            held.after_txid, held.after_id = found[-1].txid, found[-1].pk
        if len(found) < batch:
            held.status, held.finished_at = Replay.Status.DONE, timezone.now()
        held.save()
        return bool(held.status == Replay.Status.RUNNING)


def sweep(*, batch: int = BATCH) -> int:
    """Go on with every job that is not ahead of its pace; return how many events are on their way now.

    It runs with each beat, and whenever it is poked: nothing is lost with a worker.
    """
    moved = 0
    for job in running():
        while job.created_at + timedelta(seconds=job.made / PACE) <= moment() + AHEAD:
            before = job.made
            more = advance(job, batch=batch)
            with tenant_scope(job.tenant_id):
                job = Replay.objects.of(job.tenant_id).filter(pk=job.pk).first()  # noqa: PLW2901  as it is now
            moved += job.made - before if job else 0
            if job is None or not more:
                break
    return moved


def behind(endpoint: Endpoint) -> datetime:
    """Return when what replays have put in line is through: a job that began late keeps its order and its pace."""
    waiting = Delivery.objects.of(endpoint.tenant_id).filter(
        endpoint_id=endpoint.pk, status=Delivery.Status.PENDING, replay_no__gt=0, starts=0
    )
    last: datetime | None = waiting.aggregate(last=Max("due_at"))["last"]
    return last + timedelta(seconds=1 / PACE) if last else endpoint.created_at


def moment() -> datetime:
    """Return the time by the database's clock: no worker's own decides when something is due."""
    with connections[alias()].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (found,) = cursor.fetchone()
        return found  # type: ignore[no-any-return]


def running() -> list[Replay]:
    """Return the jobs of all tenants that are not over, the oldest first."""
    with using(STAFF):
        return list(Replay.every_tenant.using(STAFF).filter(status=Replay.Status.RUNNING).order_by("created_at"))


def cancel(job: Replay, *, actor: Actor) -> None:
    """Stop a job: what it has put on its way is sent, and nothing more; one that is over stays as it is."""
    with tenant_scope(actor.tenant.id):
        rows = Replay.objects.of(actor.tenant).filter(pk=job.pk, status=Replay.Status.RUNNING)
        rows.update(status=Replay.Status.CANCELLED, finished_at=timezone.now())
        job.refresh_from_db()


def hold_lane(endpoint: Endpoint) -> None:
    """Let nobody else number the replays of the endpoint until the transaction ends."""
    Lane.objects.of(endpoint.tenant_id).select_for_update().get(endpoint=endpoint)


def send(endpoint: Endpoint, events: Sequence[Event], due: Sequence[datetime]) -> list[Delivery]:
    """Make a delivery of each event, numbered behind those that it has, and wake the lane when the first is due."""
    if not events:
        return []
    numbers = numbers_of(endpoint, [event.pk for event in events])
    made = [
        Delivery(
            tenant_id=endpoint.tenant_id, endpoint_id=endpoint.pk, event_id=event.pk, type=event.type,
            record_id=event.record_id, record_version=event.record_version,
            replay_no=numbers.get(event.pk, 0) + 1, due_at=when,
        )
        for event, when in zip(events, due, strict=True)
    ]  # fmt: skip
    Delivery.objects.bulk_create(made)
    # Of a time and nothing the time is both the least and the greatest. An open circuit stays open.
    first = Greatest(F("open_until"), Value(due[0], DateTimeField()))
    Lane.objects.of(endpoint.tenant_id).filter(endpoint=endpoint).update(next_due_at=Least(F("next_due_at"), first))
    # No event tells of it.
    transaction.on_commit(poke, using=alias(), robust=True)
    return made


def numbers_of(endpoint: Endpoint, events: Collection[UUID]) -> dict[UUID, int]:
    """Return the highest number of each event's deliveries to the endpoint."""
    rows = Delivery.objects.of(endpoint.tenant_id).filter(endpoint_id=endpoint.pk, event_id__in=events)
    return dict(rows.values_list("event_id").annotate(Max("replay_no")).order_by())
