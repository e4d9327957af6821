"""Retention: what is over goes, a thousand rows a statement; what lives stays, also where two runs meet."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import connections
from django.utils import timezone

from apikeys import tasks
from apikeys.claims import expired
from tenants import retention
from tenants.models import Tenant
from tenants.routing import STAFF, using
from tests.conftest import Caller

# How each kind of row is made, `n` of them that are over and one that lives, and told from those of other tests.
CLAIMS = """
INSERT INTO apikeys_claim (id, tenant_id, owner, key, fingerprint, status, headers, body, expires_at)
SELECT gen_random_uuid(), %(tenant)s, 'test', 'k' || n, '', 200, '{}', '', now() - interval '1 hour' * sign(n)
FROM generate_series(-1, %(count)s) n WHERE n <> 0
"""
USAGE = """
INSERT INTO apikeys_dailyusage (id, tenant_id, key_id, day, requests, refused, failed)
SELECT gen_random_uuid(), %(tenant)s, gen_random_uuid(), current_date - 401 * (n > 0)::int, 1, 0, 0
FROM generate_series(-1, %(count)s) n WHERE n <> 0
"""
SESSIONS = """
INSERT INTO django_session (session_key, session_data, expire_date)
SELECT %(mark)s || n, '', now() - interval '1 hour' * sign(n) FROM generate_series(-1, %(count)s) n WHERE n <> 0
"""
OF_TENANT = "tenant_id = %(tenant)s"
JOBS: dict[str, tuple[str, str, str, Callable[[], None]]] = {
    "claims": (CLAIMS, "apikeys_claim", OF_TENANT, tasks.forget_claims),
    "usage": (USAGE, "apikeys_dailyusage", OF_TENANT, tasks.forget_usage),
    "sessions": (SESSIONS, "django_session", "starts_with(session_key, %(mark)s)", tasks.forget_sessions),
}
COUNT = 2500


def as_owner(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


class Deletes:
    """Notes how many rows each DELETE took."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("DELETE"):
            self.counts.append(context["cursor"].rowcount)
        return result


@contextmanager
def watched() -> Iterator[list[int]]:
    found = Deletes()
    with connections["default"].execute_wrapper(found), connections[STAFF].execute_wrapper(found):
        yield found.counts


@pytest.fixture(params=JOBS)
def job(request: pytest.FixtureRequest, acme: Caller) -> tuple[Callable[[], int], Callable[[], None]]:
    """Return how many rows are left, of 2,500 that are over and one that lives, and what deletes."""
    make, table, mine, run = JOBS[request.param]
    names = {"tenant": acme.tenant.pk, "mark": uuid4().hex[:20], "count": COUNT}
    as_owner(make, names)

    def left() -> int:
        return int(as_owner(f"SELECT count(*) FROM {table} WHERE {mine}", names)[0][0])

    assert left() == COUNT + 1
    return left, run


def test_a_thousand_go_in_a_statement_and_what_lives_stays(job: Any) -> None:
    left, run = job
    with watched() as deleted:
        run()
    assert left() == 1
    assert max(deleted) == retention.BATCH and sum(deleted) >= COUNT


def test_two_runs_at_once_do_no_harm(job: Any) -> None:
    left, run = job
    wrong: list[BaseException] = []

    def once() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001  told below
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    # What the one was at while the other looked is deleted by the one.
    assert left() == 1


def test_a_run_that_is_over_is_gone_on_with(acme: Caller) -> None:
    as_owner(CLAIMS, {"tenant": acme.tenant.pk, "count": COUNT})
    assert retention.forget_in_turns(expired, seconds=0) == 0
    while retention.forget_in_turns(expired, batch=100):
        pass
    assert as_owner("SELECT count(*) FROM apikeys_claim WHERE tenant_id = %(tenant)s", {"tenant": acme.tenant.pk}) == [
        (1,)
    ]


def test_each_tenant_has_its_turn(acme: Caller, globex: Caller) -> None:
    """One with much to delete keeps no other waiting: of every tenant a batch goes before the second of any."""
    for caller in (acme, globex):
        as_owner(CLAIMS, {"tenant": caller.tenant.pk, "count": COUNT})
    seen: list[Any] = []

    def over(tenant: Tenant) -> Any:
        seen.append(tenant.pk)
        return expired(tenant)

    retention.forget_in_turns(over)
    first_round = seen[: len(set(seen))]
    assert {acme.tenant.pk, globex.tenant.pk} <= set(first_round) and len(set(first_round)) == len(first_round)


def test_rows_that_somebody_holds_are_left(acme: Caller) -> None:
    as_owner(CLAIMS, {"tenant": acme.tenant.pk, "count": 10})
    settings = connections["owner"].settings_dict
    with psycopg.connect(connections["owner"].connection.info.dsn, password=settings["PASSWORD"]) as other:
        held = "SELECT 1 FROM apikeys_claim WHERE tenant_id = %s AND key IN ('k1', 'k2') FOR UPDATE"
        other.execute(held, [acme.tenant.pk])
        tasks.forget_claims()
    rows = "SELECT key FROM apikeys_claim WHERE tenant_id = %(tenant)s ORDER BY key"
    assert [key for (key,) in as_owner(rows, {"tenant": acme.tenant.pk})] == ["k-1", "k1", "k2"]


def test_a_session_that_lives_still_logs_in() -> None:
    with using(STAFF):
        Session.objects.create(
            session_key=uuid4().hex, session_data="", expire_date=timezone.now() + timedelta(minutes=5)
        )
        before = Session.objects.filter(expire_date__gt=timezone.now()).count()
        tasks.forget_sessions()
        assert Session.objects.filter(expire_date__gt=timezone.now()).count() == before
