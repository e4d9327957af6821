"""Statements that a connection keeps planned: each belongs to its transaction, and leaves nothing behind."""

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, NotSupportedError, OperationalError, connections, transaction

from crm.resources.clients.models import Client
from crm.rest.problems import is_passing
from tenants import ids, statements
from tenants.routing import using
from tenants.scope import request_scope, tenant_scope
from tenants.statements import Planner, fetch
from tests.conftest import Caller
from tests.crowd import at_once


def planner() -> Planner:
    fetch("SELECT 1", [])
    return Planner.of(connections["default"].connection, 5)


def idle() -> bool:
    return not connections["default"].connection.pgconn.transaction_status


def test_the_first_statement_of_a_transaction_is_taken_back_with_it(acme: Caller) -> None:
    # Of the staff's role, which needs no scope: nothing has opened the transaction before it.
    with using("admin"):
        with transaction.atomic(using="admin"):
            Client(tenant=acme.tenant, name="Ada").save(force_insert=True)
            transaction.set_rollback(True, using="admin")
        assert not Client.every_tenant.filter(tenant=acme.tenant).exists()


def test_a_commit_that_fails_says_so(acme: Caller) -> None:
    # Nothing tells of the change: the ledger's net refuses it when it is committed, at once as there is no transaction.
    with using("admin"):
        with pytest.raises(IntegrityError, match="event"):
            Client(tenant=acme.tenant, name="Ada").save(force_insert=True)
        assert fetch("SELECT 2", []) == [(2,)]


def test_a_read_opens_no_transaction_and_a_later_statement_one_of_its_tenant(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    with tenant_scope(acme.tenant.pk):
        known = Client.objects.get(name="Ada").pk
    with request_scope():
        read = fetch("SELECT id FROM crm_client", [], tenant_id=acme.tenant.pk)
        assert (read, idle()) == ([(known,)], True)
        assert fetch("SELECT count(*) FROM crm_client", [], alone=True) == [(0,)]
        fetch("SELECT 1", [])
        assert not idle()
    assert idle()


def test_it_keeps_few_of_them() -> None:
    found = planner()
    for number in range(2 * statements.KEPT):
        fetch(f"SELECT {number}", [])
    assert len(found.names) <= statements.KEPT
    for number in range(2 * statements.KEPT):
        fetch(f"SELECT {number}, 0", [])
        fetch(f"SELECT {number}, 0", [])
    [[kept]] = fetch("SELECT count(*) FROM pg_prepared_statements", [])
    assert kept <= statements.KEPT


def test_it_goes_with_its_connection() -> None:
    # Of a thread's own, of which nobody else in this process knows.
    [gone] = at_once(1, lambda _: weakref.ref(planner()))
    gc.collect()
    assert gone() is None


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    connection: Any = connections["default"]
    connection.patience = seconds
    try:
        yield
    finally:
        del connection.patience


def test_an_answer_that_comes_too_late_is_nobody_elses() -> None:
    fetch("SELECT 1", [])
    with patience(0.05), pytest.raises(OperationalError, match="said nothing within") as caught:
        fetch("SELECT pg_sleep(0.4), 7", [])
    assert is_passing(caught.value)
    assert fetch("SELECT 2", []) == [(2,)]


def test_a_wait_that_is_cut_short_leaves_no_answer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    found = planner()

    def interrupted(events: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(found, "poll", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("SELECT 7", [])
    assert found.connection.closed
    connections["default"].close()
    assert fetch("SELECT 2", []) == [(2,)]


def test_a_lost_connection_is_worth_a_second_try() -> None:
    fetch("SELECT 1", [])
    pid = connections["default"].connection.pgconn.backend_pid
    # Each thread has a connection of its own; without its role it is the one whose connection this is.
    [killed] = at_once(
        1, lambda _: (fetch("SET ROLE NONE", []), fetch("SELECT pg_terminate_backend(%s, 5000)", [pid]))[1]
    )
    assert killed == [(True,)]
    with pytest.raises(OperationalError) as caught:
        fetch("SELECT 1", [])
    assert is_passing(caught.value)
    assert fetch("SELECT 2", []) == [(2,)]


def test_a_plan_that_is_older_than_its_table_is_worth_a_second_try() -> None:
    table = f"t{ids.new().hex}"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (a int); GRANT SELECT ON {table} TO kith_app")
        try:
            for _ in range(3):
                assert fetch(f"SELECT a FROM {table}", []) == []
            cursor.execute(f"ALTER TABLE {table} ALTER a TYPE text")
            with pytest.raises(NotSupportedError, match="cached plan") as caught:
                fetch(f"SELECT a FROM {table}", [])
            assert is_passing(caught.value)
            assert fetch(f"SELECT a FROM {table}", []) == []
        finally:
            cursor.execute(f"DROP TABLE {table}")


def test_values_are_values() -> None:
    text = "'; DROP TABLE crm_client; -- %s $1 \\"
    assert fetch("SELECT %s, '%%', %s::int", [text, 2]) == [(text, "%", 2)]
