"""Every request that the documents print, sent as it is printed: host, key, organization and ids are filled in.

The commands run in /bin/bash with the real curl, against Kith on a port. What curl is to show besides the body stands
in a .curlrc, so that no command has to be touched.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import time_machine

from tests.browsers import Browser, make_browser
from tests.conftest import ISSUED, Caller
from tests.documents import holds
from tests.documents.printed import CURLS, REQUESTS, Printed

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on the PATH")

HOSTS = (
    "https://your-instance.supabase.co", "http://localhost:3000", "https://yourdomain.com", "https://api.example.com",
)  # fmt: skip
KEYS = ("YOUR_API_KEY", "ast_live_your_key", "sk_live_abc123...")
# A session's cookie is its credential, and of a write so is the token against forged ones.
SESSION = '-H "Cookie: better-auth.session_token=..."'
# A key cannot end in the past: the one that is printed was to end in a year's time.
PRINTED_ON = "2025-01-15T10:30:00Z"
ENTITIES = ("tasks", "products", "orders", "customers")
HEADER_LINES = re.compile(rb"\AHTTP/1\.\d (\d+)[^\r]*\r\n(.*?)\r\n\r\n", re.DOTALL)


@dataclass
class Reply:
    """What curl showed."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Desk:
    """Somebody at a shell with curl, a key and a session; `ids` are those of one record of a kind, to be filled in."""

    address: str
    caller: Caller
    browser: Browser
    home: Path
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids |= {kind: self.fresh(f"/v1/{kind}") for kind in ("clients", "projects", "tasks")}

    def body(self, kind: str) -> dict[str, Any]:
        """Return what makes a record."""
        client, line = self.ids.get("clients"), {"description": "Service", "quantity": 1, "rate": "100.00"}
        bodies: dict[str, dict[str, Any]] = {
            "clients": {"name": "Ada"},
            "customers": {"name": "Ada"},
            "products": {"name": "Pipe", "price": "9.50"},
            "invoices": {"client_id": client, "line_items": [line]},
            "orders": {"customerId": client, "lineItems": [line]},
            "projects": {"name": "Bathroom"},
            "tasks": {"title": "Order the pipes"},
            "keys": {"name": "Mobile App Key", "scopes": ["read"]},
            "leads": {"email": "ada@example.com"},
            "webhooks": {"url": "https://example.com/hooks", "events": ["*"]},
        }
        return bodies[kind]

    def fresh(self, path: str) -> str:
        """Return the id of a new record."""
        kind = path.rpartition("/")[2]
        answer = (self.browser if kind == "keys" else self.caller).post(path, self.body(kind))
        assert answer.status == 201, answer.body
        ISSUED.extend([answer.data["key"]] if kind == "keys" else [])
        return str(answer.data["id"])

    def run(self, command: str) -> Reply:
        """Run a command in a shell, and read what it prints."""
        env = {"PATH": os.environ["PATH"], "CURL_HOME": str(self.home), "ORG_ID": self.caller.tenant.public_id}
        done = subprocess.run(["/bin/bash", "-c", command], env=env, capture_output=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        head = HEADER_LINES.match(done.stdout)
        assert head, done.stdout
        headers = dict(line.split(": ", 1) for line in head[2].decode().split("\r\n"))
        return Reply(int(head[1]), headers, orjson.loads(done.stdout[head.end() :]))

    def session(self) -> str:
        """Return the headers of a member who is logged in."""
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.browser.client.cookies.items())
        (token,) = self.browser.shown().values()
        return f'-H "Cookie: {cookies}" -H "X-CSRFToken: {token}"'

    def filled(self, text: str) -> str:
        """Return a command with this desk's host, key and ids."""
        ours = dict.fromkeys(HOSTS, self.address) | dict.fromkeys(KEYS, self.caller.key) | {SESSION: self.session()}
        ours |= {"tsk_abc123": self.ids["tasks"], "task_456": self.ids["tasks"], "proj_123": self.ids["projects"]}
        ours |= {'"uuid"': f'"{self.ids["clients"]}"'}
        for printed, own in ours.items():
            text = text.replace(printed, own)
        return text


