"""Filters: each operator of each kind of field, as `field=`, as `field[op]=` and in the `filter` tree."""

from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest

from tests.conftest import Caller

PEOPLE: tuple[dict[str, Any], ...] = (
    {"name": "Ada", "email": "ada@example.com", "tags": ["vip", "new"], "type": "person"},
    {"name": "Bob 50%", "email": "bob_b@example.org", "tags": ["vip"], "type": "company", "company_name": "Bob & Co"},
    {"name": "Cy", "tags": [], "status": "archived", "external_ref": "null"},
)
GOODS = (
    {"name": "One", "price": "1.00", "type": "service", "duration_minutes": 30},
    {"name": "Two", "price": "2.50", "active": False},
    {"name": "Ten", "price": "10"},
)


@pytest.fixture
def shop(acme: Caller) -> Caller:
    for body in PEOPLE:
        assert acme.post("/clients", body).status == 201
    for body in GOODS:
        assert acme.post("/products", body).status == 201
    return acme


def names(caller: Caller, path: str, **params: str) -> list[str]:
    answer = caller.get(f"{path}?{urlencode(params)}")
    assert answer.status == 200, answer.body
    return sorted(row["name"].split()[0] for row in answer.data)


@pytest.mark.parametrize(("name", "operator", "value", "found"), [
    ("name", "eq", "Ada", "Ada"), ("name", "eq", "ada", ""), ("name", "ne", "Ada", "Bob Cy"),
    ("name", "in", ["Ada", "Cy"], "Ada Cy"), ("name", "nin", ["Ada", "Cy"], "Bob"),
    ("name", "contains", "O", "Bob"), ("name", "contains", "50%", "Bob"), ("name", "contains", "5_%", ""),
    ("name", "startsWith", "a", "Ada"), ("name", "endsWith", "Y", "Cy"), ("email", "contains", "b_b", "Bob"),
    ("email", "null", True, "Cy"), ("email", "null", False, "Ada Bob"), ("email", "ne", "ada@example.com", "Bob Cy"),
    ("external_ref", "eq", "null", "Cy"), ("external_ref", "null", True, "Ada Bob"),
    ("type", "eq", "company", "Bob"), ("type", "ne", "company", "Ada Cy"), ("status", "in", ["active"], "Ada Bob"),
    ("status", "nin", ["active"], "Cy"), ("tags", "eq", "vip", "Ada Bob"), ("tags", "ne", "new", "Bob Cy"),
    ("created_at", "gte", "2000-01-01", "Ada Bob Cy"), ("created_at", "lt", "2000-01-01T00:00:00Z", ""),
    ("created_at", "gt", "2000-01-01T12:00:00+02:00", "Ada Bob Cy"), ("created_at", "lte", "2000-01-01", ""),
])  # fmt: skip
def test_it_finds_clients_by(shop: Caller, name: str, operator: str, value: Any, found: str) -> None:
    text = ",".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else value
    assert " ".join(names(shop, "/clients", **{f"{name}[{operator}]": text})) == found
    assert " ".join(names(shop, "/clients", filter=orjson.dumps({name: {f"${operator}": value}}).decode())) == found
    if operator == "eq":
        assert " ".join(names(shop, "/clients", **{name: text})) == found
        assert " ".join(names(shop, "/clients", filter=orjson.dumps({name: value}).decode())) == found


@pytest.mark.parametrize(("name", "operator", "value", "found"), [
    ("price", "eq", "1", "One"), ("price", "eq", 1, "One"), ("price", "gt", "1.00", "Ten Two"),
    ("price", "gte", "2.5", "Ten Two"),
    ("price", "lt", "10", "One Two"), ("price", "lte", 10, "One Ten Two"), ("price", "ne", "10.00", "One Two"),
    ("price", "in", ["1.0", 10], "One Ten"), ("price", "nin", ["1"], "Ten Two"),
    ("active", "eq", "false", "Two"), ("active", "eq", False, "Two"), ("active", "ne", True, "Two"),
    ("duration_minutes", "eq", "30", "One"), ("duration_minutes", "gt", 29, "One"),
    ("duration_minutes", "null", True, "Ten Two"),
    ("duration_minutes", "gt", "99999999999999999999", ""), ("duration_minutes", "lt", "99999999999999999999", "One"),
    ("duration_minutes", "eq", "99999999999999999999", ""), ("duration_minutes", "gte", -1, "One"),
    ("duration_minutes", "in", [30, "99999999999999999999"], "One"), ("duration_minutes", "ne", "-1", "One Ten Two"),
])  # fmt: skip
def test_it_finds_products_by(shop: Caller, name: str, operator: str, value: Any, found: str) -> None:
    tree = {name: {f"${operator}": value}}
    assert " ".join(names(shop, "/products", filter=orjson.dumps(tree).decode())) == found


def test_it_joins_conditions_with_and(shop: Caller) -> None:
    assert names(shop, "/clients", type="person", status="active") == ["Ada"]
    tree = '{"type": "person", "name": {"$startsWith": "C", "$endsWith": "y"}}'
    assert names(shop, "/clients", filter=tree) == ["Cy"]
    assert names(shop, "/clients", filter=tree, status="active") == []
    assert names(shop, "/clients", filter='{"email": null}') == ["Cy"]
    assert names(shop, "/clients", filter="{}") == ["Ada", "Bob", "Cy"]


