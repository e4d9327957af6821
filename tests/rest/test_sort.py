"""Sorting: by the named fields, either way, empty values last, ties closed by the id."""

import pytest

from tests.conftest import Caller

PEOPLE = (
    {"name": "Bea", "email": "b@example.com"},
    {"name": "Ann"},
    {"name": "Cy", "email": "a@example.com"},
    {"name": "Ann"},
)


@pytest.fixture
def shop(acme: Caller) -> Caller:
    for body in PEOPLE:
        assert acme.post("/clients", body).status == 201
    return acme


@pytest.mark.parametrize(("query", "names"), [
    ("sort=name", "Ann Ann Bea Cy"), ("sort=-name", "Cy Bea Ann Ann"), ("sort=name&order=desc", "Cy Bea Ann Ann"),
    ("sort=-name&order=desc", "Ann Ann Bea Cy"), ("sort=email", "Cy Bea Ann Ann"), ("sort=-email", "Bea Cy Ann Ann"),
    ("sort=name,-email", "Ann Ann Bea Cy"), ("sort=created_at", "Bea Ann Cy Ann"), ("order=asc", "Bea Ann Cy Ann"),
    ("", "Ann Cy Ann Bea"), ("order=desc", "Ann Cy Ann Bea"), ("sort=%20name%20", "Ann Ann Bea Cy"),
])  # fmt: skip
def test_it_sorts(shop: Caller, query: str, names: str) -> None:
    assert [row["name"] for row in shop.get(f"/clients?{query}").data] == names.split()


def test_it_closes_ties_by_the_id(shop: Caller) -> None:
    up = [row["id"] for row in shop.get("/clients?sort=name").data]
    down = [row["id"] for row in shop.get("/clients?sort=-name").data]
    assert up[:2] == sorted(up[:2])
    assert down == up[::-1]


@pytest.mark.parametrize(("query", "field", "told"), [
    ("sort=tax_id", "sort", "Unknown sort field 'tax_id'. Known: created_at, updated_at, name"),
    ("sort=search", "sort", "Unknown sort field"), ("sort=tenant_id", "sort", "Unknown sort field"),
    ("sort=name,nope", "sort", "Unknown sort field 'nope'"), ("sort=--name", "sort", "Unknown sort field '-name'"),
    ("sort=name&order=up", "order", "Must be asc or desc, not 'up'."), ("order=ASC", "order", "Must be asc or desc"),
])  # fmt: skip
def test_it_names_what_cannot_be_sorted_by(shop: Caller, query: str, field: str, told: str) -> None:
    answer = shop.get(f"/clients?{query}")
    assert (answer.status, answer.error["code"], answer.error["details"]["field"]) == (400, "INVALID_SORT", field)
    assert told in answer.error["message"]
