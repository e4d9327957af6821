"""Tamper evidence: every event is sealed into its tenant's hash chain, and the chain can be computed anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import orjson
from django.db import connections

from tenants.models import Event, Seal, Tenant
from tenants.routing import alias
from tenants.scope import tenant_scope

__all__ = ["Finding", "head", "seal", "verify"]

BATCH = 1000
FIELDS = (
    "id", "tenant_id", "type", "resource", "record_id", "public_id", "record_version", "actor_kind", "actor_id",
    "actor_label", "address", "request_id", "audience", "data", "changes", "occurred_at", "txid",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What verification saw in one tenant: how many events hold, how many wait for their seal, and what is wrong."""

    sealed: int
    waiting: int
    head: str
    faults: tuple[str, ...]


def digest(previous: bytes, event: Event) -> bytes:
    """Return the link after `previous`: SHA-256 over it and the event's canonical JSON (sorted keys, UTC)."""
    row = {name: getattr(event, name) for name in FIELDS}
    return sha256(previous + orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)).digest()


def oldest_running() -> int:
    """Return the first transaction number that may still commit: events below it are all there to be seen."""
    with connections[alias()].cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


def seal(tenant: Tenant) -> int:
    """Append the tenant's settled events, in commit order, to its chain; return how many."""
    with tenant_scope(tenant.id):
        with connections[alias()].cursor() as cursor:
            # Two sealers at once would both extend the same head.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"seal:{tenant.id}"])
        last = Seal.objects.of(tenant).order_by("-position").first()
        position, previous = (last.position, bytes(last.digest)) if last else (0, b"")
        waiting = Event.objects.of(tenant).filter(seal=None, txid__lt=oldest_running()).order_by("txid", "id")
        links = []
        for event in waiting[:BATCH]:
            position, previous = position + 1, digest(previous, event)
            links.append(Seal(event=event, tenant=tenant, position=position, digest=previous))
        Seal.objects.bulk_create(links)
        return len(links)


def head(tenant: Tenant) -> str:
    """Return the digest of the tenant's newest link: kept elsewhere, it proves everything before it."""
    with tenant_scope(tenant.id):
        last = Seal.objects.of(tenant).order_by("-position").first()
        return bytes(last.digest).hex() if last else ""


def verify(tenant: Tenant) -> Finding:
    """Compute the tenant's chain anew and report every link that does not hold, also after a first fault."""
    with tenant_scope(tenant.id):
        faults: list[str] = []
        count, previous = 0, b""
        for link, event in chain(tenant):
            count += 1
            if link.position != count:
                faults.append(f"seal {count} is missing")
                count = link.position
            if event is None:
                faults.append(f"event {link.event_id} was deleted")
            elif digest(previous, event) != bytes(link.digest):
                faults.append(f"event {link.event_id} ({event.type}) was altered")
            previous = bytes(link.digest)
        waiting = Event.objects.of(tenant).filter(seal=None).count()
        return Finding(count, waiting, previous.hex(), tuple(faults))


def chain(tenant: Tenant) -> Iterator[tuple[Seal, Event | None]]:
    """Yield every seal in order with its event, None where that is gone."""
    seals = Seal.objects.of(tenant).order_by("position")
    position = 0
    while batch := list(seals.filter(position__gt=position)[:BATCH]):
        events = Event.objects.of(tenant).in_bulk([link.event_id for link in batch])
        yield from ((link, events.get(link.event_id)) for link in batch)
        position = batch[-1].position
