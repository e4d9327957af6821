"""Growth: what a call costs one tenant among ten and among a thousand, and once the tenant itself has grown.

The tenant that is measured has 1,000 clients, with an event each, and 100 invoices of three lines, as all others have;
at the last size it has 100,000 more. Each call shows the CPU milliseconds that it takes in the web process and in the
one of PostgreSQL that works for it, and the blocks that this one touches, which no busy machine can change.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson
import psutil

from benchmarks.calls import Caller
from benchmarks.house import make_caller, make_endpoint, migrated

# isort: split
from django.db import connections, transaction

from apikeys.authentication import find_key
from benchmarks.copying import add_records, add_tenants, analyze, originals_of
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.provisioning import provision
from tenants.routing import STAFF, using
from tenants.scope import request_scope
from webhooks import endpoints
from webhooks.queue import Queue

ROUNDS, CALLS = 5, 120
CLIENTS, MORE = 1_000, 100_000
PEERS = {"10 tenants": 9, "1,000 tenants": 990}
GROWN = "and 100,000 rows more"
FLUSH = "SELECT pg_stat_force_next_flush()"
BLOCKS = "SELECT sum(hits + reads) FROM pg_stat_get_backend_io(pg_backend_pid())"
BOUND = 1.3
WORK = [{"name": f"Client {number}", "tags": ["new"], "total": number / 7} for number in range(300)]


class Cost(NamedTuple):
    """What one call takes: CPU milliseconds here and in PostgreSQL, and the blocks that PostgreSQL touches."""

    web: float
    postgres: float
    blocks: float

    @property
    def cpu(self) -> float:
        return self.web + self.postgres


def main() -> None:
    """Measure at each size, then print what came of it."""
    migrated()
    with using("admin"):
        tenant = provision(slug="growth")
        writer = make_caller(provision(slug="writer"))
    call = make_caller(tenant)
    make_originals(call, tenant)
    originals = originals_of(tenant)
    add_records(originals, "growth", CLIENTS, first=1, batch="a")
    found: dict[str, Mapping[str, Cost]] = {}
    began = time.monotonic()
    for size, peers in PEERS.items():
        add_tenants(originals, peers, f"peer{peers}")
        add_records(originals, f"peer{peers}-%", CLIENTS, first=1, batch="a")
        found[size] = measured(call, writer, f"{size}, filled by {time.monotonic() - began:.0f} s")
    add_records(originals, "growth", MORE, first=CLIENTS + 1, batch="b")
    found[GROWN] = measured(call, writer, f"{GROWN}, filled by {time.monotonic() - began:.0f} s")
    show(found)


def make_originals(call: Caller, tenant: Tenant) -> None:
    """Make one of each kind."""
    client = made(call, "/v1/clients", {"name": "Original", "phone": "+14155552671", "tags": ["new"]})
    lines = [{"description": "Work", "rate": "80.00", "quantity": "2"}]
    made(call, "/v1/invoices", {"client_id": client["id"], "line_items": lines})
    endpoint = make_endpoint(tenant, "https://example.com/hooks")
    endpoints.ping(endpoint, actor=Actor.system(tenant, "growth"))


def made(call: Caller, path: str, body: Any) -> Any:
    """Return the data of a new record."""
    return orjson.loads(call("POST", path, orjson.dumps(body)))["data"]


def measured(call: Caller, writer: Caller, title: str) -> Mapping[str, Cost]:
    """Return what each call takes at the present size."""
    analyze()
    print(title, flush=True)
    return {name: cost_of(act, alias) for name, (act, alias) in calls(call, writer).items()}


def calls(call: Caller, writer: Caller) -> dict[str, tuple[Callable[[], object], str]]:
    """Return the calls, each with the connection that it works through."""

    def get(path: str) -> bytes:
        return call("GET", f"/v1{path}")

    def read(path: str) -> Any:
        return orjson.loads(get(path))

    newest = read("/clients?limit=1&cursor=")["data"][0]["id"]
    page = read("/clients?limit=20&cursor=")["pagination"]["next_cursor"]
    place = read("/events?after=&limit=100")["pagination"]["next_cursor"]
    body = orjson.dumps({"name": "Ada Lovelace", "email": "ada@example.com", "tags": ["new"]})
    queue = Queue(lease=60, circuit=60)

    def authenticate() -> None:
        with request_scope():
            find_key(call.key, address="127.0.0.1")

    def claim() -> None:
        with transaction.atomic(using=STAFF):
            assert queue.claim(8, full=(), slow=8)
            transaction.set_rollback(True, using=STAFF)

    web: dict[str, Callable[[], object]] = {
        "authentication": authenticate,
        "GET /clients/{id}": lambda: get(f"/clients/{newest}"),
        "list 20": lambda: get("/clients?limit=20&cursor="),
        "list 20, next page": lambda: get(f"/clients?limit=20&cursor={page}"),
        "filter and sort": lambda: get("/clients?status=active&sort=name&limit=20&cursor="),
        "search, common word": lambda: get("/clients?search=smith&limit=20&cursor="),
        "search, rare prefix": lambda: get("/clients?search=a77&limit=20&cursor="),
        "20 invoices with lines": lambda: get("/invoices?limit=20&cursor=&include=client"),
        "feed, a page": lambda: get(f"/events?after={place}&limit=20"),
        "feed, nothing new": lambda: get("/events?after=now"),
        "POST /clients": lambda: writer("POST", "/v1/clients", body),
    }
    return {name: (act, "default") for name, act in web.items()} | {"webhooks, claim": (claim, STAFF)}


def cost_of(act: Callable[[], object], alias: str) -> Cost:
    """Return the least of the rounds, after warming up; the blocks are those of the last round."""
    for _ in range(10):
        act()
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0])
    rounds = [one_round(act, alias, backend) for _ in range(ROUNDS)]
    return Cost(*map(min, zip(*rounds, strict=True)))


def one_round(act: Callable[[], object], alias: str, backend: psutil.Process) -> tuple[float, float, float]:
    """Return what one call takes in a round, its CPU set against the machine's pace just then."""
    pace = STEADY / steady()
    blocks, server, own = blocks_of(alias), sum(backend.cpu_times()[:2]), time.process_time()
    for _ in range(CALLS):
        act()
    own, server = time.process_time() - own, sum(backend.cpu_times()[:2]) - server
    pace = (pace + STEADY / steady()) / 2
    each = 1000 * pace / CALLS
    return own * each, server * each, (blocks_of(alias) - blocks) / CALLS


