"""Pages: by limit and offset, and by a cursor that is bound to its query and stays right while rows come and go."""

from typing import Any

import pytest

from tests.conftest import Caller

NAMES = ["Ada", "Bob", "Cy", "Dan", "Eve", "Flo", "Gus"]


@pytest.fixture
def shop(acme: Caller) -> Caller:
    for number, name in enumerate(NAMES):
        body = {"name": name, "email": f"{name}@example.com" if number % 2 else None}
        assert acme.post("/clients", body).status == 201
    return acme


def page(caller: Caller, query: str) -> tuple[list[str], dict[str, Any]]:
    answer = caller.get(f"/clients?{query}")
    assert answer.status == 200, answer.body
    return [row["name"] for row in answer.data], answer.body["pagination"]


def walk(caller: Caller, query: str) -> list[list[str]]:
    """Return all pages, from cursor to cursor."""
    found, cursor = [], ""
    while True:
        names, place = page(caller, f"{query}&cursor={cursor}")
        found.append(names)
        cursor = place["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize(("query", "names", "more"), [
    ("limit=3", NAMES[:3], True), ("limit=3&offset=3", NAMES[3:6], True), ("limit=3&offset=6", NAMES[6:], False),
    ("limit=7", NAMES, False), ("limit=3&offset=7", [], False), ("limit=3&offset=9999999", [], False),
    ("", NAMES, False),
])  # fmt: skip
def test_it_pages_by_offset(shop: Caller, query: str, names: list[str], more: bool) -> None:
    found, place = page(shop, f"sort=name&{query}")
    assert found == names
    assert (place["total"], place["has_more"], place["next_cursor"] is not None) == (7, more, more)


@pytest.mark.parametrize(
    ("query", "limit"), [("", 20), ("limit=1", 1), ("limit=100", 100), ("limit=101", 100), (f"limit={'9' * 50}", 100)]
)
def test_it_caps_the_limit(shop: Caller, query: str, limit: int) -> None:
    assert page(shop, query)[1]["limit"] == limit


@pytest.mark.parametrize("sort", ["name", "-name", "email", "-email", "created_at", "email,-name", "-updated_at,email"])
def test_it_walks_by_cursor(shop: Caller, sort: str) -> None:
    whole = page(shop, f"sort={sort}")[0]
    assert walk(shop, f"sort={sort}&limit=2") == [whole[at : at + 2] for at in range(0, 7, 2)]


def test_it_does_not_count_pages_by_cursor(shop: Caller) -> None:
    place = page(shop, "limit=2&cursor=")[1]
    assert (place["total"], place["offset"], place["has_more"]) == (None, None, True)


@pytest.mark.parametrize("sort", ["name", "-name", "email", "-email"])
def test_it_misses_and_doubles_nothing_while_rows_come_and_go(shop: Caller, sort: str) -> None:
    first, place = page(shop, f"sort={sort}&limit=3")
    for name in ("Aaa", "Dab", "Zoe"):
        shop.post("/clients", {"name": name, "email": f"{name}@example.com"})
    shop.delete(f"/clients/{shop.get(f'/clients?name={first[0]}').data[0]['id']}")
    names, cursor = list(first), place["next_cursor"]
    while cursor:
        found, place = page(shop, f"sort={sort}&limit=3&cursor={cursor}")
        names, cursor = [*names, *found], place["next_cursor"]
    assert len(names) == len(set(names))
    assert set(NAMES) <= set(names)


def test_it_walks_filtered_and_searched_lists(shop: Caller) -> None:
    assert walk(shop, "sort=name&limit=2&email[null]=true") == [["Ada", "Cy"], ["Eve", "Gus"]]
    assert walk(shop, "sort=name&limit=1&search=d") == [["Dan"]]


def test_it_keeps_the_limit_out_of_the_cursor(shop: Caller) -> None:
    cursor = page(shop, "sort=name&limit=2")[1]["next_cursor"]
    assert page(shop, f"sort=name&limit=4&cursor={cursor}")[0] == NAMES[2:6]


@pytest.mark.parametrize(
    "query", ["sort=-name", "sort=email", "", "sort=name&status=active", "sort=name&fields=name", "sort=name&search=d"]
)
def test_it_binds_a_cursor_to_its_query(shop: Caller, query: str) -> None:
    cursor = page(shop, "sort=name&limit=2")[1]["next_cursor"]
    answer = shop.get(f"/clients?{query}&cursor={cursor}")
    assert (answer.status, answer.error["details"]["field"]) == (400, "cursor")


def test_it_binds_a_cursor_to_its_resource_and_tenant(shop: Caller, globex: Caller) -> None:
    cursor = page(shop, "limit=2")[1]["next_cursor"]
    assert shop.get(f"/products?cursor={cursor}").status == 400
    assert globex.get(f"/clients?cursor={cursor}").status == 400


@pytest.mark.parametrize("change", [
    lambda text: text[:-1], lambda text: text + "A", lambda text: text[:-2] + "zz",
    lambda text: ("B" if text[0] == "A" else "A") + text[1:],
    lambda text: "x", lambda text: "====", lambda text: "%C3%A9", lambda text: "a" * 5000, lambda text: text.swapcase(),
])  # fmt: skip
def test_it_refuses_a_tampered_cursor(shop: Caller, change: Any) -> None:
    cursor = page(shop, "sort=name&limit=2")[1]["next_cursor"]
    answer = shop.get(f"/clients?sort=name&cursor={change(cursor)}")
    assert (answer.status, answer.error["code"], answer.error["details"]["field"]) == (
        400,
        "VALIDATION_ERROR",
        "cursor",
    )


@pytest.mark.parametrize(("query", "field"), [
    ("limit=0", "limit"), ("limit=-1", "limit"), ("limit=x", "limit"), ("limit=", "limit"), ("limit=1.5", "limit"),
    ("limit=%C2%B2", "limit"),
    ("offset=-1", "offset"), ("offset=x", "offset"), ("offset=10000001", "offset"), (f"offset={'9' * 5000}", "offset"),
    ("offset=1&cursor=x", "offset"), ("page=1", "page"),
])  # fmt: skip
def test_it_names_what_is_no_page(shop: Caller, query: str, field: str) -> None:
    answer = shop.get(f"/clients?{query}")
    assert (answer.status, answer.error["code"], answer.error["details"]["field"]) == (400, "VALIDATION_ERROR", field)
