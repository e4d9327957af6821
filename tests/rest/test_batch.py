"""Batches: many changes in one call, all of them or each for itself, and what each of them leaves."""

from typing import Any

from crm.contracts.public import PUBLIC
from crm.contracts.registry import REGISTRY
from tests.conftest import Answer, Caller, make_key
from tests.crowd import at_once
from tests.records import Records
from tests.rest.test_statements import counted

# The credential, the rows and their events; documents have clients to look up, and lines.
PLAIN, WITH_LINES = 3, 6


def sent(*operations: Any, atomic: bool = False) -> dict[str, Any]:
    return {"atomic": atomic, "operations": list(operations)}


def new(**data: Any) -> dict[str, Any]:
    return {"op": "create", "data": data}


def many(count: int) -> dict[str, Any]:
    return sent(*(new(name=f"Client {index}", external_ref=f"R-{index}") for index in range(count)))


def outcomes(answer: Answer) -> list[Any]:
    return [item.get("outcome") or item["status"] for item in answer.data["results"]]


def test_it_answers_each_operation_in_its_place(acme: Caller) -> None:
    there = acme.post("/clients", {"name": "Ada", "external_ref": "A"}).data
    gone = acme.post("/clients", {"name": "Bob"}).data
    answer = acme.post(
        "/clients/batch",
        sent(
            new(name="Cy"),
            {"op": "update", "id": there["id"], "version": 1, "data": {"name": "Ada L."}},
            {"op": "delete", "id": gone["id"]},
            {"op": "upsert", "external_ref": "B", "data": {"name": "Bea"}},
            new(email="no address"),
            {"op": "update", "external_ref": "none", "data": {"name": "x"}},
        ),
    )
    results = answer.data["results"]
    assert (answer.status, answer.data["succeeded"], answer.data["failed"]) == (200, 4, 2)
    assert [item["index"] for item in results] == [0, 1, 2, 3, 4, 5]
    assert [item["status"] for item in results] == [201, 200, 200, 201, 400, 404]
    assert outcomes(answer) == ["created", "updated", "deleted", "created", 400, 404]
    assert results[0]["data"] == acme.get(f"/clients/{results[0]['id']}").data
    assert results[1]["data"] == acme.get(f"/clients/{there['id']}").data
    assert (results[1]["version"], results[3]["data"]["external_ref"]) == (2, "B")
    assert acme.get(f"/clients/{gone['id']}").status == 404


def test_what_fails_is_answered_as_by_itself(acme: Caller) -> None:
    alone = acme.post("/clients", {"name": 5, "emial": "x"}).error
    told = acme.post("/clients/batch", sent(new(name=5, emial="x"))).data["results"][0]["error"]
    assert {**told, "request_id": ""} == {**alone, "request_id": ""}


