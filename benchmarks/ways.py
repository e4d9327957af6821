"""The ways to deliver, each with its worker: whom they send to, what they are given, and how a round is checked."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from uuid import UUID

import orjson
import psutil
import redis

from benchmarks import per_task
from benchmarks.house import make_caller, make_endpoint
from benchmarks.receiver import Receiver
from benchmarks.sql import as_owner
from config.celery import app as kith
from tenants import ids
from tenants.models import Event
from tenants.provisioning import provision
from tenants.routing import using
from webhooks import pokes
from webhooks.fanout import DELIVER
from webhooks.models import Endpoint

__all__ = ["ENDPOINTS", "KITH", "PATHS", "TENANTS", "WAYS", "Place", "check", "ready", "workers"]

KITH, PER_TASK, KEPT = "Kith", "per task", "kept"
# Each way's Celery app, and the queue of its worker.
WAYS = {
    KITH: ("config", "celery"),
    PER_TASK: ("benchmarks.per_task", per_task.QUEUE),
    KEPT: ("benchmarks.per_task", per_task.KEPT_QUEUE),
}
TENANTS, ENDPOINTS = 8, 3
KIND = "client.created"
PATHS = {"at once": "/now", "after 50 ms": "/later"}
BODY = {"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+442079460958", "tags": ["new"]}
# The columns of the ledger that PostgreSQL or a copy fills in.
OWN = {"id", "about", "occurred_at", "txid", "fanned_out_at"}
COPY = """
INSERT INTO tenants_event (id, {columns}, fanned_out_at)
SELECT n.id, {columns}, now() FROM unnest(%s::uuid[], %s::uuid[]) AS n(id, seed) JOIN tenants_event e ON e.id = n.seed
"""
DONE = """
SELECT count(*) FILTER (WHERE status = 'delivered' AND attempts = 1) FROM webhooks_delivery WHERE id = ANY(%s)
"""
TRIED = """
SELECT count(*) FILTER (WHERE state = 'succeeded'), count(*) FROM webhooks_attempt WHERE delivery_id = ANY(%s)
"""
Made = Sequence[tuple[UUID, UUID]]


class Place:
    """Tenants with their endpoints at a receiver, and one event of each tenant, of which every other is a copy."""

    def __init__(self, receiver: Receiver) -> None:
        self.endpoints: dict[str, list[Endpoint]] = {path: [] for path in PATHS}
        self.seeds: dict[UUID, UUID] = {}
        for number in range(TENANTS):
            with using("admin"):
                tenant = provision(slug=f"bench-{number}")
            make_caller(tenant)("POST", "/v1/clients", orjson.dumps(BODY))
            [[seed]] = as_owner("SELECT id FROM tenants_event WHERE tenant_id = %s AND type = %s", tenant.pk, KIND)
            self.seeds[tenant.pk] = seed
            # It is nobody's: the endpoints come now.
            as_owner("UPDATE tenants_event SET fanned_out_at = now() WHERE tenant_id = %s", tenant.pk)
            for path, place in PATHS.items():
                urls = [f"{receiver.url}{place}/{number}/{n}" for n in range(ENDPOINTS)]
                self.endpoints[path] += [make_endpoint(tenant, url, KIND) for url in urls]

    def deliveries(self, path: str, count: int) -> Made:
        """Make `count` deliveries, due at once, of new events; return their ids with those of the events."""
        columns = ", ".join(str(one.column) for one in Event._meta.concrete_fields if one.column not in OWN)
        rounds, by_tenant = count // (TENANTS * ENDPOINTS), list(self.seeds)
        events = {ids.new(): tenant for tenant in by_tenant for _ in range(rounds)}
        as_owner(COPY.format(columns=columns), list(events), [self.seeds[tenant] for tenant in events.values()])
        rows = [
            (ids.new(), tenant, one.pk, event, KIND, ids.new(), 1)
            for event, tenant in events.items() for one in self.endpoints[path] if one.tenant_id == tenant
        ]  # fmt: skip
        as_owner(DELIVER, *[list(column) for column in zip(*rows, strict=True)])
        as_owner("VACUUM ANALYZE webhooks_delivery, webhooks_attempt, webhooks_lane, tenants_event")
        return [(row[0], row[3]) for row in rows]


def ready(way: str, found: Sequence[Endpoint], made: Made) -> Callable[[], object]:
    """Make everything ready, and return what begins."""
    return start_kith(found) if way == KITH else start_per_task(made, WAYS[way][1])


def start_kith(found: Sequence[Endpoint]) -> Callable[[], object]:
    def start() -> None:
        as_owner("UPDATE webhooks_lane SET next_due_at = now() WHERE endpoint_id = ANY(%s)", [one.pk for one in found])
        pokes.poke()

    return start


def start_per_task(made: Made, queue: str) -> Callable[[], object]:
    """Let the messages wait in a list that nobody reads: renaming it hands the worker all of them at once."""
    with per_task.app.producer_pool.acquire() as producer:
        for one in made:
            per_task.deliver.apply_async((str(one[0]), str(one[1])), queue=f"{queue}_held", producer=producer)
    broker = redis.Redis.from_url(per_task.app.conf.broker_url)
    return lambda: broker.rename(f"{queue}_held", queue)


def check(receiver: Receiver, made: Made) -> None:
    """Raise AssertionError unless each delivery came once, succeeded at once, and is written down."""
    got = receiver.got
    assert len({(one.path, one.id) for one in got}) == len(got) == len(made), f"{len(got)} of {len(made)} came"
    names = [delivery for delivery, _ in made]
    found = [*as_owner(DONE, names)[0], *as_owner(TRIED, names)[0]]
    assert found == [len(made)] * 3, f"of {len(made)}: delivered, attempts that succeeded, attempts: {found}"


@contextmanager
def workers(concurrency: int) -> Iterator[dict[str, psutil.Process]]:
    """Run the workers, and wait until they listen."""
    with ExitStack() as stack:
        started: dict[str, psutil.Process] = {}
        for way, (module, queue) in WAYS.items():
            command = [sys.executable, "-m", "celery", "--quiet", "-A", module, "worker", "--loglevel", "CRITICAL"]
            command += ["--concurrency", str(concurrency), "--without-gossip", "--without-mingle", "--queues", queue]
            keep = {"KEEP_CONNECTIONS": "yes"} if way == KEPT else {}
            process = psutil.Popen([*command, "--hostname", f"{queue}@bench"], env=os.environ | keep)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            started[way] = process
        wait_until(lambda: len(kith.control.ping(timeout=1) or ()) == len(started))
        yield started


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "the workers did not start"
        time.sleep(0.1)
