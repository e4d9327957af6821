"""Two web servers and two workers on one database, as on two machines: what one of them does, the other knows."""

import itertools
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from django.test import Client

from apikeys.models import ApiKey
from config.embedded import Embedded
from tenants.routing import using
from tests.browsers import TOKEN, make_member
from tests.conftest import make_key
from tests.faults.harness import Kith, Side, Target, wait_for
from tests.faults.invariants import invariants
from tests.scale.balancer import Balancer
from tests.serving import listens

pytestmark = pytest.mark.deep
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'tenants_event'::regclass"
Pair = tuple[Kith, Kith]


@pytest.fixture
def pair(servers: Embedded, target: Target, tmp_path: Path) -> Iterator[Pair]:
    """Return Kith on two machines: each has ports and a folder of its own."""
    pair = Kith(servers, target), Kith(servers, target)
    for number, kith in enumerate(pair):
        kith.home = tmp_path / f"machine{number}"
        kith.home.mkdir()
        kith.environ["KITH_HOME"] = str(kith.home)
        kith.sides = pair[0].sides
    yield pair
    for kith in pair:
        kith.end()


def get(kith: Kith, key: str, path: str = "/clients?limit=1") -> requests.Response:
    return requests.get(f"{kith.base}/v1{path}", headers={"Authorization": f"Bearer {key}"}, timeout=10)


def test_a_key_revoked_on_one_is_refused_by_the_other_within_a_second(pair: Pair, tally: dict[str, str]) -> None:
    first, second = pair
    side = first.side(0)
    for kith in pair:
        kith.start("web")
    browser = Client()
    with using("admin"):
        browser.force_login(make_member(side.tenant))
    cookies = {"csrftoken": TOKEN, "sessionid": browser.cookies["sessionid"].value}
    times = []
    for _ in range(20):
        key = make_key(side.tenant)
        with using("admin"):
            found = ApiKey.objects.filter(tenant=side.tenant).order_by("created_at").last()
        assert found is not None
        assert [get(kith, key).status_code for kith in (first, second) * 2] == [200] * 4
        page = f"{first.base}/settings/keys/{found.public_id}/revoke/"
        done = requests.post(page, cookies=cookies, headers={"X-CSRFToken": TOKEN}, allow_redirects=False, timeout=10)
        start = time.monotonic()
        assert done.status_code == 302
        wait_for(lambda key=key: get(second, key).status_code == 401, 5)  # type: ignore[misc]
        times.append(time.monotonic() - start)
    assert max(times) < 1
    tally["revoked"] = f"20 keys, each refused by the other server within {max(times) * 1000:.0f} ms"


def test_both_count_a_keys_requests_together(pair: Pair, tally: dict[str, str]) -> None:
    side = pair[0].side(0)
    for kith in pair:
        kith.start("web")
    key = make_key(side.tenant, per_minute=50)
    # All of them within one window.
    wait_for(lambda: time.time() % 60 < 40, 30)
    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(lambda number: get(pair[number % 2], key).status_code, range(200))]
    counts = Counter(answers)
    assert counts == {200: 50, 429: 150}
    assert min(answers[::2].count(200), answers[1::2].count(200)) > 0
    tally["limits"] = f"a key with 50 a minute, 200 requests to two servers: {counts[200]} served"


