"""How PostgreSQL finds what the hottest calls ask for: by indexes that begin with the tenant, not by reading tables."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.db import connections, transaction

from benchmarks.copying import add_records, add_tenants, analyze, originals_of
from benchmarks.sql import as_owner
from tenants import ids
from tenants.actor import Actor
from tenants.checks import EXEMPT
from tenants.routing import STAFF
from tenants.scope import tenant_scope
from tests.conftest import Caller, make_caller
from webhooks import endpoints
from webhooks.fanout import fan_out
from webhooks.models import Endpoint
from webhooks.queue import Queue
from webhooks.statements import BEGIN

TENANTS, CLIENTS, OWN = 30, 300, 2000
# One or a few of each tenant: PostgreSQL may rather read them all once than look up each.
SMALL = {"webhooks_endpoint"}
Caught = list[tuple[str, Any]]
# An index of a partition stands for that of its table.
INDEXES = """
SELECT x.relname, coalesce(p.relname, x.relname), t.relname, a.attname FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
LEFT JOIN pg_inherits h ON h.inhrelid = x.oid LEFT JOIN pg_class p ON p.oid = h.inhparent
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
"""
# Those that begin with something else: the words, each of which stands behind its tenant's id, and what the engine of
# webhooks asks across tenants, or by the ids of rows that it holds.
OTHERS = {
    "client_words", "invoice_words", "lane_due", "event_outbox", "webhooks_lane_pkey", "webhooks_delivery_pkey",
    "webhooks_endpoint_pkey", "tenants_event_pkey", "tenants_member_pkey",
}  # fmt: skip


class World:
    """A tenant among others, with many clients, and what is known of it."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        lines = [{"description": "Work", "rate": "80.00"}]
        self.client = caller.post("/clients", {"name": "Original", "tags": ["new"]}).data["id"]
        assert caller.post("/invoices", {"client_id": self.client, "line_items": lines}).status == 201
        self.endpoint = Endpoint(tenant=caller.tenant, url="https://example.com/", events=["*"], contract="v1")
        self.webhook = ids.encode("whk", self.endpoint.pk)
        actor = Actor.system(caller.tenant, "tests")
        endpoints.create(self.endpoint, actor=actor)
        endpoints.ping(self.endpoint, actor=actor)
        batch, originals = f"b{uuid4().hex[:8]}", originals_of(caller.tenant)
        add_tenants(originals, TENANTS, batch)
        add_records(originals, f"{batch}-%", CLIENTS, first=1, batch="a")
        add_records(originals, caller.tenant.slug, OWN, first=1, batch="a")
        analyze()
        self.page = caller.get("/clients?limit=20&cursor=").body["pagination"]["next_cursor"]
        self.place = caller.get("/events?after=&limit=20").body["pagination"]["next_cursor"]
        self.queue = Queue(lease=60, circuit=60)

    def get(self, path: str) -> None:
        assert self.caller.get(path).status == 200

    def post(self) -> None:
        assert self.caller.post("/clients", {"name": "Ada"}, Idempotency_Key=uuid4().hex).status == 201

    def drain(self) -> None:
        """Claim what is due, and undo it."""
        with transaction.atomic(using=STAFF):
            lanes = self.queue.claim(8, full=(), slow=8)
            assert self.queue.take(lanes, [8] * len(lanes))
            transaction.set_rollback(True, using=STAFF)


@pytest.fixture(scope="module")
def world(django_db_setup: None) -> World:
    return World(make_caller("acme"))


# What is called, through which connection, and the indexes that it must go by.
CALLS: dict[str, tuple[Callable[[World], object], str, set[str]]] = {
    "a key": (lambda w: w.get("/team?limit=1"), "default", {"apikeys_apikey_digest_key"}),
    "one": (lambda w: w.get(f"/clients/{w.client}"), "default", {"crm_client_tenant_id_key"}),
    "a list": (lambda w: w.get("/clients?cursor="), "default", {"client_latest"}),
    "the next page": (lambda w: w.get(f"/clients?limit=20&cursor={w.page}"), "default", {"client_latest"}),
    "a filter and a sort": (lambda w: w.get("/clients?status=active&sort=name&cursor="), "default", {"client_name"}),
    "a filter and a count": (lambda w: w.get("/clients?type=person"), "default", {"client_latest"}),
    "an e-mail": (lambda w: w.get("/clients?email=c77%40example.com"), "default", {"client_email"}),
    "a search": (lambda w: w.get("/clients?search=smith"), "default", {"client_words"}),
    "a search by clients": (
        lambda w: w.get("/invoices?search=smith"), "default", {"client_words", "invoice_words"},
    ),
    "invoices with lines": (
        lambda w: w.get("/invoices?include=client&cursor="), "default",
        {"invoice_latest", "invoiceline_position", "crm_client_tenant_id_key"},
    ),
    "the feed": (lambda w: w.get(f"/events?after={w.place}&limit=20"), "default", {"event_feed"}),
    "a history": (lambda w: w.get(f"/clients/{w.client}/events"), "default", {"event_record"}),
    "a webhook's log": (lambda w: w.get(f"/webhooks/{w.webhook}/deliveries?cursor="), "default", {"delivery_latest"}),
    "a write once": (lambda w: w.post(), "default", {"claim_once"}),
    "what is due": (lambda w: w.drain(), STAFF, {"lane_due", "delivery_due"}),
    "what is to be fanned out": (lambda w: fan_out(), STAFF, {"event_outbox"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_it_goes_by_an_index_that_begins_with_the_tenant(world: World, name: str) -> None:
    act, alias, wanted = CALLS[name]
    act(world)
    with caught(alias) as statements:
        act(world)
    known = {name: rest for name, *rest in as_owner(INDEXES)}
    used, scanned = set(), set()
    for node in nodes(plans(world, alias, statements)):
        if node["Node Type"] == "Seq Scan":
            scanned.add(node["Relation Name"])
        used.update(node.get("Conflict Arbiter Indexes", ()))
        if "Index Name" in node:
            index, table, first = known[node["Index Name"]]
            used.add(index)
            assert first == "tenant_id" or index in OTHERS or table in EXEMPT, (index, node)
    assert not scanned - SMALL
    assert wanted <= used, used


@contextmanager
def caught(alias: str) -> Iterator[Caught]:
    """Catch the statements that go through a connection, those that read or write."""
    found: Caught = []

    def catch(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if str(sql).split(maxsplit=1)[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"):
            found.append((sql, params))
        return execute(sql, params, many, context)

    with connections[alias].execute_wrapper(catch):
        yield found


def plans(world: World, alias: str, statements: Caught) -> Iterator[Any]:
    """Yield the plan of each statement, made as the same role under the same policies."""
    scope = tenant_scope(world.caller.tenant.pk) if alias == "default" else transaction.atomic(using=alias)
    with scope, connections[alias].cursor() as cursor:
        # Some of these tables are so small here that reading them is quicker: what counts is that an index is there.
        cursor.execute("SET LOCAL enable_seqscan = off")
        if alias == STAFF:
            cursor.execute(BEGIN)
        for sql, params in statements:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            [[plan]] = cursor.fetchall()
            yield (orjson.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


def nodes(plans: Iterator[Any]) -> Iterator[dict[str, Any]]:
    """Yield every node of the plans."""
    for plan in plans:
        yield plan
        yield from nodes(iter(plan.get("Plans", ())))
