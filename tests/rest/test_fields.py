"""`fields` and `include`: what of a record is shown, and what lies inside it, two deep and by right."""

import pytest

from tests.conftest import Answer, Caller


@pytest.fixture
def bill(acme: Caller) -> str:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    made = acme.post("/invoices", {"client_id": client, "line_items": [{"description": "Work", "rate": "10"}]})
    return str(made.data["id"])


def inside(answer: Answer) -> dict[str, object]:
    assert answer.status == 200, answer.body
    return dict(answer.data[0] if isinstance(answer.data, list) else answer.data)


@pytest.mark.parametrize("one", [True, False], ids=["record", "list"])
@pytest.mark.parametrize(("query", "shown"), [
    ("fields=total", {"total"}), ("fields=total,id,total", {"id", "total"}), ("fields=line_items", {"line_items"}),
    ("fields=%20total%20,%20id", {"id", "total"}), ("fields=id&include=client", {"id", "client"}),
])  # fmt: skip
def test_it_shows_the_named_fields_alone(acme: Caller, bill: str, query: str, shown: set[str], one: bool) -> None:
    assert inside(acme.get(f"/invoices{f'/{bill}' if one else ''}?{query}")).keys() == shown


def test_it_shows_what_is_included_as_it_is_alone(acme: Caller, bill: str) -> None:
    invoice = acme.get(f"/invoices/{bill}").data
    client = acme.get(f"/clients/{invoice['client_id']}").data
    assert acme.get(f"/invoices/{bill}?include=client").data == {**invoice, "client": client}
    assert acme.get(f"/clients/{client['id']}?include=invoices").data == {**client, "invoices": [invoice]}
    deep = acme.get(f"/clients/{client['id']}?include=invoices.client").data
    assert deep == {**client, "invoices": [{**invoice, "client": client}]}
    assert acme.get(f"/clients/{client['id']}?include=invoices,invoices.client").data == deep
    assert acme.get("/clients?include=invoices.client").data == [deep]


def test_it_includes_nothing_as_an_empty_list(acme: Caller) -> None:
    path = f"/clients/{acme.post('/clients', {'name': 'Ada'}).data['id']}"
    assert acme.get(f"{path}?include=invoices").data["invoices"] == []


def test_it_includes_a_hundred_at_most(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    made = [acme.post("/invoices", {"client_id": client}).data["id"] for _ in range(101)]
    shown = acme.get(f"/clients/{client}?include=invoices").data["invoices"]
    assert [row["id"] for row in shown] == made[:0:-1]


@pytest.mark.parametrize(("query", "field", "told"), [
    ("fields=nope", "fields", "Unknown field 'nope'. Known: id, client_id"),
    ("fields=tenant", "fields", "Unknown field"),
    ("fields=search", "fields", "Unknown field"), ("fields=id,", "fields", "Unknown field ''"),
    ("fields=", "fields", "Unknown field ''"), ("fields=line_items.rate", "fields", "Unknown field"),
    ("include=nope", "include", "Unknown include 'nope'. Known: client"),
    ("include=client,", "include", "Unknown include ''"),
    ("include=client.invoices.client", "include", "at most 2 deep"), ("include=tenant", "include", "Unknown include"),
    ("include=client.nope", "include", "Unknown include 'client.nope'. Known: "),
])  # fmt: skip
def test_it_names_what_cannot_be_shown(acme: Caller, bill: str, query: str, field: str, told: str) -> None:
    for path in ("/invoices", f"/invoices/{bill}"):
        answer = acme.get(f"{path}?{query}")
        assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
        assert answer.error["details"]["field"] == field
        assert told in answer.error["message"]


@pytest.mark.parametrize(("scopes", "include", "missing"), [
    (["invoices:read"], "client", "clients:read"), (["clients:read"], "client.invoices", "invoices:read"),
    (["invoices:write"], "client", "invoices:read"),
])  # fmt: skip
def test_it_needs_the_scope_of_what_it_includes(
    acme: Caller, bill: str, scopes: list[str], include: str, missing: str
) -> None:
    caller = acme.with_scopes(*scopes)
    answer = caller.get(f"/invoices/{bill}?include={include}")
    expected = missing if "invoices:read" in scopes else "invoices:read"
    assert (answer.status, answer.error["details"]) == (403, {"required_scope": expected})


def test_it_needs_every_scope_down_the_path(acme: Caller, bill: str) -> None:
    client = acme.get(f"/invoices/{bill}").data["client_id"]
    reader = acme.with_scopes("clients:read")
    assert reader.get(f"/clients/{client}?include=invoices").error["details"] == {"required_scope": "invoices:read"}
    both = acme.with_scopes("clients:read", "invoices:read")
    assert both.get(f"/clients/{client}?include=invoices.client").status == 200


@pytest.mark.parametrize("name", ["limit", "sort", "search", "status", "cursor", "zzz"])
def test_it_takes_nothing_else_for_one_record(acme: Caller, bill: str, name: str) -> None:
    answer = acme.get(f"/invoices/{bill}?{name}=1")
    assert (answer.status, answer.error["details"]["field"]) == (400, name)
    assert "Known: fields, include" in answer.error["message"]
