"""PUT with an external reference: it makes the record or changes it, says which, and makes one however many ask."""

from crm.contracts.registry import REGISTRY
from tests.conftest import Caller
from tests.crowd import at_once

CROWD = 20


def test_it_says_what_it_did(acme: Caller) -> None:
    made = acme.put("/clients?external_ref=A-1", {"name": "Ada"})
    assert (made.status, made.body["outcome"], made.data["external_ref"]) == (201, "created", "A-1")
    assert (made.headers["Location"], made.headers["ETag"]) == (f"/v1/clients/{made.data['id']}", '"1"')
    changed = acme.put("/clients?external_ref=A-1", {"email": "ada@example.com", "external_ref": "A-1"})
    assert (changed.status, changed.body["outcome"], changed.data["name"]) == (200, "updated", "Ada")
    assert (changed.data["id"], changed.headers["ETag"]) == (made.data["id"], '"2"')
    same = acme.put("/clients?external_ref=A-1", {"email": "ada@example.com"})
    assert (same.status, same.body["outcome"], same.headers["ETag"]) == (200, "unchanged", '"2"')
    types = [event["type"] for event in acme.get(f"/clients/{made.data['id']}/events").data]
    assert types == ["client.created", "client.updated"]


def test_a_crowd_makes_one_record(acme: Caller) -> None:
    answers = at_once(CROWD, lambda index: acme.put("/clients?external_ref=A", {"name": f"Client {index}"}))
    assert sorted(answer.status for answer in answers) == [200] * (CROWD - 1) + [201]
    assert len({answer.data["id"] for answer in answers}) == 1
    found = acme.get("/clients").data
    assert len(found) == 1
    assert len(acme.get(f"/clients/{found[0]['id']}/events").data) == CROWD


def test_a_crowd_of_batches_makes_one_record_of_each(acme: Caller) -> None:
    refs = [f"R-{index}" for index in range(10)]

    def act(index: int) -> int:
        turned = refs if index % 2 else refs[::-1]
        operations = [{"op": "upsert", "external_ref": ref, "data": {"name": f"{index}"}} for ref in turned]
        return acme.post("/clients/batch", {"operations": operations}).status

    assert set(at_once(6, act)) == {200}
    assert sorted(row["external_ref"] for row in acme.get("/clients").data) == refs


def test_it_asks_of_a_new_record_what_post_asks(acme: Caller) -> None:
    answer = acme.put("/clients?external_ref=A", {"email": "ada@example.com"})
    assert (answer.status, answer.error["details"]["field"]) == (400, "name")


def test_it_takes_the_reference_and_nothing_else(acme: Caller) -> None:
    for query, body, field in (
        ("", {"name": "Ada"}, "external_ref"),
        ("?external_ref=", {"name": "Ada"}, "external_ref"),
        (f"?external_ref={'x' * 101}", {"name": "Ada"}, "external_ref"),
        ("?external_ref=A&limit=1", {"name": "Ada"}, "limit"),
        ("?external_ref=A&external_ref=B", {"name": "Ada"}, "external_ref"),
        ("?external_ref=A", {"name": "Ada", "external_ref": "B"}, "external_ref"),
        ("?external_ref=A", {"name": "Ada", "external_ref": None}, "external_ref"),
        ("?external_ref=A", {"nmae": "Ada"}, "nmae"),
        ("?external_ref=A", [], "body"),
    ):
        answer = acme.put(f"/clients{query}", body)
        assert (answer.status, answer.error["details"]["field"]) == (400, field), query
    assert "?external_ref=" in acme.put("/clients", {"name": "Ada"}).error["message"]
    assert acme.get("/clients").data == []


def test_it_changes_only_the_version_that_is_named(acme: Caller) -> None:
    assert acme.put("/clients?external_ref=A", {"name": "Ada"}, If_Match='"1"').status == 412
    acme.put("/clients?external_ref=A", {"name": "Ada"})
    assert acme.put("/clients?external_ref=A", {"name": "B"}, If_Match='"2"').status == 412
    assert acme.put("/clients?external_ref=A", {"name": "B"}, If_Match='"1"').status == 200


def test_another_tenants_reference_is_free(acme: Caller, globex: Caller) -> None:
    globex.put("/clients?external_ref=A", {"name": "Theirs"})
    assert acme.put("/clients?external_ref=A", {"name": "Ours"}).status == 201
    assert globex.get("/clients").data[0]["name"] == "Theirs"


def test_a_part_of_a_resource_leaves_the_others_alone(acme: Caller) -> None:
    acme.put("/products?external_ref=P", {"name": "Pipe", "price": "1.00", "type": "product"})
    registry = acme.on(REGISTRY)
    answer = registry.put("/services?externalRef=P", {"name": "Visit", "price": "1.00"})
    assert (answer.status, list(answer.body["details"])) == (409, ["externalRef"])
    made = registry.put("/services?externalRef=S", {"name": "Visit", "price": "1.00"})
    assert (made.status, made.body["outcome"]) == (201, "created")


def test_it_makes_documents_too_and_leaves_frozen_ones(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    line = {"description": "Work", "quantity": "1", "rate": "10.00"}
    made = acme.put("/invoices?external_ref=I", {"client_id": client, "line_items": [line]})
    assert (made.status, made.data["total"]) == (201, "10.00")
    acme.post(f"/invoices/{made.data['id']}/send")
    assert acme.put("/invoices?external_ref=I", {"line_items": []}).status == 409
    assert acme.put("/invoices?external_ref=I", {"notes": "Thanks."}).body["outcome"] == "updated"


def test_it_happens_once_for_each_key(acme: Caller) -> None:
    first = acme.put("/clients?external_ref=A", {"name": "Ada"}, Idempotency_Key="one")
    again = acme.put("/clients?external_ref=A", {"name": "Ada"}, Idempotency_Key="one")
    assert (again.status, again.raw, again.headers["Idempotent-Replayed"]) == (201, first.raw, "true")


def test_it_takes_the_scope_to_write(acme: Caller) -> None:
    assert (
        acme.with_scopes("clients:read", "clients:delete").put("/clients?external_ref=A", {"name": "A"}).status == 403
    )
    assert acme.with_scopes("clients:write").put("/clients?external_ref=A", {"name": "A"}).status == 201