@pytest.fixture
def desk(acme: Caller, address: str, tmp_path: Path) -> Desk:
    (tmp_path / ".curlrc").write_text("silent\nshow-error\ninclude\n")
    return Desk(address, acme, make_browser(acme, base="/api/v1"), tmp_path)


@pytest.fixture
def day(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let it be the day of the document where it prints a time that was to come."""
    if "expiresAt" not in request.getfixturevalue("curl").text:
        yield
        return
    with time_machine.travel(PRINTED_ON):
        yield


LATER = [curl for curl in CURLS if not curl.numbers]
NOW = [curl for curl in CURLS if curl.numbers]


@holds(*sorted({number for curl in NOW for number in curl.numbers}))
@pytest.mark.parametrize("curl", NOW, ids=lambda curl: curl.name)
def test_its_curl_line_runs_as_it_is_printed(curl: Printed, desk: Desk, day: None) -> None:
    reply = desk.run(desk.filled(curl.text))
    assert reply.status == curl.status, reply.body
    assert reply.body["success"] is True
    assert reply.headers["Content-Type"].startswith("application/json")
    ISSUED.extend([reply.body["data"]["key"]] if "api/v1/keys" in curl.text else [])


def test_only_plugins_wait_for_later() -> None:
    assert [curl.name for curl in LATER] == ["003 generate text"]


def kinds(request: Printed) -> tuple[str, ...]:
    """Return the kinds of record that a request is sent for."""
    words = re.findall(r"/(\w+)", request.text)
    return ENTITIES if "{entity}" in request.text else tuple(word for word in words if word not in ("api", "v1"))[:1]


CASES = [(request, kind) for request in REQUESTS for kind in kinds(request)]


@holds(*sorted({number for request in REQUESTS for number in request.numbers}))
@pytest.mark.parametrize(("line", "kind"), CASES, ids=[f"{line.text.split()[0]} {kind}" for line, kind in CASES])
def test_its_request_runs_as_it_is_printed(line: Printed, kind: str, desk: Desk) -> None:
    reply = desk.run(command_of(line, kind, desk))
    assert reply.status == line.status, reply.body
    ISSUED.extend(re.findall(r"kith_\w{52,}", str(reply.body)))


def command_of(request: Printed, kind: str, desk: Desk) -> str:
    """Return the curl command of a request line and its headers; what it takes and who sends it is filled in."""
    line, *headers = request.text.split("\n")
    method, path = line.replace("{entity}", kind).split()
    base, marker, _ = path.partition("/:id" if ":id" in path else "/{")
    if marker:
        path = re.sub(r":id|\{\w+\}", desk.fresh(base), path)
    who = " ".join(f'-H "{header}"' for header in headers) or credential(request, kind, desk)
    command = f"curl -X {method} '{desk.address}{path}' {who}"
    return desk.filled(command) + sent(method, path, kind, desk)


def credential(request: Printed, kind: str, desk: Desk) -> str:
    """Return the headers of whoever may send it; health is told to everyone."""
    host = f'-H "Host: {desk.caller.tenant.slug}.localtest.me:3001"'
    key = f'-H "X-API-Key: {desk.caller.key}" {host if request.name == "002" else ""}'
    return {"keys": SESSION, "health": ""}.get(kind, key)


def sent(method: str, path: str, kind: str, desk: Desk) -> str:
    """Return the body of a write."""
    if method not in ("POST", "PUT", "PATCH") or path.endswith("/test"):
        return ""
    part = {
        "clients": "name", "products": "name", "customers": "name", "tasks": "title", "orders": "notes",
        "webhooks": "description",
    }  # fmt: skip
    body: Any = {part.get(kind, "notes"): "Other"}
    if method == "POST":
        body = desk.body(kind)
    elif path.endswith("/status"):
        body = {"status": "sent"}
    return f" -H 'Content-Type: application/json' -d '{orjson.dumps(body).decode()}'"
