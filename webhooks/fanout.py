"""From events to deliveries: each new event of the ledger becomes one delivery to every endpoint that may hear it.

The statements cross tenants, on the staff role's connection; each row is joined on its own tenant.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connections, transaction
from django.utils import timezone

from tenants import ids
from tenants.routing import STAFF
from webhooks.partitions import oldest_event
from webhooks.patterns import matches
from webhooks.speech import Heard, speech

__all__ = ["BATCH", "fan_out"]

log = logging.getLogger("kith.webhooks")
BATCH = 500
# An endpoint hears nothing of what was before it; its time is the web server's, that of events the database's.
CLOCKS = timedelta(seconds=1)
# The whole record is read only where somebody might hear of it.
TAKE = """
SELECT v.id, v.tenant_id, v.type, v.resource, v.record_id, v.record_version, v.occurred_at,
       CASE WHEN EXISTS (SELECT 1 FROM webhooks_endpoint e WHERE e.tenant_id = v.tenant_id AND e.active)
            THEN v.data::text END
FROM tenants_event v
WHERE v.fanned_out_at IS NULL AND v.audience = 'public'
ORDER BY v.txid, v.id LIMIT %s FOR UPDATE OF v SKIP LOCKED
"""
LISTENERS = """
SELECT e.tenant_id, e.id, e.contract, e.events, e.scopes, e.maker_id, e.created_at FROM webhooks_endpoint e
WHERE e.tenant_id = ANY(%s) AND e.active
"""
DELIVER = """
INSERT INTO webhooks_delivery
  (id, tenant_id, endpoint_id, event_id, type, record_id, record_version, replay_no, status, attempts, starts, failure)
SELECT id, tenant_id, endpoint_id, event_id, type, record_id, record_version, 0, 'pending', 0, 0, ''
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::uuid[], %s::int[])
  AS n(id, tenant_id, endpoint_id, event_id, type, record_id, record_version)
ON CONFLICT DO NOTHING
"""
# In one order, so that two who do this at once wait for each other instead of deadlocking.
HOLD_LANES = "SELECT 1 FROM webhooks_lane WHERE endpoint_id = ANY(%s) ORDER BY endpoint_id FOR UPDATE"
# An open circuit stays open: its lane is due when the probe is.
WAKE_LANES = """
UPDATE webhooks_lane SET next_due_at = LEAST(next_due_at, GREATEST(open_until, now())) WHERE endpoint_id = ANY(%s)
"""
DONE = "UPDATE tenants_event SET fanned_out_at = now() WHERE id = ANY(%s)"


class Listener(NamedTuple):
    """An endpoint, as far as deciding takes it."""

    tenant_id: UUID
    id: UUID
    contract: str
    events: list[str]
    scopes: list[str]
    maker_id: UUID | None
    created_at: datetime


class Fanned(NamedTuple):
    """What one round did; `silenced` are endpoints, by tenant, whose makers have lost their right."""

    events: int
    deliveries: int
    silenced: Collection[tuple[UUID, UUID]]


def fan_out(batch: int = BATCH) -> Fanned:
    """Turn up to `batch` events into deliveries, in one transaction; any number may do so at once.

    Those of a restored backup may be older than any delivery that is kept: they stay in the ledger and the feed.
    """
    with transaction.atomic(using=STAFF), connections[STAFF].cursor() as cursor:
        cursor.execute(TAKE, [batch])
        events = cursor.fetchall()
        if not events:
            return Fanned(0, 0, ())
        tenants = list({row[1] for row in events if row[7] is not None})
        listeners, silenced = listening(cursor, tenants) if tenants else ({}, ())
        oldest = oldest_event(timezone.now().date())
        kept = [row for row in events if row[0] >= oldest]
        if len(kept) < len(events):
            log.warning("events too old to be delivered", extra={"count": len(events) - len(kept)})
        new = [made for row in kept for made in deliveries_of(row, listeners.get(row[1], ()))]
        if new:
            cursor.execute(DELIVER, [list(column) for column in zip(*new, strict=True)])
            endpoints = list({row[2] for row in new})
            cursor.execute(HOLD_LANES, [endpoints])
            cursor.execute(WAKE_LANES, [endpoints])
        cursor.execute(DONE, [[row[0] for row in events]])
        return Fanned(len(events), len(new), silenced)


def listening(cursor: Any, tenants: list[UUID]) -> tuple[dict[UUID, list[Listener]], Collection[tuple[UUID, UUID]]]:
    """Return the tenants' endpoints, and those among them that may hear nothing more."""
    cursor.execute(LISTENERS, [tenants])
    found = [
        Listener(tenant, endpoint, contract, loaded(events), loaded(scopes), maker, created)
        for tenant, endpoint, contract, events, scopes, maker, created in cursor.fetchall()
    ]
    revoked = speech().silenced({one.maker_id for one in found if one.maker_id})
    listeners = defaultdict(list)
    for one in found:
        if one.maker_id not in revoked:
            listeners[one.tenant_id].append(one)
    return listeners, [(one.tenant_id, one.id) for one in found if one.maker_id in revoked]


def loaded(value: Any) -> Any:
    """Return JSON that the driver may have left as text."""
    return orjson.loads(value) if isinstance(value, str) else value


def deliveries_of(row: tuple[Any, ...], listeners: Iterable[Listener]) -> Iterable[tuple[Any, ...]]:
    """Yield the rows of an event's deliveries."""
    event_id, tenant_id, kind, resource, record_id, version, occurred, data = row
    event = Heard(event_id, kind, resource, "", version, data, "")
    for one in listeners:
        if (
            occurred >= one.created_at - CLOCKS
            and matches(one.events, kind)
            and speech().hears(one.contract, one.scopes, event)
        ):
            yield ids.new(), tenant_id, one.id, event_id, kind, record_id, version