def test_it_finds_invoices_of_a_client(shop: Caller) -> None:
    ada = shop.get("/clients?name=Ada").data[0]["id"]
    made = shop.post("/invoices", {"client_id": ada, "due_date": "2026-01-31"}).data
    for query in (
        f"client_id={ada}",
        f"client_id[in]={ada}",
        "due_date=2026-01-31",
        "due_date[lte]=2026-01-31",
        f"id={made['id']}",
    ):
        assert [row["id"] for row in shop.get(f"/invoices?{query}").data] == [made["id"]], query
    for query in ("due_date[lt]=2026-01-31", f"client_id[ne]={ada}", "due_date[null]=true"):
        assert shop.get(f"/invoices?{query}").data == [], query


def test_it_finds_by_when_records_were_made_and_changed(shop: Caller) -> None:
    day = shop.get("/clients").data[0]["created_at"][:10]
    assert len(shop.get(f"/clients?start_date={day}&end_date={day}").data) == 3
    assert shop.get(f"/clients?end_date={day}T00:00:00Z").data == []
    assert shop.get("/clients?end_date=9999-12-31").body["pagination"]["total"] == 3
    ada = shop.get("/clients?name=Ada").data[0]
    changed = shop.patch(f"/clients/{ada['id']}", {"notes": "met"}).data
    moment = quote(changed["updated_at"])
    assert [row["id"] for row in shop.get(f"/clients?updated_since={moment}").data] == [ada["id"]]
    assert len(shop.get(f"/clients?start_date={quote(ada['created_at'])}").data) == 3


@pytest.mark.parametrize(("query", "code", "name", "told"), [
    ("nope=1", "VALIDATION_ERROR", "nope", "Unknown parameter. Known: name, type, status"),
    ("name[near]=1", "INVALID_FILTER", "name[near]", "unknown operator 'near'. Known here: eq, ne"),
    ("type[gt]=person", "INVALID_FILTER", "type[gt]", "unknown operator 'gt'"),
    ("type=robot", "INVALID_FILTER", "type", "Must be one of: person, company."),
    ("type[in]=person,robot", "INVALID_FILTER", "type[in]", "Must be one of: person, company."),
    ("id=cli_1", "INVALID_FILTER", "id", "expected cli_ and 26 characters"),
    ("id=prd_01h455vb4pex5vsknk084sn02q", "INVALID_FILTER", "id", "expected cli_"),
    ("created_at=yesterday", "INVALID_FILTER", "created_at", "ISO 8601"),
    ("start_date=2026-02-30", "VALIDATION_ERROR", "start_date", "ISO 8601"),
    ("email[null]=maybe", "INVALID_FILTER", "email[null]", "true or false"),
    ("name=", "INVALID_FILTER", "name", "1 to 500 characters"),
    ("name[in]=", "INVALID_FILTER", "name[in]", "1 to 500 characters"),
    (f"name={'x' * 501}", "INVALID_FILTER", "name", "1 to 500 characters"),
    (f"name[in]={',x' * 101}", "INVALID_FILTER", "name[in]", "1 to 100 values"),
    ("name=a&name=b", "VALIDATION_ERROR", "name", "more than once"),
    ("filter=x", "INVALID_FILTER", "filter", "not valid JSON"),
    ("filter=[1]", "INVALID_FILTER", "filter", "Must be a JSON object"),
    ('filter={"nope":1}', "INVALID_FILTER", "filter", "Unknown field 'nope'. Known: name, type"),
    ('filter={"name":{"eq":1}}', "INVALID_FILTER", "filter", "operators start with $"),
    ('filter={"name":{"$near":1}}', "INVALID_FILTER", "filter", "unknown operator 'near'"),
    ('filter={"name":{"$eq":{"a":1}}}', "INVALID_FILTER", "filter", "single value"),
    ('filter={"name":{"$in":"Ada"}}', "INVALID_FILTER", "filter", "Must be a list"),
    ('filter={"name":"a","name":"b"}', "INVALID_FILTER", "filter", "occurs twice"),
])  # fmt: skip
def test_it_names_what_does_not_fit(shop: Caller, query: str, code: str, name: str, told: str) -> None:
    answer = shop.get(f"/clients?{query}")
    assert (answer.status, answer.error["code"]) == (400, code), answer.body
    assert answer.error["details"]["field"] == name
    assert told in answer.error["details"]["fields"][name][0]
    assert answer.error["message"].startswith(f"{name}: ")


@pytest.mark.parametrize("value", ["1.5", "1e5", "-1e999999999", "NaN", "abc", "1,0", "0x1F"])
def test_it_takes_whole_numbers_for_whole_columns(acme: Caller, value: str) -> None:
    answer = acme.get(f"/products?{urlencode({'duration_minutes': value})}")
    assert (answer.status, answer.error["code"]) == (400, "INVALID_FILTER"), answer.body


def test_it_takes_twenty_conditions_at_most(acme: Caller) -> None:
    tree = {
        name: {f"${operator}": "x" for operator in ("eq", "ne", "contains", "startsWith")} for name in ("name", "email")
    }
    many = {**tree, **dict.fromkeys(("phone", "company_name", "language"), tree["name"])}
    assert acme.get(f"/clients?filter={orjson.dumps(many).decode()}").status == 200
    answer = acme.get(f"/clients?filter={orjson.dumps(many).decode()}&type=person")
    assert "At most 20 conditions" in answer.error["message"]