def test_all_or_none_leaves_nothing_where_one_fails(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada", "external_ref": "A"})
    answer = acme.post(
        "/clients/batch", sent(new(name="B"), new(name="C", external_ref="A"), new(name="D"), atomic=True)
    )
    assert (answer.status, answer.code) == (409, "CONFLICT")
    assert answer.error["details"]["field"] == "operations.1.data.external_ref"
    assert [item["status"] for item in answer.error["details"]["results"]] == [424, 409, 424]
    assert acme.get("/clients").body["pagination"]["total"] == 1
    assert acme.get("/events?resource=client").body["pagination"]["total"] == 1


def test_all_or_none_names_every_field_that_does_not_fit(acme: Caller) -> None:
    answer = acme.post("/clients/batch", sent(new(name="B"), new(email="no"), new(name=5), atomic=True))
    assert answer.status == 400
    assert {"operations.1.data.email", "operations.2.data.name"} <= answer.error["details"]["fields"].keys()


def test_one_that_clashes_keeps_no_other_from_being_made(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada", "external_ref": "R-7"})
    answer = acme.post("/clients/batch", many(20))
    assert outcomes(answer) == ["created"] * 7 + [409] + ["created"] * 12
    assert acme.get("/clients").body["pagination"]["total"] == 20


def test_every_change_leaves_one_event_in_the_order_of_the_operations(acme: Caller) -> None:
    known = [acme.post("/clients", {"name": name}).data["id"] for name in ("Ada", "Bob")]
    begun = acme.get("/events?after=now").body["pagination"]["next_cursor"]
    answer = acme.post(
        "/clients/batch",
        sent(
            new(name="C"),
            {"op": "update", "id": known[0], "data": {"name": "A"}},
            {"op": "update", "id": known[1], "data": {"name": "Bob"}},
            new(name=5),
            new(name="D"),
            new(name="E"),
        ),
    )
    events = acme.get(f"/events?after={begun}").data
    results = answer.data["results"]
    assert [event["type"] for event in events] == [
        "client.created", "client.updated", "client.created", "client.created",
    ]  # fmt: skip
    assert [event["record_id"] for event in events] == [results[place]["id"] for place in (0, 1, 4, 5)]
    assert events[0]["data"] == results[0]["data"]
    assert outcomes(answer)[2] == "unchanged"


def test_a_hundred_take_as_many_statements_as_two(acme: Caller) -> None:
    acme.post("/clients/batch", sent(new(name="A"), new(name="B")))
    with counted() as statements:
        assert outcomes(acme.post("/clients/batch", many(100))) == ["created"] * 100
    assert len(statements) <= PLAIN, statements


def test_documents_are_made_together_too(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    lines = [{"description": "Work", "quantity": "2", "rate": "50.00"}] * 2
    body = sent(*(new(client_id=client, line_items=lines, external_ref=f"I-{index}") for index in range(30)))
    acme.post("/invoices/batch", sent(*body["operations"][:1]))
    body["operations"][0] = new(client_id=client, line_items=[{"description": "no rate"}])
    with counted() as few:
        acme.post("/quotes/batch", sent(*(new(client_id=client, line_items=lines) for _ in range(30))))
    answer = acme.post("/invoices/batch", body)
    assert len(few) <= WITH_LINES, few
    assert outcomes(answer) == [400] + ["created"] * 29
    assert answer.data["results"][0]["error"]["details"]["field"] == "line_items.0.rate"
    assert answer.data["results"][1]["data"]["total"] == "200.00"
    assert len(acme.get(f"/invoices/{answer.data['results'][5]['id']}").data["line_items"]) == 2


def test_another_tenants_records_are_like_none(acme: Caller, globex: Caller) -> None:
    theirs = globex.post("/clients", {"name": "Theirs", "external_ref": "T"}).data["id"]
    for named in ({"id": theirs}, {"external_ref": "T"}, {"id": "cli_nonsense"}):
        for op in ({"op": "update", "data": {"name": "x"}}, {"op": "delete"}):
            assert outcomes(acme.post("/clients/batch", sent({**op, **named}))) == [404]
    invoice = new(client_id=theirs, line_items=[])
    unknown = new(client_id="cli_01h455vb4pex5vsknk084sn02q", line_items=[])
    told = [item["error"]["message"] for item in acme.post("/invoices/batch", sent(invoice, unknown)).data["results"]]
    assert told[0] == told[1]
    assert globex.get(f"/clients/{theirs}").data["name"] == "Theirs"


CASES: tuple[tuple[Any, str], ...] = (
    ([], "body"),
    ({}, "operations"),
    ({"operations": {}}, "operations"),
    ({"operations": []}, "operations"),
    ({"operations": [new(name="x")] * 101}, "operations"),
    ({"operations": [new(name="x")], "atomic": "yes"}, "atomic"),
    ({"operations": [new(name="x")], "atmic": True}, "atmic"),
    (sent("x"), "operations.0"),
    (sent([]), "operations.0"),
    (sent(new(name="x"), {"data": {}}), "operations.1.op"),
    (sent({"op": "merge"}), "operations.0.op"),
    (sent({"op": ["create"]}), "operations.0.op"),
    (sent({"op": {}}), "operations.0.op"),
    (sent({"op": "create"}), "operations.0.data"),
    (sent({"op": "create", "data": []}), "operations.0.data"),
    (sent({"op": "create", "data": {}, "id": "x"}), "operations.0.id"),
    (sent({"op": "create", "data": {}, "dta": {}}), "operations.0.dta"),
    (sent({"op": "delete", "id": "x", "data": {}}), "operations.0.data"),
    (sent({"op": "update", "data": {}}), "operations.0.id"),
    (sent({"op": "update", "id": 5, "data": {}}), "operations.0.id"),
    (sent({"op": "update", "id": "x", "external_ref": "y", "data": {}}), "operations.0.id"),
    (sent({"op": "update", "id": "x", "version": "1", "data": {}}), "operations.0.version"),
    (sent({"op": "update", "id": "x", "version": True, "data": {}}), "operations.0.version"),
    (sent({"op": "upsert", "data": {}}), "operations.0.external_ref"),
    (sent({"op": "upsert", "external_ref": " ", "data": {}}), "operations.0.external_ref"),
    (sent({"op": "upsert", "external_ref": "x" * 101, "data": {}}), "operations.0.external_ref"),
    (sent({"op": "upsert", "external_ref": {}, "data": {}}), "operations.0.external_ref"),
    (sent({"op": "upsert", "external_ref": "x", "data": {"external_ref": "y"}}), "operations.0.data.external_ref"),
    (sent(*[{"op": "delete", "external_ref": "x"}] * 2), "operations.1.external_ref"),
)


def test_it_names_what_does_not_fit(acme: Caller) -> None:
    for body, field in CASES:
        answer = acme.post("/clients/batch", body)
        assert (answer.status, answer.code) == (400, "VALIDATION_ERROR"), body
        assert answer.error["details"]["field"] == field, body
    assert acme.get("/clients").body["pagination"]["total"] == 0


def test_no_record_is_in_two_operations_however_it_is_named(acme: Caller) -> None:
    one = acme.post("/clients", {"name": "Ada", "external_ref": "A"}).data["id"]
    twice = sent({"op": "delete", "id": one}, {"op": "update", "external_ref": "A", "data": {"name": "x"}})
    answer = acme.post("/clients/batch", twice)
    assert (answer.status, answer.error["details"]["field"]) == (400, "operations.1.external_ref")
    assert acme.get(f"/clients/{one}").data["name"] == "Ada"


def test_a_version_that_is_over_is_refused(acme: Caller) -> None:
    one = acme.post("/clients", {"name": "Ada"}).data["id"]
    stale = {"id": one, "version": 7}
    for operation in ({"op": "update", **stale, "data": {"name": "x"}}, {"op": "delete", **stale}):
        assert outcomes(acme.post("/clients/batch", sent(operation))) == [412]


def test_garbage_in_fields_fails_by_itself(acme: Caller) -> None:
    junk: tuple[Any, ...] = ([], {}, [[[{}]]], {"a": {"b": []}}, 2**53, -1.5, True, "x" * 20_000)
    operations = [new(name="ok", **{field: value}) for field in ("tags", "email", "billing_address") for value in junk]
    answer = acme.post("/clients/batch", sent(*operations, new(name="fine")))
    assert answer.status == 200
    assert {item["status"] for item in answer.data["results"]} <= {201, 400}
    assert answer.data["results"][-1]["status"] == 201


def test_each_operation_counts(acme: Caller) -> None:
    caller = Caller(acme.tenant, make_key(acme.tenant, "admin", per_minute=1000, per_day=60))
    first = caller.post("/clients/batch", many(50))
    assert first.headers["X-RateLimit-Remaining"] == "950"
    second = caller.post("/clients/batch", many(50))
    assert (second.status, second.error["details"]["window"]) == (429, "day")
    assert int(second.headers["Retry-After"]) > 0
    third = caller.post("/clients/batch", sent(*(new(name="x") for _ in range(8))))
    assert third.status == 200
    assert third.headers["X-RateLimit-Remaining"] == "941"


def test_it_happens_once_for_each_key(acme: Caller) -> None:
    answers = at_once(8, lambda _: acme.post("/clients/batch", many(20), Idempotency_Key="one"))
    assert {answer.status for answer in answers} <= {200, 409}
    again = acme.post("/clients/batch", many(20), Idempotency_Key="one")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.raw in {answer.raw for answer in answers}
    assert acme.get("/clients").body["pagination"]["total"] == 20


def test_a_deletion_takes_the_scope_of_one(acme: Caller) -> None:
    one = acme.post("/clients", {"name": "Ada"}).data["id"]
    body = sent({"op": "delete", "id": one})
    refused = acme.with_scopes("clients:write").post("/clients/batch", body)
    assert (refused.status, refused.error["details"]["required_scope"]) == (403, "clients:delete")
    assert acme.with_scopes("clients:delete").post("/clients/batch", body).status == 403
    assert acme.with_scopes("clients:write", "clients:delete").post("/clients/batch", body).status == 200


def test_it_offers_what_each_contract_offers_one_by_one(acme: Caller) -> None:
    for path, ops in (
        ("/products", "create, update, upsert"),
        ("/tasks", "create, update, delete"),
        ("/marketing/consents", "create"),
        ("/webhooks", "update, delete"),
    ):
        assert acme.post(f"{path}/batch", sent({"op": "?"})).error["message"].endswith(f"Must be one of: {ops}.")
    assert acme.post("/events/batch", sent(new())).status in (404, 405)
    assert acme.post("/keys/batch", sent(new())).status in (404, 405)


def test_each_contract_says_it_in_its_words(acme: Caller) -> None:
    registry, public = acme.on(REGISTRY), acme.on(PUBLIC)
    upsert = {"op": "upsert", "externalRef": "A", "data": {"name": "Ada", "companyName": "Ada Ltd"}}
    answer = registry.post("/customers/batch", sent(upsert, new(companyName="x")))
    assert [item["status"] for item in answer.data["results"]] == [201, 400]
    assert answer.data["results"][1]["code"] == "VALIDATION_FAILED"
    assert answer.data["results"][1]["details"] == {"name": "This field is required."}
    assert registry.post("/customers/batch", []).status == 422
    wrong = registry.post("/customers/batch", sent({**upsert, "externalRef": ""}))
    assert list(wrong.body["details"]) == ["operations.0.externalRef"]
    assert outcomes(public.post("/customers/batch", sent({"op": "upsert", "external_ref": "A", "data": {}}))) == [
        "unchanged"
    ]


def test_every_resource_takes_its_own_records(acme: Caller) -> None:
    records = Records(acme)
    for path in ("tasks", "projects", "leads", "products", "appointments", "comments", "payments"):
        model = next(model for model in records.makers if model._meta.verbose_name_plural == path)
        one = records.make(model, full=True)
        answer = acme.post(f"/{path}/batch", sent({"op": "update", "id": one, "data": {}}))
        assert outcomes(answer) == ["unchanged"], (path, answer.body)