def test_what_one_did_under_a_key_the_other_replays(pair: Pair) -> None:
    first, second = pair
    side = first.side(0)
    for kith in pair:
        kith.start("web")
    made = first.make_client(side, "Ada", **{"Idempotency-Key": "a"})
    again = second.make_client(side, "Ada", **{"Idempotency-Key": "a"})
    assert made is not None and again is not None
    assert (made.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert again.content == made.content
    other = second.make_client(side, "Bob", **{"Idempotency-Key": "a"})
    assert other is not None and other.status_code == 422


def test_while_one_is_at_it_the_other_refuses(pair: Pair, servers: Embedded) -> None:
    first, second = pair
    side = first.side(0)
    for kith in pair:
        kith.start("web")
    with psycopg.connect(servers.urls["DATABASE_MIGRATION_URL"]) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("LOCK TABLE tenants_event IN SHARE ROW EXCLUSIVE MODE")
        running = pool.submit(first.make_client, side, "Ada", **{"Idempotency-Key": "b"})
        wait_for(lambda: holder.execute(WAITING).fetchone() == (1,))
        refused = second.make_client(side, "Ada", **{"Idempotency-Key": "b"})
        holder.rollback()
        made = running.result()
    assert made is not None and refused is not None
    assert (made.status_code, refused.status_code) == (201, 409)
    again = second.make_client(side, "Ada", **{"Idempotency-Key": "b"})
    assert again is not None and again.json() == made.json()


def test_two_workers_send_each_webhook_once(pair: Pair, tally: dict[str, str]) -> None:
    first, second = pair
    by: Counter[str] = Counter()
    target = first.target

    def answers(got: Any) -> tuple[int, dict[str, str]]:
        if len(target.got) % 10 == 0:
            by.update(name for name, kith in zip("AB", pair, strict=True) if kith.poster(got.peer))
        time.sleep(0.05)
        return 204, {}

    target.answers = answers
    sides = [first.side(4) for _ in range(3)]
    # As long as in earnest: the seconds of other faults would be over while this process looks for who has sent.
    first.start(WEBHOOK_LEASE_SECONDS=60)
    second.start("web", "worker", WEBHOOK_LEASE_SECONDS=60)
    for number in range(200):
        pair[number % 2].make_client(sides[number % 3], f"Client {number}")
    took = first.wait_delivered(800, 120)
    first.statuses += second.statuses
    figures = invariants(first)
    assert min(by["A"], by["B"]) > 0, by
    tally["workers"] = f"{figures}; all sent {took:.1f} s after the last change; of a tenth of them {dict(by)}"


def test_f20_what_was_begun_is_ended_and_nobody_is_refused_before_it_says_so(kith: Kith, tally: dict[str, str]) -> None:
    side = kith.side(0)
    kith.environ["DRAIN_SECONDS"] = "2"
    kith.start("web")
    port = int(kith.environ["PORT"])
    body = b'{"name": "Ada"}'
    slow = [begin(port, side, body) for _ in range(20)]
    kith.children["web"].ask()
    start = time.monotonic()
    wait_for(lambda: requests.get(f"{kith.base}/readyz", timeout=5).status_code == 503, 2)
    unready = time.monotonic() - start
    # Whoever has not heard of it yet is served, and told not to come again this way.
    late = get(kith, side.key)
    assert (late.status_code, late.headers["Connection"]) == (200, "close")
    wait_for(lambda: not listens(port), 10)
    refused = time.monotonic() - start
    time.sleep(max(0.0, start + 3 - time.monotonic()))
    statuses = Counter(end(sock, body) for sock in slow)
    kith.children.pop("web").process.wait(10)
    assert statuses == {b"201": 20}
    assert unready < 0.5
    assert refused >= 2
    tally["F20"] = f"20 of 20 completed; unready after {unready:.2f} s, closed to new ones after {refused:.2f} s"


def begin(port: int, side: Side, body: bytes) -> socket.socket:
    """Send all of a request but its end."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    lines = ["POST /v1/clients HTTP/1.1", "Host: localhost", f"Authorization: Bearer {side.key}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
    sock.sendall("\r\n".join(lines).encode() + body[:5])
    return sock


def end(sock: socket.socket, body: bytes) -> bytes:
    """Send the end, and return the status of the answer."""
    with sock:
        sock.sendall(body[5:])
        return sock.recv(4096).split()[1]


def test_a_rolling_restart_drops_no_request(pair: Pair, tally: dict[str, str]) -> None:
    side = pair[0].side(0)
    for kith in pair:
        kith.environ["DRAIN_SECONDS"] = "2"
        kith.start("web")
    numbers = itertools.count()

    def ask(session: requests.Session, base: str) -> int:
        number = next(numbers)
        headers = {"Authorization": f"Bearer {side.key}"}
        if number % 3:
            return session.get(f"{base}/v1/clients?limit=5", headers=headers, timeout=30).status_code
        body = {"name": f"Client {number}"}
        return session.post(f"{base}/v1/clients", json=body, headers=headers, timeout=30).status_code

    with Balancer([kith.base for kith in pair], ask, clients=6) as balancer:
        wait_for(lambda: balancer.asked > 50)
        for kith in pair:
            kith.stop("web")
            down = balancer.asked
            kith.start("web")
            wait_for(lambda kith=kith: kith.base in balancer.ready)  # type: ignore[misc]
            # The other one has carried on alone.
            assert balancer.asked > down
            wait_for(lambda asked=balancer.asked: balancer.asked > asked + 100)  # type: ignore[misc]
    assert balancer.failures == []
    assert set(balancer.statuses) == {200, 201}
    served = {base.rpartition(":")[2]: count for base, count in balancer.served.items()}
    assert min(served.values()) > 100
    assert kith_count(pair[0]) == balancer.statuses[201]
    tally["rolling"] = f"0 of {balancer.asked} requests dropped while both servers were restarted ({served})"


def kith_count(kith: Kith) -> int:
    return kith.count("crm_client WHERE tenant_id = ANY(%s)", kith.tenants)
