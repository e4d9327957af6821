"""What every test may lean on: a migrated database, and three tenants of its own: Acme, Globex and Nobody.

Tests really commit. They do not get in one another's way because each makes tenants of its own, and isolation is
what Kith promises: a test that sees another test's rows has found a bug.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client

from apikeys.issuing import issue
from apikeys.usage import counter
from config import logs
from config.preparing import migrate
from crm.rest.contract import Contract
from tenants.actor import Actor
from tenants.membership import give_seat
from tenants.models import Member, Tenant
from tenants.provisioning import provision
from tenants.routing import using
from tests.forms import Form
from tests.serving import served

# Each caller has an address of its own, so that one test's wrong keys do not use up another's patience.
ADDRESSES = (f"10.{a}.{b}.{c}" for a in range(256) for b in range(256) for c in range(1, 255))


# Every key of this run, and everything it logged, for the test that looks for the one in the other.
ISSUED: list[str] = []
RUN_LOG = Path(os.environ["KITH_HOME"]) / f"run-{os.getpid()}.log"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the search for leaked secrets come last, when all the others have had their chance to leak."""
    items.sort(key=lambda item: "test_secrets" in item.nodeid)


@pytest.fixture(scope="session", autouse=True)
def run_log() -> Iterator[None]:
    """Write down what the whole run logs, through the formatter that masks secrets."""
    handler = logging.FileHandler(RUN_LOG)
    handler.setFormatter(logs.formatter("json"))
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    handler.close()


TALLY = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-scopes", action="store_true", help="write tests/isolation/scopes.json anew")
    parser.addoption("--write-table", action="store_true", help="write docs/documents.md anew")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, result in config.stash.get(TALLY, {}).items():
        terminalreporter.write_line(f"{name}: {result}")


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> dict[str, str]:
    """Return what the end of the run says: what was counted, and how much."""
    return pytestconfig.stash.setdefault(TALLY, {})


@pytest.fixture
def quiet() -> Iterator[None]:
    """Write no log: thousands of requests need no lines."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@dataclass
class Answer:
    """An answer of the API, read."""

    status: int
    body: Any
    headers: Any
    raw: bytes

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def error(self) -> Any:
        return self.body["error"]

    @property
    def code(self) -> str:
        """The failure's code, in whichever shape its contract prints it."""
        return str(self.error["code"] if isinstance(self.error, dict) else self.body.get("code", self.error))


@dataclass
class Caller:
    """A program with a key of one tenant."""

    tenant: Tenant
    key: str
    base: str = "/v1"
    headers: dict[str, str] = field(default_factory=dict)
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False, REMOTE_ADDR=next(ADDRESSES)))

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {
            **self.shown(),
            **self.headers,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        media = body.media if isinstance(body, Form) else "application/json"
        body = body.content if isinstance(body, Form) else body
        content = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        url = path if path.startswith(("/v1", "/api", "/functions", "http")) else f"{self.base}{path}"
        response = self.client.generic(method, url, content, content_type=media, headers=sent)
        raw = b"".join(response) if response.streaming else response.content
        parsed = orjson.loads(raw) if raw and "json" in response.get("Content-Type", "") else None
        return Answer(response.status_code, parsed, response.headers, raw)

    def shown(self) -> dict[str, str]:
        """Return the headers that say who calls."""
        return {"Authorization": f"Bearer {self.key}"}

    def get(self, path: str, **headers: str) -> Answer:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self("PATCH", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self("DELETE", path, **headers)

    def on(self, contract: Contract) -> "Caller":
        """Return the same caller speaking to another contract, as that one wants it."""
        named = {contract.tenant_header: self.tenant.slug} if contract.tenant_required else {}
        host = urlsplit(contract.address.format(slug=self.tenant.slug)).netloc
        at = {"Host": host} if host else {}
        return replace(self, base=f"/{contract.mounts[0].rstrip('/')}", headers={**self.headers, **named, **at})

    def with_scopes(self, *scopes: str, **own: Any) -> "Caller":
        """Return a caller of the same tenant with a key that may do only this."""
        return Caller(self.tenant, make_key(self.tenant, *scopes, **own), self.base, dict(self.headers))


def make_key(tenant: Tenant, *scopes: str, **own: Any) -> str:
    own = {"per_minute": 1_000_000, "per_hour": 1_000_000, **own}
    with using("admin"):
        actor = Actor.system(tenant, "tests")
        _, plaintext = issue(tenant=tenant, name="test", scopes=scopes or ("admin",), actor=actor, **own)
    ISSUED.append(plaintext)
    return plaintext


def make_caller(name: str, **fields: Any) -> Caller:
    slug = f"{name}-{uuid4().hex[:12]}"
    with using("admin"):
        tenant = provision(slug=slug, name=name.capitalize(), **fields)
    return Caller(tenant, make_key(tenant))


def seat(tenant: Tenant, role: str = "staff", **fields: Any) -> Member:
    """Give a new person a seat in a tenant."""
    with using("admin"):
        user = User.objects.create(username=f"person-{uuid4().hex[:10]}", **fields)
        return give_seat(user=user, role=role, actor=Actor.system(tenant, "tests"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Migrate once, as the owner; nobody resets anything afterwards."""
    django_db_blocker.unblock()
    with using("owner"):
        migrate(lambda _: None)
    yield
    # Before the servers go.
    counter.flush()


@pytest.fixture(autouse=True)
def database(django_db_setup: None) -> None:
    """Every test may use the database."""


@pytest.fixture
def acme() -> Caller:
    return make_caller("acme")


@pytest.fixture
def globex() -> Caller:
    return make_caller("globex")


@pytest.fixture
def address() -> Iterator[str]:
    """Serve Kith on a port of this machine, out of this very process."""
    with served() as url:
        yield url


@pytest.fixture
def nobody() -> Caller:
    """Return a caller without a key."""
    caller = make_caller("nobody")
    caller.key = ""
    return caller
