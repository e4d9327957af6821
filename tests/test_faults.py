"""Faults: killed web processes, lost connections; what was acknowledged is there, what was not left nothing."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import requests
from django.db import connections

from tests import serving
from tests.conftest import Caller
from tests.crowd import at_once
from tests.serving import DEADLINE, wait_for


class Web(serving.Web):
    """A web server to be killed."""

    def post(self, key: str, name: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": name}
        return requests.post(f"{self.url}/v1/clients", json={"name": name}, headers=headers, timeout=10)


@pytest.fixture
def web() -> Iterator[Callable[[], Web]]:
    started: list[Web] = []

    def start() -> Web:
        started.append(Web())
        return started[-1]

    yield start
    for server in started:
        server.kill()


def owner() -> Any:
    found = connections["owner"].get_connection_params()
    return psycopg.connect(**{name: found[name] for name in ("dbname", "user", "password", "host", "port")})


def somebody_waits(watch: Any) -> bool:
    return bool(watch.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0])


def post_and_kill(server: Web, key: str) -> None:
    """Send a POST that a lock holds up, and kill the server in the middle of it."""
    with ThreadPoolExecutor(1) as pool, owner() as watch:
        watch.autocommit = True
        sent = pool.submit(server.post, key, "killed")
        wait_for(lambda: somebody_waits(watch))
        server.kill()
        assert isinstance(sent.exception(), requests.RequestException)


def test_it_leaves_nothing_when_killed_before_the_commit(acme: Caller, web: Callable[[], Web]) -> None:
    server = web()
    with owner() as holder:
        holder.execute("LOCK TABLE tenants_event IN SHARE ROW EXCLUSIVE MODE")
        post_and_kill(server, acme.key)
    assert acme.get("/clients").data == []
    again = acme.post("/clients", {"name": "killed"}, Idempotency_Key="killed")
    assert again.status == 201
    assert "Idempotent-Replayed" not in again.headers


def test_it_replays_when_killed_after_the_commit(acme: Caller, web: Callable[[], Web]) -> None:
    server = web()
    with owner() as holder:
        # Noting the key's use comes after the commit and before the answer.
        holder.execute("SELECT 1 FROM apikeys_apikey WHERE tenant_id = %s FOR UPDATE", [acme.tenant.id])
        post_and_kill(server, acme.key)
    assert acme.get("/clients").body["pagination"]["total"] == 1
    replayed = web().post(acme.key, "killed")
    assert (replayed.status_code, replayed.headers.get("Idempotent-Replayed")) == (201, "true")
    assert acme.get("/clients").body["pagination"]["total"] == 1


def test_it_survives_a_lost_connection(acme: Caller) -> None:
    acme.get("/clients")
    terminate("default")
    assert acme.post("/clients", {"name": "Ada"}).status == 201
    assert acme.get("/clients").body["pagination"]["total"] == 1


def terminate(name: str) -> None:
    """End the backend of a connection the way an administrator would: by its own login role."""
    with connections[name].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    found = connections[name].get_connection_params()
    with psycopg.connect(**{name: found[name] for name in ("dbname", "user", "password", "host", "port")}) as peer:
        peer.execute("SELECT pg_terminate_backend(%s)", [pid])


def test_it_answers_503_while_the_database_is_away(acme: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connections["default"]
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "9")
    answers = [acme.get("/clients"), acme.post("/clients", {"name": "Ada"})]
    health = acme("GET", "/api/health")
    monkeypatch.undo()
    connection.close()
    assert [answer.status for answer in answers] == [503, 503]
    assert answers[0].error["code"] == "SERVICE_UNAVAILABLE"
    assert answers[0].headers["Retry-After"] == "1"
    assert (health.status, health.body["status"]) == (503, "unhealthy")
    assert acme.get("/clients").data == []


def test_it_gives_a_locked_record_back_as_503(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"}).data
    with owner() as holder:
        holder.execute("SELECT 1 FROM crm_client WHERE tenant_id = %s FOR UPDATE", [acme.tenant.id])
        started = time.perf_counter()
        refused = acme.patch(f"/clients/{made['id']}", {"name": "Bob"})
        assert time.perf_counter() - started < 5
    assert refused.status == 503
    assert acme.patch(f"/clients/{made['id']}", {"name": "Bob"}).status == 200


def test_it_loses_no_update_of_many_at_once(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"}).data
    path = f"/clients/{made['id']}"
    answers = at_once(20, lambda index: Caller(acme.tenant, acme.key).patch(path, {"name": f"n{index}"}))
    assert {answer.status for answer in answers} == {200}
    assert acme.get(path).headers["ETag"] == '"21"'
    assert len(acme.get(f"{path}/events?limit=100").data) == 21


def test_it_lets_one_of_many_win_with_if_match(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"}).data
    path = f"/clients/{made['id']}"
    answers = at_once(
        10, lambda index: Caller(acme.tenant, acme.key).patch(path, {"name": f"n{index}"}, If_Match='"1"')
    )
    assert sorted(answer.status for answer in answers) == [200] + [412] * 9


def test_it_tries_once_more_after_a_deadlock(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"}).data
    path = f"/clients/{made['id']}"
    with owner() as holder, owner() as watch, ThreadPoolExecutor(1) as pool:
        watch.autocommit = True
        holder.execute("SET lock_timeout = 0")
        holder.execute("LOCK TABLE tenants_event IN SHARE ROW EXCLUSIVE MODE")
        # It holds the record and waits for the log; the holder has the log and now waits for the record.
        sent = pool.submit(act_and_close, lambda: Caller(acme.tenant, acme.key).patch(path, {"name": "Bob"}))
        wait_for(lambda: somebody_waits(watch))
        holder.execute("SELECT 1 FROM crm_client WHERE tenant_id = %s FOR UPDATE", [acme.tenant.id])
        holder.commit()
        answer = sent.result(timeout=DEADLINE)
    assert (answer.status, answer.data["name"]) == (200, "Bob")
    assert len(acme.get(f"{path}/events").data) == 2


def act_and_close(act: Callable[[], Any]) -> Any:
    try:
        return act()
    finally:
        connections.close_all()
