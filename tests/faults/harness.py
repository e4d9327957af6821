"""Kith as it runs, for one fault: its servers, web under granian, a worker and the clock, each to be killed."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import redis
import requests
from django.conf import settings
from django.db import connections

from config import env
from config.child import Child, Program
from config.databases import databases
from config.embedded import Embedded
from config.embedded.state import free_port
from config.preparing import migrate
from config.ready import ready_file
from config.supervisor import parts
from crm.resources.clients.models import Client
from crm.rest import writes
from tenants import ids
from tenants.actor import Actor
from tenants.models import Event, Tenant
from tenants.provisioning import provision
from tenants.routing import using
from tenants.scope import tenant_scope
from tests.conftest import make_key
from tests.webhooks.receiving import Got, Receiver
from webhooks import endpoints
from webhooks.models import Endpoint

__all__ = ["Kith", "Side", "Target", "pointed", "start_servers", "wait_for"]

READY_SECONDS = 60


def wait_for(true: Callable[[], Any], seconds: float = 30, what: str = "it") -> float:
    """Wait until something holds; return how many seconds that took."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() < start + seconds, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.05)
    return time.monotonic() - start


@contextmanager
def start_servers(home: Path, *, fast: bool) -> Iterator[Embedded]:
    """Run a PostgreSQL and a Redis of the fault's own, migrated; this process's connections lead to them."""
    home.chmod(0o755)
    with Embedded(home, fast=fast) as servers, pointed(servers):
        with using("owner"):
            migrate(lambda _: None)
        yield servers


@contextmanager
def pointed(servers: Embedded) -> Iterator[None]:
    """Let the connections of this process lead to other servers."""
    told: dict[str, dict[str, Any]] = connections.settings
    before = {name: dict(told[name]) for name in ("default", "admin", "owner")}
    for name, found in databases(env.read({**os.environ, **servers.urls})).items():
        told[name].update(found)
    connections.close_all()
    yield
    connections.close_all()
    for name, found in before.items():
        told[name].update(found)


