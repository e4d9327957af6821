"""What holds after every fault: the four invariants of the design, and that nothing is stuck."""

from collections import Counter
from dataclasses import dataclass

from django.db import connections

from tenants import ids
from tenants.scope import tenant_scope
from tests.faults.harness import Kith, wait_for
from webhooks.patterns import matches

__all__ = ["Figures", "invariants"]

# A record without each of its versions as an event, and an event without its record.
UNEQUAL = """
WITH v AS (
  SELECT record_id, count(DISTINCT record_version) AS versions FROM tenants_event
  WHERE tenant_id = ANY(%s) AND resource = 'client' AND audience = 'public' GROUP BY record_id
), c AS (SELECT id, version FROM crm_client WHERE tenant_id = ANY(%s))
SELECT count(*) FROM c FULL JOIN v ON v.record_id = c.id WHERE c.version IS DISTINCT FROM v.versions
"""
EVENTS = """
SELECT tenant_id, type, count(*) FROM tenants_event
WHERE tenant_id = ANY(%s) AND audience = 'public' GROUP BY tenant_id, type
"""
FIRST = "webhooks_delivery WHERE tenant_id = ANY(%s) AND replay_no = 0 AND type <> 'ping'"
# What waits without anybody who will look after it: a lane that is not due, or is held by nobody alive.
STUCK = """
webhooks_delivery d JOIN webhooks_endpoint e ON e.tenant_id = d.tenant_id AND e.id = d.endpoint_id
JOIN webhooks_lane l ON l.tenant_id = d.tenant_id AND l.endpoint_id = d.endpoint_id
WHERE d.tenant_id = ANY(%s) AND d.status = 'pending' AND e.active AND l.next_due_at IS NULL AND l.lease_until IS NULL
"""
GUARDED = (
    "crm_client", "tenants_event", "webhooks_endpoint", "webhooks_endpointsecret", "webhooks_lane",
    "webhooks_delivery", "webhooks_attempt",
)  # fmt: skip


@dataclass
class Figures:
    """What a fault came to."""

    events: int
    deliveries: int
    receipts: int
    lost: int
    duplicates: int
    refused: int

    def __str__(self) -> str:
        return (
            f"{self.events} events, {self.deliveries} deliveries, {self.receipts} receipts: {self.lost} lost, "
            f"{self.duplicates} duplicates, {self.refused} 5xx"
        )


def invariants(kith: Kith, *, duplicates: int = 0, refused: int = 0) -> Figures:
    """Assert them all, but for so many duplicates and 5xx; what waits for its first attempt is not lost."""
    check_lanes(kith)
    # I1: every committed change has its event, and no event lacks its change; what was acknowledged is committed.
    assert kith.rows(UNEQUAL, kith.tenants, kith.tenants) == [(0,)]
    acknowledged = [str(ids.decode("cli", made)) for made in kith.made]
    known = kith.count("crm_client WHERE tenant_id = ANY(%s) AND id = ANY(%s::uuid[])", kith.tenants, acknowledged)
    assert known == len(set(acknowledged)) == len(acknowledged)
    events, wanted = check_deliveries(kith)
    check_walls(kith)
    # I4: no 5xx where nothing took PostgreSQL away.
    failures = sum(count for status, count in kith.statuses.items() if status and status >= 500)
    assert failures <= refused
    # And what was received: nothing is lost, everything is signed, and what came twice came under the same id.
    received = {(got.path, got.id) for got in kith.target.got}
    lost = wanted - len(received) - kith.count(f"{FIRST} AND status = 'pending' AND starts = 0", kith.tenants)
    figures = Figures(events, wanted, len(kith.target.got), lost, kith.target.duplicates, failures)
    assert all(got.verified for got in kith.target.got)
    assert figures.lost == 0, figures
    assert figures.duplicates <= duplicates, figures
    return figures


def check_lanes(kith: Kith) -> None:
    """No lane is held any more, no attempt is open, and nothing waits that nobody would look after."""
    held = "webhooks_lane WHERE tenant_id = ANY(%s) AND lease_until IS NOT NULL"
    wait_for(lambda: not kith.count(held, kith.tenants), 15, "the end of all leases")
    assert not kith.count("webhooks_attempt WHERE tenant_id = ANY(%s) AND state = 'started'", kith.tenants)
    assert not kith.count(STUCK, kith.tenants)


def check_deliveries(kith: Kith) -> tuple[int, int]:
    """I2: every event has exactly one delivery to each endpoint that matches; return both numbers."""
    assert not kith.count(
        "tenants_event WHERE tenant_id = ANY(%s) AND audience = 'public' AND fanned_out_at IS NULL", kith.tenants
    )
    events: Counter[str] = Counter()
    wanted = 0
    for tenant, kind, count in kith.rows(EVENTS, kith.tenants):
        listening = [
            endpoint
            for side in kith.sides
            for endpoint in side.endpoints.values()
            if side.tenant.pk == tenant and matches(endpoint.events, kind)
        ]
        events[kind] += count if listening else 0
        wanted += count * len(listening)
    made = kith.count(FIRST, kith.tenants)
    distinct = kith.count(f"(SELECT DISTINCT endpoint_id, event_id FROM {FIRST}) d", kith.tenants)
    assert made == distinct == wanted
    return events.total(), wanted


def check_walls(kith: Kith) -> None:
    """I3: no row can be read by the wrong tenant, and no receiver got another tenant's record."""
    for side in kith.sides[:3]:
        with tenant_scope(side.tenant.pk), connections["default"].cursor() as cursor:
            for table in GUARDED:
                cursor.execute(f"SELECT count(*) FROM {table} WHERE tenant_id <> %s", [side.tenant.pk])
                assert cursor.fetchone() == (0,), table
    clients = {row[0]: row[1] for row in kith.rows("SELECT id, tenant_id FROM crm_client")}
    owners = {path: side.tenant.pk for side in kith.sides for path in side.endpoints}
    for got in kith.target.got:
        if got.data["type"].startswith("client."):
            assert clients[ids.decode("cli", got.data["data"]["id"])] == owners[got.path]
