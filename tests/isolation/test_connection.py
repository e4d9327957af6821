"""The connection of the API: whom it logs in as, what it may not do, and that it forgets its tenant each time."""

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from uuid import uuid4

import pytest
from django.db import connections

from crm.resources.clients.models import Client
from tenants.checks import tenant_models
from tenants.scope import TenantScopeMissing
from tests.conftest import Answer, Caller

ROLES = """
SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
       EXISTS (SELECT 1 FROM pg_class WHERE relowner = r.oid), has_schema_privilege(rolname, 'public', 'CREATE')
FROM pg_roles r WHERE rolname IN (current_user, session_user)
"""
# Roles that the login could turn into.
REACHABLE = "SELECT rolname FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER') AND rolname <> session_user"
SETTING = "SELECT current_setting('app.tenant_id', true), pg_backend_pid()"
Request = Callable[[Caller], Answer]


def fetch(sql: str) -> list[tuple[object, ...]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def test_it_logs_in_as_nobody_special() -> None:
    roles = fetch(ROLES)
    assert len(roles) == 2
    assert [any(rights) for _, *rights in roles] == [False, False], roles
    assert fetch(REACHABLE) == [("kith_app",)]


def test_it_gains_nothing_without_its_role(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    with connections["default"].cursor() as cursor:
        cursor.execute("RESET ROLE")
        try:
            cursor.execute("SELECT count(*) FROM crm_client")
            assert cursor.fetchone() == (0,)
        finally:
            cursor.execute("SET ROLE kith_app")


@pytest.mark.parametrize("model", tenant_models(), ids=lambda model: model.__name__)
def test_it_has_no_rows_without_a_tenant(acme: Caller, model: type[Client]) -> None:
    assert model.every_tenant.count() == 0
    with pytest.raises(TenantScopeMissing, match="No tenant"):
        model.objects.count()


def requests(known: str) -> Iterator[tuple[int, Request]]:
    """Yield requests of all kinds, those that end badly among them, with the status of each."""
    yield 200, lambda caller: caller.get("/clients")
    yield 201, lambda caller: caller.post("/clients", {"name": "Ada"})
    yield 304, lambda caller: caller.get(known, If_None_Match='"1"')
    yield 400, lambda caller: caller.post("/clients", {"nope": 1})
    yield 400, lambda caller: caller.get("/invoices?total=1e200000")
    yield 401, lambda caller: caller.get("/clients", Authorization="Bearer nothing", X_API_Key="")
    yield 403, lambda caller: caller.get("/clients", X_Organization_Id="another")
    yield 404, lambda caller: caller.get("/nowhere")
    yield 404, lambda caller: caller.delete(f"/clients/{uuid4()}")
    yield 405, lambda caller: caller.delete("/clients")
    yield 409, lambda caller: caller.post("/clients", {"name": "Ada", "external_ref": "taken"})
    yield 412, lambda caller: caller.patch(known, {"name": "Bob"}, If_Match='"9"')
    yield 413, lambda caller: caller.post("/clients", b'"' + b"x" * 1024 * 1024 + b'"')
    yield 422, lambda caller: caller.post("/clients", {"name": uuid4().hex}, Idempotency_Key="used")


def test_it_forgets_the_tenant_after_each_request(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada", "external_ref": "taken"}, Idempotency_Key="used")
    known = f"/clients/{acme.post('/clients', {'name': 'Ada'}).data['id']}"
    pid = fetch(SETTING)[0][1]
    for status, request in islice(cycle([*requests(known)]), 200):
        assert request(acme).status == status
        setting, now = fetch(SETTING)[0]
        assert (setting or "", now) == ("", pid)
