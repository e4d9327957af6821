"""The web server: what comes in slowly or goes out slowly holds up nobody, and what it began it ends."""

import asyncio
import os
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import aiohttp
import psutil
import psycopg
import pytest
import requests
from django.db import connections

from config.receiving import IN_MEMORY, LONGEST
from tests.conftest import Caller
from tests.serving import Web, wait_for

PDF = b"%PDF-1.4\n"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'tenants_event'::regclass"


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[Web]:
    server = Web()
    yield server
    server.kill()


def send(web: Web, caller: Caller, method: str, path: str, **options: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {caller.key}", **options.pop("headers", {})}
    return requests.request(method, f"{web.url}/v1{path}", headers=headers, timeout=20, **options)


def begin(web: Web, caller: Caller, line: str, *headers: str, body: bytes = b"") -> socket.socket:
    """Send the beginning of a request."""
    sock = socket.create_connection(("127.0.0.1", web.port))
    lines = [f"{line} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {caller.key}", *headers, "", ""]
    sock.sendall("\r\n".join(lines).encode() + body)
    return sock


def typical(web: Web, caller: Caller) -> float:
    """Return how long an ordinary request takes at the median."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {caller.key}"
        return statistics.median(
            session.get(f"{web.url}/v1/clients", timeout=20).elapsed.total_seconds() for _ in range(20)
        )


def worker(web: Web) -> psutil.Process:
    """Return the process that answers."""
    return psutil.Process(web.process.pid).children()[0]


@pytest.mark.parametrize("length", [20, IN_MEMORY, IN_MEMORY + 1, 1_000_000])
def test_it_takes_bodies_of_any_length(acme: Caller, web: Web, length: int) -> None:
    body = '{"name": "Zoë"}'.encode().rjust(length)
    made = send(web, acme, "POST", "/clients", data=body, headers={"Content-Type": "application/json"})
    assert (made.status_code, made.json()["data"]["name"]) == (201, "Zoë")


def test_it_takes_a_body_in_chunks(acme: Caller, web: Web) -> None:
    made = send(web, acme, "POST", "/clients", data=iter([b'{"na', b'me": "Ada"}']),
                headers={"Content-Type": "application/json"})  # fmt: skip
    assert (made.status_code, made.json()["data"]["name"]) == (201, "Ada")


def test_it_refuses_what_is_too_long_without_reading_it(acme: Caller, web: Web) -> None:
    before = worker(web).memory_info().rss
    with begin(web, acme, "POST /v1/clients", "Content-Type: application/json", "Content-Length: 99999999999") as sock:
        assert sock.recv(12) == b"HTTP/1.1 413"
    chunks = (b"x" * 65536 for _ in range(LONGEST // 65536 + 5))
    answer = send(web, acme, "POST", "/clients", data=chunks, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert worker(web).memory_info().rss - before < 20 * 2**20


def test_it_lets_no_header_pass_for_another(acme: Caller, web: Web) -> None:
    """WSGI has one name for both `X-Organization-Id` and `X_Organization_Id`."""
    assert send(web, acme, "GET", "/clients", headers={"X_Organization_Id": "nope"}).status_code == 200
    assert send(web, acme, "GET", "/clients", headers={"X-Organization-Id": "nope"}).status_code == 403


def test_it_understands_paths_and_queries_in_any_script(acme: Caller, web: Web) -> None:
    send(web, acme, "POST", "/clients", json={"name": "Zoë"})
    for query in ("name=Zo%C3%AB", "name=Zoë"):
        assert send(web, acme, "GET", f"/clients?{query}").json()["pagination"]["total"] == 1
    assert send(web, acme, "GET", "/clients/Zo%C3%AB%FF").status_code == 404


def test_it_is_not_held_up_by_slow_uploads(acme: Caller, web: Web) -> None:
    with ExitStack() as slow:
        for length in (1000, 500_000) * 20:
            sock = begin(web, acme, "POST /v1/clients", f"Content-Length: {length}", body=b'{"name"')
            slow.enter_context(sock)
        assert typical(web, acme) < 0.5
    # Nor does it mind that they never came to an end.
    assert typical(web, acme) < 0.5
    assert acme.get("/clients").body["pagination"]["total"] == 0


def test_it_is_not_held_up_by_slow_downloads_and_keeps_no_copy(acme: Caller, web: Web) -> None:
    content = PDF + os.urandom(9 * 2**20)
    made = send(web, acme, "POST", "/files", files={"file": ("a.pdf", content, "application/pdf")})
    path = f"/files/{made.json()['data']['id']}/download"
    assert send(web, acme, "GET", path).content == content
    before = worker(web).memory_info().rss
    with ExitStack() as slow:
        for _ in range(20):
            slow.enter_context(begin(web, acme, f"GET /v1{path}"))
        assert typical(web, acme) < 0.5
        assert worker(web).memory_info().rss - before < 40 * 2**20
    wait_for(lambda: not [file for file in worker(web).open_files() if "/files/" in file.path])


def test_it_answers_head_without_a_body(acme: Caller, web: Web) -> None:
    answer = send(web, acme, "HEAD", "/clients")
    assert (answer.status_code, answer.content) == (200, b"") and int(answer.headers["Content-Length"]) > 50


def test_it_ends_what_it_began_when_it_is_asked_to_end(acme: Caller, django_db_setup: None) -> None:
    web = Web(2)
    found = connections["owner"].get_connection_params()
    try:
        with (
            psycopg.connect(**{name: found[name] for name in ("dbname", "user", "password", "host", "port")}) as holder,
            ThreadPoolExecutor(20) as pool,
        ):
            holder.execute("LOCK TABLE tenants_event IN SHARE ROW EXCLUSIVE MODE")
            sent = [pool.submit(send, web, acme, "POST", "/clients", json={"name": f"n{n}"}) for n in range(20)]
            # Not for long: a request gives up a lock after 2 s.
            wait_for(lambda: holder.execute(WAITING).fetchone() == (2,))
            stopped = pool.submit(web.stop)
            time.sleep(0.5)
            holder.rollback()
            assert [future.result().status_code for future in sent] == [201] * 20
            assert stopped.result() < 5
    finally:
        web.kill()


def test_it_looks_for_news_by_itself_while_redis_is_away(
    acme: Caller, monkeypatch: pytest.MonkeyPatch, django_db_setup: None
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    web = Web()
    headers = {"Authorization": f"Bearer {acme.key}"}

    async def act() -> tuple[float, Any]:
        async with aiohttp.ClientSession(headers=headers) as session:
            waiting = asyncio.create_task(session.get(f"{web.url}/v1/events?after=now&wait=20"))
            await asyncio.sleep(1)
            started = time.monotonic()
            (await session.post(f"{web.url}/v1/clients", json={"name": "Ada"})).raise_for_status()
            page = await (await waiting).json()
            return time.monotonic() - started, page

    try:
        took, page = asyncio.run(act())
    finally:
        web.kill()
    assert took < 6
    assert [event["data"]["name"] for event in page["data"]] == ["Ada"]
