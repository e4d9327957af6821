"""Many tenants with many records, made by PostgreSQL itself: copies of the one of each kind that a program has made."""

from collections.abc import Mapping
from typing import Any

from benchmarks.sql import as_owner
from tenants import ids
from tenants.models import Tenant

__all__ = ["NEW", "Originals", "add_records", "add_tenants", "analyze", "copy", "originals_of"]

COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
# Copies leave no events: the net that asks for one is lifted meanwhile.
NETTED = "SELECT 1 FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = 'recorded'"
FILLED = (
    "tenants_tenant", "tenants_event", "apikeys_apikey", "crm_client", "crm_invoice", "crm_invoiceline",
    "webhooks_endpoint", "webhooks_lane", "webhooks_delivery",
)  # fmt: skip
# The first thousand of a tenant are called alike, one in ten of them: so many does a search find, at every size.
NAMED, EVERY = 1000, 10

# The ids of the rows that are copied, by their tables.
Originals = Mapping[str, Any]


def originals_of(tenant: Tenant) -> Originals:
    """Return a row of each kind that the tenant has: its first."""
    own = {"tenants_tenant": "id"}
    first = "SELECT id FROM {table} WHERE {column} = %s ORDER BY id LIMIT 1"
    return {
        table: as_owner(first.format(table=table, column=own.get(table, "tenant_id")), tenant.pk)[0][0]
        for table in FILLED
    }


def add_tenants(originals: Originals, count: int, batch: str) -> None:
    """Add tenants whose slugs begin with `batch`, each with a key that nobody knows, an endpoint and its lane."""
    numbers = f"generate_series(1, {count}) AS n"
    copy(originals, "tenants_tenant", numbers, {"slug": f"'{batch}-' || n"})
    peers = f"(SELECT * FROM tenants_tenant WHERE slug LIKE '{batch}-%') AS peer"  # noqa: S608  our own constant
    mine = {"tenant_id": "peer.id"}
    copy(originals, "apikeys_apikey", peers, {**mine, "digest": "sha256(peer.id::text::bytea)"})
    copy(originals, "webhooks_endpoint", peers, mine)
    at = f"(SELECT e.* FROM webhooks_endpoint e JOIN {peers} ON peer.id = e.tenant_id) AS endpoint"  # noqa: S608
    mine = {"tenant_id": "endpoint.tenant_id", "endpoint_id": "endpoint.id"}
    copy(originals, "webhooks_lane", at, {**mine, "next_due_at": "NULL"})


def add_records(originals: Originals, tenants: str, clients: int, *, first: int, batch: str) -> None:
    """Add clients, numbered from `first`, to the tenants whose slugs are LIKE `tenants`, each with its event.

    One in ten has an invoice of three lines and a delivery that is done.
    """
    peers = f"(SELECT * FROM tenants_tenant WHERE slug LIKE '{tenants}' AND environment = 'live') AS peer"  # noqa: S608
    called = f"CASE WHEN n <= {NAMED} AND n % {EVERY} = 0 THEN 'Smith ' ELSE 'Meier ' END || n"
    at = dict.fromkeys(("created_at", "updated_at"), "now() - n * interval '1 minute'")
    copy(
        originals,
        "crm_client",
        f"{peers}, generate_series({first}, {first + clients - 1}) AS n",
        {"tenant_id": "peer.id", "name": called, "external_ref": f"'{batch}' || n",
         "email": "'c' || n || '@example.com'", **at},
    )  # fmt: skip
    known = f"(SELECT c.* FROM crm_client c JOIN {peers} ON peer.id = c.tenant_id WHERE c.external_ref LIKE '{batch}%"  # noqa: S608
    mine = {"tenant_id": "client.tenant_id"}
    of_client = {"record_id": "client.id", "occurred_at": "client.created_at", "fanned_out_at": "now()"}
    copy(originals, "tenants_event", f"{known}') AS client", mine | of_client | {"txid": f"-{AT}"})
    of_client = {"client_id": "client.id", "created_at": "client.created_at", "updated_at": "client.updated_at"}
    copy(originals, "crm_invoice", f"{known}0') AS client", mine | of_client | {"external_ref": "client.external_ref"})
    bills = f"(SELECT i.* FROM crm_invoice i JOIN {peers} ON peer.id = i.tenant_id WHERE external_ref LIKE '{batch}%')"  # noqa: S608
    inside = {"tenant_id": "bill.tenant_id", "invoice_id": "bill.id", "position": "n"}
    copy(originals, "crm_invoiceline", f"{bills} AS bill, generate_series(1, 3) AS n", inside)
    done = {"endpoint_id": "e.id", "event_id": NEW, "record_id": "client.id", "status": "'delivered'"}
    at_endpoint = f"{known}0') AS client JOIN webhooks_endpoint e ON e.tenant_id = client.tenant_id"
    copy(originals, "webhooks_delivery", at_endpoint, mine | done | {"created_at": "client.created_at"})


def copy(originals: Originals, table: str, source: str, values: Mapping[str, str]) -> None:
    """Copy a table's original once for each row of `source`, a FROM clause; `values` are columns that differ, as SQL.

    In no order: neighbours in a list are seldom neighbours on the disk where many tenants write.
    """
    columns = [str(name) for (name,) in as_owner(COLUMNS, table)]
    differing = {"id": NEW, **values}
    shown = ", ".join(f"{differing[name]} AS {name}" if name in differing else f"original.{name}" for name in columns)
    netted = as_owner(NETTED, table)
    if netted:
        as_owner(f"ALTER TABLE {table} DISABLE TRIGGER recorded")
    as_owner(
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608  our own constants
        f"SELECT {shown} FROM (SELECT * FROM {table} WHERE id = '{originals[table]}') AS original CROSS JOIN {source} "
        "ORDER BY random()"
    )
    if netted:
        as_owner(f"ALTER TABLE {table} ENABLE TRIGGER recorded")


def analyze() -> None:
    """Let the planner know what the tables hold."""
    for table in FILLED:
        as_owner(f"VACUUM ANALYZE {table}")


# The number of a client, in the order of time backwards.
AT = "substr(client.external_ref, 2)::bigint"
# A new id as Kith makes them: all of one run begin with the millisecond in which it began.
NEW = f"overlay(gen_random_uuid()::text PLACING '{str(ids.new())[:15]}' FROM 1)::uuid"
