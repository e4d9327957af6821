"""The ledger: one Event row per change, written in the caller's transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

import orjson
from django.db import connections, transaction

from tenants.actor import Actor
from tenants.models import Event
from tenants.replica import note_commit
from tenants.routing import alias
from tenants.scope import current, work
from tenants.statements import fetch

__all__ = ["DATA_LIMIT", "announce_by", "record", "together"]

DATA_LIMIT = 256 * 1024
Announce = Callable[[UUID], None]
_announcers: list[Announce] = []
# The transaction whose end is known to be listened for: a thousand events of one are one announcement.
_announced: ContextVar[object] = ContextVar("announced", default=None)
# The events of the running together(), not written yet.
_waiting: ContextVar[list[Event] | None] = ContextVar("waiting", default=None)


def announce_by(announce: Announce) -> None:
    """Call `announce`, with the tenant's id, after each commit that left events for the public; called at start-up.

    It must be quick, and may fail: an announcement is a poke, and whoever waits for one looks for themselves as well.
    """
    _announcers.append(announce)


def record(
    *,
    actor: Actor,
    type: str,
    resource: str,
    record_id: UUID,
    record_version: int,
    data: dict[str, Any],
    changes: dict[str, Any] | None = None,
    audience: Event.Audience = Event.Audience.PUBLIC,
) -> Event:
    """Write the one Event of a change, with the actor's name on it, and return it.

    A snapshot above DATA_LIMIT is kept thin (its id and a note): the log must not grow faster than the records.
    """
    # Through orjson and back: the row holds exactly what a JSON answer would, not Python's dates and decimals.
    body, moved = orjson.dumps(data, option=JSON), orjson.dumps(changes or {}, option=JSON)
    if len(body) + len(moved) > DATA_LIMIT:
        body, moved = orjson.dumps({"id": data.get("id"), "truncated": True}), b"{}"
    event = Event(
        tenant=actor.tenant,
        type=type,
        resource=resource,
        record_id=record_id,
        public_id=str(data["id"]),
        record_version=record_version,
        actor_kind=actor.kind,
        actor_id=str(actor.id or ""),
        actor_label=actor.label,
        address=actor.address,
        request_id=actor.request_id,
        audience=audience,
        data=orjson.loads(body),
        changes=orjson.loads(moved),
    )
    note_commit(event.tenant_id, work())
    waiting = _waiting.get()
    if waiting is None:
        insert([event])
    else:
        waiting.append(event)
    if audience == Event.Audience.PUBLIC:
        announce_once(event.tenant_id)
    return event


@contextmanager
def together() -> Iterator[None]:
    """Write the events of the block in one statement at its end; none of them where it fails.

    A block inside another one leaves the writing to it, and only takes back its own events where it fails.
    """
    outer = _waiting.get()
    if outer is not None:
        mark = len(outer)
        try:
            yield
        except BaseException:
            del outer[mark:]
            raise
        return
    events: list[Event] = []
    token = _waiting.set(events)
    try:
        yield
    finally:
        _waiting.reset(token)
    if events:
        insert(events)


# What PostgreSQL does not set by itself.
SENT = [field for field in Event._meta.concrete_fields if not (field.generated or field.has_db_default())]
INSERT = """
INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_to_recordset(%s::jsonb) AS event ({typed})
"""


def insert(events: Sequence[Event]) -> None:
    """Write events by one statement, which takes them as one text: Django's own compiles and quotes each value."""
    # Raises outside a tenant's scope, as every tenant table does.
    current()
    rows = [{field.column: getattr(event, field.attname) for field in SENT} for event in events]
    fetch(insert_sql(), [orjson.dumps(rows).decode()])


@lru_cache(maxsize=1)
def insert_sql() -> str:
    """Return the statement that writes events."""
    connection = connections[alias()]
    typed = ", ".join(f"{field.column} {field.db_type(connection)}" for field in SENT)
    names = ", ".join(str(field.column) for field in SENT)
    return INSERT.format(table=Event._meta.db_table, names=names, typed=typed)


def announce_once(tenant_id: UUID) -> None:
    """Tell who listens when this transaction commits."""
    token = work()
    if token is not None and _announced.get() is token:
        return
    _announced.set(token)
    for announce in _announcers:
        transaction.on_commit(partial(announce, tenant_id), using=alias(), robust=True)


JSON = orjson.OPT_UTC_Z
