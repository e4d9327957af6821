"""Batches: many changes in one call, all of them or each for itself, and what each of them leaves."""

from typing import Any

import pytest

from tests.conftest import Caller


def sent(*operations: dict[str, Any], atomic: bool = False) -> dict[str, Any]:
    return {"atomic": atomic, "operations": list(operations)}


def new(**data: Any) -> dict[str, Any]:
    return {"op": "create", "data": data}


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
            new(email="no address", name="x"),
            {"op": "update", "external_ref": "none", "data": {"name": "x"}},
        ),
    )
    assert answer.status == 200
    print(answer.body)
    results = answer.data["results"]
    assert [item["index"] for item in results] == [0, 1, 2, 3, 4, 5]
    assert [item["status"] for item in results] == [201, 200, 200, 201, 400, 404]
    assert [item.get("outcome") for item in results] == ["created", "updated", "deleted", "created", None, None]
    assert (answer.data["succeeded"], answer.data["failed"]) == (4, 2)
    assert results[1]["data"] == acme.get(f"/clients/{there['id']}").data
    assert acme.put("/clients?external_ref=Z", {"name": "Zed"}).status == 201
    print(acme.put("/clients?external_ref=Z", {"name": "Zed"}).body)
    atomic = acme.post("/clients/batch", sent(new(name="Cy"), {"op": "delete", "id": gone["id"]}, atomic=True))
    print(atomic.status, atomic.body)
