"""How many statements a request takes: few, and the same for one row and for a hundred."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test.utils import CaptureQueriesContext

from benchmarks.copying import NEW, copy
from benchmarks.sql import as_owner
from crm.resources.lists.models import MarketingList
from tenants import ids
from tenants.models import Event, Member
from tests.conftest import Caller, make_caller
from tests.isolation.lists import included
from tests.records import Records
from tests.routes import Route, routes

# The credential and the record; the credential, the rows and their count.
ONE, MANY = 2, 3
# Above the longest page of a test, so that each page has to count.
FEW, ROWS = 21, 101
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
# Once a minute a key's use is noted.
NOTE = "UPDATE apikeys_apikey SET last_used"
# One mount of each contract: the others lead to the same views.
GETS = [
    route
    for route in routes()
    if "GET" in route.actions and route.path.startswith(f"/{route.contract.mounts[0].rstrip('/')}/")
]
LISTS = [route for route in GETS if route.listed or route.actions["GET"] == "activity"]
SINGLE = [route for route in GETS if route.actions["GET"] == "retrieve" and "key" in route.view.credentials]
SEARCHED = [route for route in LISTS if route.listed and route.listed.search_fields and not route.has_id]
# The last column of each unique key: what copies must differ in.
UNIQUE = """
SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[i.indnkeyatts - 1]
WHERE i.indrelid = %s::regclass AND i.indisunique AND NOT i.indisprimary AND a.attname NOT IN ('id', 'tenant_id')
"""
OTHER = {"uuid": "NULL", "bytea": "sha256((original.id::text || n)::bytea)", "integer": "n"}
TEXT = "left(original.{0}, 14) || n"
MEMBERS = f"""
INSERT INTO crm_listmember (id, tenant_id, list_id, client_id)
SELECT {NEW}, l.tenant_id, l.id, c.id FROM crm_marketinglist l JOIN crm_client c ON c.tenant_id = l.tenant_id
WHERE l.id = %s ON CONFLICT DO NOTHING
"""


@pytest.fixture(scope="module")
def world(django_db_setup: None) -> Records:
    """Return the records of one tenant, more than twenty of each kind, and as many events of each record."""
    records = Records(make_caller("acme"))
    multiply(records, 1, FEW)
    return records


@pytest.fixture(scope="module")
def crowd(world: Records) -> Records:
    """Return the same records when there are more than a hundred of each kind."""
    multiply(world, FEW + 1, ROWS)
    return world


def multiply(records: Records, first: int, last: int) -> None:
    """Copy each record, and the events of each, under the numbers from first to last."""
    tenant, numbers = records.caller.tenant.pk, f"generate_series({first}, {last}) AS n"
    for model, view in records.views.items():
        table, pk = model._meta.db_table, ids.decode(view.prefix, records.ids[model])
        values = {name: OTHER.get(kind, TEXT.format(name)) for name, kind in as_owner(UNIQUE, table)}
        if model is Member:
            people = [User(username=f"{tenant}-{number}") for number in range(first, last + 1)]
            made = User.objects.using("owner").bulk_create(people)
            source = f"generate_series({made[0].pk}, {made[-1].pk}) AS n"
            copy({table: pk}, table, source, {**values, "user_id": "n"})
        elif model is not Event:
            copy({table: pk}, table, numbers, values)
    as_owner(MEMBERS, ids.decode("lst", records.ids[MarketingList]))
    for [event] in as_owner(
        "SELECT DISTINCT ON (record_id) id FROM tenants_event WHERE tenant_id = %s AND audience = 'public'", tenant
    ):
        copy({"tenants_event": event}, "tenants_event", numbers, {})


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements of the block, apart from those that open and close transactions."""
    found: list[str] = []
    with CaptureQueriesContext(connections["default"]) as captured:
        yield found
    statements = (query["sql"].strip() for query in captured.captured_queries)
    found += [sql for sql in statements if not sql.startswith((*CONTROL, NOTE))]


def taken(caller: Caller, path: str) -> list[str]:
    """Return the statements of a GET, once the plan is compiled and the key's last use noted."""
    caller.get(path)
    with counted() as statements:
        assert caller.get(path).status == 200
    return statements


def ask(world: Records, route: Route, limit: int = 0, **query: Any) -> list[str]:
    """Return the statements of a GET, which must show as many rows as `limit` says."""
    asked = {route.contract.wire(name): value for name, value in query.items() if value}
    asked |= {"limit": str(limit)} if limit else {}
    path = f"{route.at(world.ids[route.view.model])}?{urlencode(asked)}"
    with counted() as statements:
        answer = world.send(route, "GET", path)
    assert answer.status == 200, answer.body
    assert not limit or len(answer.data) == limit, path
    return statements


@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.path)
def test_it_takes_as_few_statements_for_many_rows_as_for_one(world: Records, route: Route) -> None:
    include = ",".join(included(route.listed)) if route.listed else ""
    few, many = ask(world, route, 1, include=include), ask(world, route, 20, include=include)
    assert len(few) == len(many), many
    assert route.has_id or route.view.credentials == ("session",) or len(many) <= MANY, many


@pytest.mark.deep
@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.path)
def test_it_takes_as_few_statements_with_each_include(crowd: Records, route: Route) -> None:
    for include in ("", *(included(route.listed) if route.listed else ())):
        found = [len(ask(crowd, route, limit, include=include)) for limit in (1, 20, 100)]
        assert len(set(found)) == 1, (include, found)


@pytest.mark.parametrize("route", SINGLE, ids=lambda route: route.path)
def test_it_takes_two_statements_to_read_one(world: Records, route: Route) -> None:
    assert len(ask(world, route, include=",".join(included(route.view)))) == ONE


@pytest.mark.parametrize("route", SEARCHED, ids=lambda route: route.path)
def test_it_takes_no_more_to_filter_and_search(world: Records, route: Route) -> None:
    query: dict[str, Any] = {"search": "text", "sort": f"-{next(iter(route.view.sorts))}", "start_date": "2000-01-01"}
    assert len(ask(world, route, **query)) <= MANY


def test_it_answers_a_known_record_with_as_few(acme: Caller) -> None:
    path = f"/clients/{acme.post('/clients', {'name': 'Ada'}).data['id']}"
    acme.get(path)
    with counted() as statements:
        assert acme.get(path, If_None_Match='"1"').status == 304
    assert len(statements) == ONE
