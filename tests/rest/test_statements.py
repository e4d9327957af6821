"""How many statements a request takes: few, and the same for one row and for thirty."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from crm.registry import CONTRACTS, RESOURCES
from crm.rest.router import bound_views
from tests.conftest import Caller
from tests.isolation.lists import included
from tests.records import Records

# The credential and the record; the credential, the rows and their count.
ONE, MANY = 2, 3
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
VIEWS = bound_views(CONTRACTS[0], RESOURCES)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements of the block, apart from those that open and close transactions."""
    found: list[str] = []
    with CaptureQueriesContext(connections["default"]) as captured:
        yield found
    found += [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(CONTROL)]


def taken(caller: Caller, path: str) -> list[str]:
    """Return the statements of a GET, once the plan is compiled and the key's last use noted."""
    caller.get(path)
    with counted() as statements:
        assert caller.get(path).status == 200
    return statements


@pytest.mark.parametrize("plural", [plural for plural, view in VIEWS.items() if "list" in view.methods])
def test_it_takes_few_statements(acme: Caller, plural: str) -> None:
    records, view = Records(acme), VIEWS[plural]
    include = ",".join(included(view))
    query = f"include={include}" if include else ""
    one = taken(acme, f"/{view.path}/{records.ids[view.model]}?{query}")
    few = taken(acme, f"/{view.path}?limit=1&{query}")
    for model in records.makers:
        for _ in range(30 if model is view.model or "create" not in view.methods else 0):
            records.make(model, full=True)
    many = taken(acme, f"/{view.path}?limit=30&{query}")
    assert len(acme.get(f"/{view.path}?limit=30").data) == 30
    assert len(one) == ONE, one
    assert len(many) <= MANY, many
    assert len(few) == len(many)


@pytest.mark.parametrize("plural", [plural for plural, view in VIEWS.items() if view.search_fields])
def test_it_takes_no_more_to_filter_and_search(acme: Caller, plural: str) -> None:
    Records(acme)
    view = VIEWS[plural]
    name = next(iter(view.sorts))
    assert len(taken(acme, f"/{view.path}?search=text&sort=-{name}&start_date=2000-01-01&limit=1")) <= MANY


def test_it_answers_a_known_record_with_as_few(acme: Caller) -> None:
    path = f"/clients/{acme.post('/clients', {'name': 'Ada'}).data['id']}"
    assert len(taken(acme, path)) == ONE
    with counted() as statements:
        assert acme.get(path, If_None_Match='"1"').status == 304
    assert len(statements) == ONE
