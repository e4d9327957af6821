"""The fields of bodies: unknown ones are named with the nearest, read-only ones are no one's to set."""

from typing import Any

import pytest

from tests.conftest import Caller


@pytest.mark.parametrize(("body", "field", "told"), [
    ({"name": "Ada", "emial": "x"}, "emial", "Unknown field. Did you mean email?"),
    ({"name": "Ada", "zzz": 1}, "zzz", "Unknown field. Known: name, type, status, email"),
    ({"name": "Ada", "tenant_id": 1}, "tenant_id", "Unknown field"),
    ({"name": "Ada", "search": "x"}, "search", "Unknown field"),
    ({"name": "Ada", "version": 9}, "version", "Unknown field"), ({"name": "Ada", "": 1}, "body", "Unknown field"),
    ({"name": "Ada", "billing_address": {"sity": "Wien"}}, "billing_address.sity", "Did you mean city?"),
    ({"name": "Ada", "contact_points": [{"kind": "web", "value": "x", "prim": 1}]}, "contact_points.0.prim", "primary"),
    ({"name": "Ada", "billing_address": [1]}, "billing_address", "Expected a dictionary"),
    ({"name": "Ada", "contact_points": {"kind": "web"}}, "contact_points", "Expected a list"),
    ({"name": "Ada", "contact_points": [1]}, "contact_points.0", "Expected a dictionary"),
    ({"name": "Ada", "tags": ["ok", 1]}, "tags.1", "Must be a string."),
    ({"name": "Ada", "tags": ["x"] * 51}, "tags", "no more than 50"),
    ({}, "name", "required"), ({"name": None}, "name", "null"), ({"name": "  "}, "name", "blank"),
    ({"name": 5}, "name", "Must be a string."),
    ({"name": True}, "name", "Must be a string."), ({"name": "x" * 201}, "name", "no more than 200"),
    ({"name": "Ada", "type": "robot"}, "type", "Must be one of: person, company."),
    ({"name": "Ada", "type": None}, "type", "null"),
    ([], "body", "Must be a JSON object."), ("x", "body", "JSON object."), (5, "body", "JSON object."),
])  # fmt: skip
def test_it_names_the_field(acme: Caller, body: Any, field: str, told: str) -> None:
    answer = acme.post("/clients", body)
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR"), answer.body
    assert told in answer.error["details"]["fields"][field][0]
    assert answer.error["details"]["field"] == field
    assert answer.error["message"].startswith(f"{field}: ")


def test_it_names_every_wrong_field_at_once(acme: Caller) -> None:
    answer = acme.post("/clients", {"email": "x", "phone": "y", "currency": "zz", "tags": [1, 2]})
    assert answer.error["details"]["fields"].keys() == {"name", "email", "phone", "currency", "tags.0", "tags.1"}


def test_it_names_twenty_unknown_fields_and_no_more(acme: Caller) -> None:
    answer = acme.post("/clients", {f"x{number}": 1 for number in range(50_000)})
    assert len(answer.error["details"]["fields"]) == 20


@pytest.mark.parametrize("body", [None, b"null"])
def test_it_misses_a_body(acme: Caller, body: Any) -> None:
    answer = acme.post("/clients", body)
    assert (answer.status, answer.error["details"]["field"]) == (400, "body")


def test_it_takes_a_record_back_as_it_gave_it(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada", "email": "ada@example.com"}).data
    back = acme.put(
        f"/clients/{made['id']}", {**made, "id": "cli_x", "created_at": "2000-01-01T00:00:00Z", "name": "Bob"}
    )
    assert back.status == 200, back.body
    assert back.data == {**made, "name": "Bob", "updated_at": back.data["updated_at"]}


def test_it_never_sets_what_is_the_servers(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    own = {"number": "INV-1", "status": "paid", "total": "5", "amount_due": "0", "sent_at": "2026-01-01T00:00:00Z"}
    made = acme.post("/invoices", {"client_id": client, **own}).data
    assert (made["number"], made["status"], made["total"], made["sent_at"]) == (None, "draft", "0.00", None)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_it_changes_the_fields_that_are_sent(acme: Caller, method: str) -> None:
    made = acme.post("/clients", {"name": "Ada", "email": "ada@example.com", "billing_address": {"city": "Wien"}}).data
    path = f"/clients/{made['id']}"
    assert acme(method, path, {"notes": "met"}).data["email"] == "ada@example.com"
    address = acme(method, path, {"billing_address": {"country": "at"}}).data["billing_address"]
    assert (address["city"], address["country"]) == (None, "AT")
    assert acme(method, path, {"email": None, "billing_address": None}).data["billing_address"] is None


def test_it_takes_no_body_where_a_command_has_none(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    path = f"/invoices/{acme.post('/invoices', {'client_id': client}).data['id']}/void"
    assert acme.post(path, {"reason": "x"}).error["details"]["fields"] == {"reason": ["This command takes no body."]}
    assert acme.post(path, [1]).status == 400
    assert acme.post(path, {}).status == 200