class Target(Receiver):
    """A receiver with an address for each endpoint, each with its own secrets, which knows what it is answering."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, list[str]] = {}
        self.open: set[int] = set()
        self.accepted: Counter[tuple[str, str]] = Counter()

    def take(self, path: str, headers: dict[str, str], body: bytes, peer: int = 0) -> tuple[int, dict[str, str]]:
        self.open.add(peer)
        got = Got(headers, body, path, time.time(), self.verify_by(self.known.get(path, []), headers, body), peer)
        with self.lock:
            self.got.append(got)
        try:
            status, more = self.answers(got)
        finally:
            self.open.discard(peer)
        if status < 300:
            with self.lock:
                self.accepted[path, got.id] += 1
        return status, more

    def address(self, secret: str = "") -> tuple[str, str]:
        """Return the path and the URL of a new endpoint."""
        path = f"/{uuid4().hex}"
        self.known[path] = [secret] if secret else []
        return path, self.url.replace("/hook", path)

    @property
    def duplicates(self) -> int:
        """How many receipts were of what had been accepted before."""
        return self.accepted.total() - len(self.accepted)


@dataclass
class Side:
    """A tenant with a key and endpoints, by their path at the receiver."""

    tenant: Tenant
    key: str
    endpoints: dict[str, Endpoint] = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        return Actor.system(self.tenant, "faults")

    def make_clients(self, count: int) -> None:
        """Make records in one transaction, without the API: one as everybody does, and copies of it and its event."""
        with tenant_scope(self.tenant.pk):
            client = Client(name="Client")
            writes.create(client, actor=self.actor)
            copies = [ids.new() for _ in range(count - 1)]
            names = [ids.encode("cli", copy) for copy in copies]
            with connections["default"].cursor() as cursor:
                cursor.execute(copying(Client, {"id": "n.id"}, where="id"), [copies, copies, names, client.pk])
                own = {"id": "n.event", "record_id": "n.id", "public_id": "n.name"}
                own["data"] = "jsonb_set(t.data, '{id}', to_jsonb(n.name))"
                events = [ids.new() for _ in copies]
                cursor.execute(copying(Event, own, where="record_id"), [copies, events, names, client.pk])


def copying(model: Any, own: dict[str, str], *, where: str) -> str:
    """Return the statement that copies a row, but for some columns, once for each new id."""
    columns = [field.column for field in model._meta.concrete_fields if not field.generated]
    values = [own.get(column, f"t.{column}") for column in columns]
    table = model._meta.db_table
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} t, "
        f"unnest(%s::uuid[], %s::uuid[], %s::text[]) AS n(id, event, name) WHERE t.{where} = %s"
    )


class Kith:
    """The processes of one fault, what the API was asked and said, and who takes part."""

    def __init__(self, servers: Embedded, target: Target) -> None:
        self.servers = servers
        self.target = target
        self.home = servers.home
        self.children: dict[str, Child] = {}
        self.sides: list[Side] = []
        self.statuses: Counter[int | None] = Counter()
        self.slowest = 0.0
        self.made: list[str] = []
        self.lock = threading.Lock()
        self.local = threading.local()
        self.environ = {**os.environ, **servers.urls, "KITH_HOME": str(self.home), "LOG_LEVEL": "INFO"}
        self.environ |= {"DJANGO_SETTINGS_MODULE": "tests.faults.settings", "PYTHONPATH": os.pathsep.join(paths())}
        self.environ |= {"PORT": str(free_port(0)), "WEB_WORKERS": "2", "WORKER_CONCURRENCY": "2"}
        redis.Redis.from_url(servers.urls["REDIS_URL"]).flushall()

    # The processes.

    def start(self, *names: str, app: str = "", extra: tuple[str, ...] = (), clock: float = 0, **own: Any) -> None:
        """Start `web`, `worker` and `beat`, or those that are named, with settings of the fault's own."""
        environ = {**self.environ, "FAULT_SETTINGS": json.dumps(own), "FAULT_CLOCK": str(clock)}
        read = env.read(environ)
        makers = {"web": parts.web, "worker": parts.worker, "beat": parts.beat}
        names = names or tuple(makers)
        for name in names:
            ready_file(self.home, name).unlink(missing_ok=True)
            other = {"config": app, "config.wsgi:application": f"{app}:application"} if app else {}
            command = (*(other.get(word, word) for word in makers[name](read)), *extra)
            program = Program(name, command, signal.SIGTERM, environ)
            self.children[name] = Child(program, self.servers.log.open(name))
        for name in names:
            wait_for(partial(self.is_ready, name), READY_SECONDS, f"{name} ready")

    def is_ready(self, name: str) -> bool:
        assert not self.children[name].ended, self.servers.log.tail(name)
        if name != "web":
            return ready_file(self.home, name).exists()
        try:
            return requests.get(f"{self.base}/readyz", timeout=5).ok
        except requests.RequestException:
            return False

    def kill(self, name: str) -> None:
        """Kill a process with all its children, without a word."""
        child = self.children.pop(name)
        os.killpg(child.pid, signal.SIGKILL)
        child.process.wait()

    def stop(self, *names: str) -> None:
        """Ask processes to end, and see that they do."""
        names = names or tuple(self.children)
        for name in names:
            self.children[name].ask()
        for name in names:
            self.children.pop(name).stop(time.monotonic() + 25)

    def end(self) -> None:
        """Kill what is left."""
        for name in list(self.children):
            self.kill(name)

    def poster(self, peer: int) -> psutil.Process | None:
        """Return the child of the worker whose end of a connection is the port `peer`."""
        for child in psutil.Process(self.children["worker"].pid).children(recursive=True):
            try:
                if any(found.laddr.port == peer for found in child.net_connections("tcp")):
                    return child
            except psutil.Error:
                continue
        return None

    # The API.

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.environ['PORT']}"

    def post(self, side: Side, path: str, body: Any, **headers: str) -> requests.Response | None:
        """Ask the API; None where nobody answered."""
        return self.ask("POST", side, path, body, **headers)

    def ask(self, method: str, side: Side, path: str, body: Any, **headers: str) -> requests.Response | None:
        session = self.local.__dict__.setdefault("session", requests.Session())
        headers = {"Authorization": f"Bearer {side.key}", **headers}
        start, answer = time.monotonic(), None
        try:
            answer = session.request(method, f"{self.base}/v1{path}", json=body, headers=headers, timeout=30)
        except requests.RequestException:
            session.close()
        with self.lock:
            self.statuses[None if answer is None else answer.status_code] += 1
            self.slowest = max(self.slowest, time.monotonic() - start)
            if answer is not None and answer.status_code == 201:
                self.made.append(answer.json()["data"]["id"])
        return answer

    def make_client(self, side: Side, name: str, **headers: str) -> requests.Response | None:
        return self.post(side, "/clients", {"name": name}, **headers)

    def post_evenly(self, side: Side, count: int, seconds: float) -> None:
        """Make so many records, spread evenly, whatever the API says."""
        start = time.monotonic()

        def post(number: int) -> None:
            time.sleep(max(0.0, start + number * seconds / count - time.monotonic()))
            self.make_client(side, f"Client {number}")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(post, range(count)))

    # Who takes part.

    def side(self, endpoints: int = 1, **fields: Any) -> Side:
        """Make a tenant with a key, and endpoints that hear of its clients."""
        with using("admin"):
            tenant = provision(slug=f"side-{uuid4().hex[:12]}")
        side = Side(tenant, make_key(tenant))
        self.sides.append(side)
        for _ in range(endpoints):
            self.endpoint(side, **fields)
        return side

    def endpoint(self, side: Side, url: str | None = None, **fields: Any) -> str:
        """Make an endpoint at the receiver, or elsewhere; return its path there."""
        path, here = self.target.address()
        own = {"contract": "v1", "scopes": ["*:read"], "events": ["client.*"], **fields}
        endpoint = Endpoint(tenant=side.tenant, url=url or here, **own)
        self.target.known[path].append(endpoints.create(endpoint, actor=side.actor))
        side.endpoints[path] = endpoint
        return path

    # What the database says.

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Ask the database as the owner, whom no policy bounds."""
        with connections["owner"].cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall())

    def count(self, sql: str, *params: Any) -> int:
        return int(self.rows(f"SELECT count(*) FROM {sql}", *params)[0][0])

    @property
    def tenants(self) -> list[Any]:
        return [side.tenant.pk for side in self.sides]

    def delivered(self) -> int:
        return self.count("webhooks_delivery WHERE status = 'delivered' AND tenant_id = ANY(%s)", self.tenants)

    def wait_delivered(self, count: int, seconds: float) -> float:
        """Wait until so many deliveries are done; return how long that took."""
        return wait_for(lambda: self.delivered() >= count, seconds, f"{count} deliveries")


def paths() -> Iterator[str]:
    """Yield where the processes find their modules."""
    yield str(settings.BASE_DIR)
    yield from filter(None, [os.environ.get("PYTHONPATH")])
