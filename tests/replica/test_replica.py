"""Reads from a replica: two real servers that stream, and the web server in front of them."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import redis
import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections

from apikeys.issuing import revoke
from apikeys.models import ApiKey
from tenants.actor import Actor
from tenants.checks import connection_role
from tenants.routing import using
from tests.browsers import make_browser
from tests.conftest import Caller, make_key
from tests.replica.standby import Standby, streaming
from tests.serving import Web, wait_for

pytestmark = pytest.mark.deep

# The lag bound is ten seconds; waiting for it takes longer than other waits.
LONG = 30


class House:
    """The web server before a primary and its standby, and its log, which says who answered."""

    def __init__(self, standby: Standby, home: Path) -> None:
        self.standby = standby
        self.log = home / "web.log"
        own = {"LOG_LEVEL": "INFO", "LOG_FORMAT": "json", "STATEMENT_TIMEOUT_MS": "1000"}
        self.web = Web(2, log=self.log, DATABASE_REPLICA_URL=standby.url, **own)
        self.local = threading.local()

    def __call__(self, caller: Caller, method: str, path: str, body: Any = None) -> requests.Response:
        session = self.local.__dict__.setdefault("session", requests.Session())
        headers = {"Authorization": f"Bearer {caller.key}"}
        return session.request(method, f"{self.web.url}/v1{path}", json=body, headers=headers, timeout=30)  # type: ignore[no-any-return]

    def make(self, caller: Caller, name: str = "Client") -> str:
        answer = self(caller, "POST", "/clients", {"name": name})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])

    def by_replica(self, *answers: requests.Response) -> list[bool]:
        """Return which of the answers came from the replica."""
        wanted = [answer.headers["X-Request-ID"] for answer in answers]
        found: dict[str, bool] = {}

        def logged() -> bool:
            found.clear()
            for line in self.log.read_bytes().splitlines():
                said = orjson.loads(line) if line.startswith(b"{") else {}
                if "status" in said:
                    found[said["request_id"]] = said.get("database") == "replica"
            return all(name in found for name in wanted)

        wait_for(logged)
        return [found[name] for name in wanted]

    def wait(self, caller: Caller, path: str, *, replica: bool = True, seconds: float = LONG) -> None:
        """Wait until reads come from the replica, or no longer do, in each process of the web server."""
        end = time.monotonic() + seconds
        while set(self.by_replica(*(self(caller, "GET", path) for _ in range(8)))) != {replica}:
            assert time.monotonic() < end, self.log.read_text()[-2000:]
            time.sleep(0.2)


@pytest.fixture(scope="module")
def house(tmp_path_factory: Any, django_db_setup: None) -> Iterator[House]:
    if "DATABASE_URL" in os.environ and not (Path(os.environ["KITH_HOME"]) / "embedded.json").exists():
        pytest.skip("it needs the superuser of the primary, which is known of the tests' own server alone")
    with streaming(tmp_path_factory.mktemp("standby")) as standby:
        found = House(standby, tmp_path_factory.mktemp("web"))
        yield found
        found.web.kill()


def test_reads_are_the_replicas(house: House, acme: Caller, tally: dict[str, str]) -> None:
    path = f"/clients/{house.make(acme)}"
    house.wait(acme, path)
    answers = [house(acme, "GET", path if n % 2 else "/clients") for n in range(200)]
    assert {answer.status_code for answer in answers} == {200}
    served = sum(house.by_replica(*answers))
    tally["reads by the replica"] = f"{served} of 200"
    assert served >= 190


def test_what_was_written_is_read(house: House, acme: Caller, globex: Caller, tally: dict[str, str]) -> None:
    path = f"/clients/{house.make(acme)}"
    house.wait(acme, path)
    answers = []
    for number in range(200):
        name = f"Client {number}"
        assert house(acme, "PATCH", path, {"name": name}).status_code == 200
        answers.append(house(acme, "GET", path))
        assert answers[-1].json()["data"]["name"] == name
    tally["reads right after a write by the replica"] = f"{sum(house.by_replica(*answers))} of 200"
    # A record's history too.
    history = house(acme, "GET", f"{path}/events?limit=100").json()
    assert history["pagination"]["total"] == 201


def test_a_crowd_reads_what_it_wrote(house: House, acme: Caller, tally: dict[str, str]) -> None:
    house.wait(acme, f"/clients/{house.make(acme)}")

    def work(number: int) -> list[requests.Response]:
        answers = []
        path = f"/clients/{house.make(acme)}"
        for step in range(25):
            assert house(acme, "PATCH", path, {"name": f"{number}-{step}"}).status_code == 200
            answers.append(house(acme, "GET", path))
            assert answers[-1].json()["data"]["name"] == f"{number}-{step}"
        return answers

    with ThreadPoolExecutor(8) as pool:
        answers = [answer for found in pool.map(work, range(8)) for answer in found]
    tally["reads of eight who write by the replica"] = f"{sum(house.by_replica(*answers))} of {len(answers)}"


def test_who_wrote_nothing_reads_from_the_replica_whatever_others_write(
    house: House, acme: Caller, globex: Caller
) -> None:
    path = f"/clients/{house.make(globex)}"
    house.wait(globex, path)
    with house.standby.paused():
        mine = f"/clients/{house.make(acme, 'Fresh')}"
        fresh, old = house(acme, "GET", mine), house(globex, "GET", path)
        assert fresh.json()["data"]["name"] == "Fresh"
        assert old.status_code == 200
        assert house.by_replica(fresh, old) == [False, True]
    house.wait(acme, mine)


def test_a_key_ends_at_once(house: House, acme: Caller) -> None:
    other = Caller(acme.tenant, make_key(acme.tenant))
    path = f"/clients/{house.make(acme)}"
    house.wait(other, path)
    key = ApiKey.objects.filter(tenant=acme.tenant).latest("created_at")
    with house.standby.paused():
        # Not through the web server, but by somebody else: a command.
        with using("admin"):
            revoke(key, actor=Actor.system(acme.tenant, "tests"))
        assert house(other, "GET", path).status_code == 401
        assert house(acme, "GET", path).status_code == 200


def test_a_session_ends_at_once(house: House, acme: Caller) -> None:
    browser = make_browser(acme)
    url = f"{house.web.url}/api/v1/customers"
    read = partial(requests.get, url, cookies={"sessionid": browser.client.cookies["sessionid"].value}, timeout=10)
    house.wait(acme, f"/clients/{house.make(acme)}")
    answer = read()
    assert answer.status_code == 200
    assert house.by_replica(answer) == [True]
    with house.standby.paused():
        with using("admin"):
            User.objects.filter(pk=browser.user.pk).update(is_active=False)
        assert read().status_code == 401


def test_a_key_works_at_once(house: House, acme: Caller) -> None:
    path = f"/clients/{house.make(acme)}"
    house.wait(acme, path)
    with house.standby.paused():
        other = Caller(acme.tenant, make_key(acme.tenant))
        assert house(other, "GET", path).status_code == 200
        assert house(other, "GET", path).headers["X-RateLimit-Remaining"] == "999998"


def test_a_replica_that_lags_is_left_out(house: House, acme: Caller, globex: Caller) -> None:
    path = f"/clients/{house.make(globex)}"
    house.wait(globex, path)
    with house.standby.paused():
        house.make(acme)
        house.wait(globex, path, replica=False)
    house.wait(globex, path)


def ask_meanwhile(house: House, caller: Caller, path: str, during: Any) -> tuple[Counter[int], float]:
    """Read all the time while something happens; return the statuses, and how long the slowest took."""
    statuses: Counter[int] = Counter()
    slowest = [0.0]
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            started = time.monotonic()
            statuses[house(caller, "GET", path).status_code] += 1
            slowest[0] = max(slowest[0], time.monotonic() - started)

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        try:
            during()
        finally:
            over.set()
        for reader in readers:
            reader.result()
    return statuses, slowest[0]


def test_a_replica_that_dies_costs_nobody_an_answer(house: House, acme: Caller, tally: dict[str, str]) -> None:
    path = f"/clients/{house.make(acme)}"
    house.wait(acme, path)

    def die() -> None:
        time.sleep(1)
        house.standby.kill()
        house.wait(acme, path, replica=False)
        house.standby.start()
        house.wait(acme, path)

    statuses, slowest = ask_meanwhile(house, acme, path, die)
    tally["replica killed"] = f"{statuses.total()} reads, {dict(statuses)}, the slowest took {slowest * 1000:.0f} ms"
    assert set(statuses) == {200}
    # In quiet a tenth of this; a machine that is busy otherwise must not fail it.
    assert slowest < 2


def test_a_replica_that_hangs_costs_nobody_an_answer(house: House, acme: Caller, tally: dict[str, str]) -> None:
    path = f"/clients/{house.make(acme)}"
    house.wait(acme, path)

    def hang() -> None:
        time.sleep(1)
        with house.standby.frozen():
            house.wait(acme, path, replica=False)
            time.sleep(3)
        house.wait(acme, path)

    statuses, slowest = ask_meanwhile(house, acme, path, hang)
    tally["replica frozen"] = f"{statuses.total()} reads, {dict(statuses)}, the slowest took {slowest * 1000:.0f} ms"
    assert set(statuses) == {200}
    # A read that was under way waits as long as a statement may take, here a second, and a second more.
    assert slowest < 4


def test_a_connection_that_the_replica_ends_costs_nobody_an_answer(house: House, acme: Caller) -> None:
    path = f"/clients/{house.make(acme)}"
    house.wait(acme, path)

    def end() -> None:
        for _ in range(5):
            house.standby.run(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'kith_web'"
            )
            time.sleep(0.5)

    statuses, _ = ask_meanwhile(house, acme, path, end)
    assert set(statuses) == {200}


def test_the_replica_shows_no_other_tenants_rows(house: House, acme: Caller, globex: Caller) -> None:
    mine, others = house.make(acme), house.make(globex)
    house.wait(acme, f"/clients/{mine}")
    answer, listed = house(acme, "GET", f"/clients/{others}"), house(acme, "GET", "/clients")
    assert answer.status_code == 404
    assert [row["id"] for row in listed.json()["data"]] == [mine]
    assert house.by_replica(answer, listed) == [True, True]
    with psycopg.connect(house.standby.url, options="-c role=kith_app") as connection:
        assert connection.execute("SELECT count(*) FROM crm_client").fetchone() == (0,)
        connection.execute("SELECT set_config('app.tenant_id', %s, true)", [str(acme.tenant.pk)])
        found = connection.execute("SELECT DISTINCT tenant_id FROM crm_client").fetchall()
        assert found == [(acme.tenant.pk,)]


def test_writes_and_the_feed_are_the_primarys(house: House, acme: Caller) -> None:
    path = f"/clients/{house.make(acme)}"
    house.wait(acme, path)
    answers = [house(acme, "GET", "/events?after="), house(acme, "GET", "/events"), house(acme, "PATCH", path, {})]
    assert {answer.status_code for answer in answers} == {200}
    assert not any(house.by_replica(*answers))


def test_without_redis_notes_nothing_is_believed(house: House, acme: Caller) -> None:
    path = f"/clients/{house.make(acme)}"
    house.wait(acme, path)
    with house.standby.paused():
        house(acme, "PATCH", path, {"name": "Fresh"})
        # What was noted is lost.
        redis.Redis.from_url(settings.LIMITS_URL).flushdb()
        answer = house(acme, "GET", path)
        assert answer.json()["data"]["name"] == "Fresh"
        assert house.by_replica(answer) == [False]
    house.wait(acme, path)


def test_a_server_that_follows_none_is_no_replica(house: House, acme: Caller, tmp_path: Path) -> None:
    web = Web(1, log=tmp_path / "log", DATABASE_REPLICA_URL=os.environ["DATABASE_URL"], LOG_FORMAT="json")
    try:
        headers = {"Authorization": f"Bearer {acme.key}"}
        assert requests.get(f"{web.url}/v1/clients", headers=headers, timeout=10).status_code == 200
        wait_for(lambda: "It follows no primary" in (tmp_path / "log").read_text())
        requests.get(f"{web.url}/v1/clients", headers=headers, timeout=10)
        assert '"database"' not in (tmp_path / "log").read_text()
    finally:
        web.kill()


def test_the_start_is_refused_where_row_level_security_binds_nobody_at_the_replica(house: House) -> None:
    assert connection_role(["default"]) == []
    told: dict[str, Any] = connections.settings["replica"]
    before = dict(told)
    connections["replica"].close()
    told.update(USER="kith_super", PASSWORD=house.standby.state.password("kith_super"), OPTIONS={})
    del connections["replica"]
    try:
        found = connection_role(["default"])
    finally:
        told.update(before)
        del connections["replica"]
    assert [message.id for message in found] == ["tenants.E005"]
    assert "DATABASE_REPLICA_URL" in str(found[0].hint)


def test_the_house_stops_in_time_with_its_replica(house: House) -> None:
    """The thread that looks after a replica holds no end up."""
    house.standby.signal(signal.SIGSTOP)
    try:
        web = Web(1, DATABASE_REPLICA_URL=house.standby.url)
        assert web.stop() < 5
    finally:
        house.standby.signal(signal.SIGCONT)