def steady() -> float:
    """Return the CPU seconds of work that never changes: neighbours on a busy machine slow it down as all else."""
    started = time.process_time()
    for _ in range(200):
        orjson.loads(orjson.dumps(WORK))
    return time.process_time() - started


def blocks_of(alias: str) -> int:
    """Return how many blocks a connection's process has touched so far."""
    with connections[alias].cursor() as cursor:
        cursor.execute(FLUSH)
        cursor.execute(BLOCKS)
        return int(cursor.fetchone()[0])


def show(found: Mapping[str, Mapping[str, Cost]]) -> None:
    """Print every figure, and each size's CPU against the first one's."""
    first, *others = found
    print("CPU ms of web + PostgreSQL (blocks); then each size against the first, by CPU and by blocks")
    print(f"{'':<24}" + "".join(f"{size:>28}" for size in found) + "".join(f"{size:>24}" for size in others))
    for name, base in found[first].items():
        costs = [found[size][name] for size in found]
        figures = "".join(f"{f'{c.web:.2f} + {c.postgres:.2f} ({c.blocks:.0f})':>28}" for c in costs)
        ratios = "".join(f"{f'{c.cpu / base.cpu:.2f} / {c.blocks / base.blocks:.2f}':>24}" for c in costs[1:])
        print(f"{name:<24}{figures}{ratios}{'  over' if max(c.cpu for c in costs) > BOUND * base.cpu else ''}")


# What it takes at the beginning, on the machine as it is.
STEADY = min(steady() for _ in range(5))

if __name__ == "__main__":
    main()
