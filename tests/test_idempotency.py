"""Idempotency-Key: effects happen once, whatever the caller repeats, and however many do it at once."""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.utils import timezone

from tests.conftest import Answer, Caller
from tests.crowd import at_once


def post_named(caller: Caller, name: str, _: int) -> Answer:
    return fresh(caller).post("/clients", {"name": name}, Idempotency_Key=name)


def fresh(caller: Caller) -> Caller:
    """Return a caller for another thread: Django's test client is not to be shared."""
    return Caller(caller.tenant, caller.key)


def test_it_replays_the_stored_answer(acme: Caller) -> None:
    first = acme.post("/clients", {"name": "Ada"}, Idempotency_Key="a-1")
    again = acme.post("/clients", {"name": "Ada"}, Idempotency_Key="a-1")
    assert (first.status, again.status) == (201, 201)
    assert again.raw == first.raw
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Location"] == first.headers["Location"]
    assert acme.get("/clients").body["pagination"]["total"] == 1


def test_it_makes_two_records_without_the_header(acme: Caller) -> None:
    ids = {acme.post("/clients", {"name": "Ada"}).data["id"] for _ in range(2)}
    assert len(ids) == 2


def test_it_refuses_another_body(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"}, Idempotency_Key="a-1")
    other = acme.post("/clients", {"name": "Bob"}, Idempotency_Key="a-1")
    assert (other.status, other.error["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    elsewhere = acme.post("/products", {"name": "Ada"}, Idempotency_Key="a-1")
    assert elsewhere.status == 422


def test_it_stores_only_success(acme: Caller) -> None:
    assert acme.post("/clients", {}, Idempotency_Key="a-1").status == 400
    assert acme.post("/clients", {"name": "Ada"}, Idempotency_Key="a-1").status == 201


def test_it_keeps_keys_of_one_tenant_apart(acme: Caller) -> None:
    other = acme.with_scopes("admin")
    ids = {caller.post("/clients", {"name": "Ada"}, Idempotency_Key="same").data["id"] for caller in (acme, other)}
    assert len(ids) == 2


def test_it_asks_for_todays_scope_before_it_replays(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"}, Idempotency_Key="a-1")
    reader = acme.with_scopes("clients:read")
    assert reader.post("/clients", {"name": "Ada"}, Idempotency_Key="a-1").status == 403


def test_it_forgets_after_a_day(acme: Caller) -> None:
    first = acme.post("/clients", {"name": "Ada"}, Idempotency_Key="a-1")
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        second = acme.post("/clients", {"name": "Bob"}, Idempotency_Key="a-1")
    assert second.status == 201, second.body
    assert second.data["id"] != first.data["id"]


def test_it_covers_changes_and_commands(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    line = {"description": "x", "rate": 1}
    invoice = acme.post("/invoices", {"client_id": client, "line_items": [line]}).data["id"]
    sent = [acme.post(f"/invoices/{invoice}/send", Idempotency_Key="s-1") for _ in range(2)]
    assert [answer.status for answer in sent] == [200, 200]
    patched = [acme.patch(f"/clients/{client}", {"name": "Bob"}, Idempotency_Key="p-1") for _ in range(2)]
    assert patched[0].raw == patched[1].raw


@pytest.mark.parametrize("key", ["", "é", "x" * 256, "a\tb"])
def test_it_refuses_keys_that_cannot_be_stored(acme: Caller, key: str) -> None:
    answer = acme.post("/clients", {"name": "Ada"}, Idempotency_Key=key)
    assert answer.status == 400
    assert "Idempotency-Key" in answer.error["message"]


def test_it_makes_one_row_of_fifty_at_once(acme: Caller) -> None:
    for turn in range(3):
        key = f"crowd-{turn}"
        answers = at_once(50, partial(post_named, acme, key))
        assert {answer.status for answer in answers} <= {201, 409}
        assert len({answer.data["id"] for answer in answers if answer.status == 201}) == 1
        check_losers(answers)
        assert acme.get(f"/clients?name={key}").body["pagination"]["total"] == 1


def check_losers(answers: list[Answer]) -> None:
    for answer in answers:
        if answer.status == 409:
            assert answer.error["code"] == "IDEMPOTENCY_IN_PROGRESS"
            assert answer.headers["Retry-After"] == "1"


def test_it_never_gives_one_callers_answer_to_another_body(acme: Caller) -> None:
    def act(index: int) -> tuple[str, Answer]:
        name = "even" if index % 2 else "odd"
        return name, fresh(acme).post("/clients", {"name": name}, Idempotency_Key="two-bodies")

    answers = at_once(50, act)
    assert acme.get("/clients").body["pagination"]["total"] == 1
    assert {answer.status for _, answer in answers} <= {201, 409, 422}
    assert all(answer.data["name"] == name for name, answer in answers if answer.status == 201)


def test_it_numbers_fifty_invoices_without_gap_or_double(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    body = {"client_id": client, "line_items": [{"description": "x", "rate": 1}]}
    drafts = [acme.post("/invoices", body).data["id"] for _ in range(50)]
    answers = at_once(50, lambda index: fresh(acme).post(f"/invoices/{drafts[index]}/send"))
    assert [answer.status for answer in answers] == [200] * 50
    numbers = sorted(int(answer.data["number"].rpartition("-")[2]) for answer in answers)
    assert numbers == list(range(1, 51))


def test_it_moves_an_invoice_once_under_fifty_at_once(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    draft = acme.post("/invoices", {"client_id": client, "line_items": [{"description": "x", "rate": 1}]}).data["id"]
    answers = at_once(50, lambda _: fresh(acme).post(f"/invoices/{draft}/send"))
    assert sorted({answer.status for answer in answers}) == [200, 409]
    assert sum(answer.status == 200 for answer in answers) == 1
    types = [event["type"] for event in acme.get(f"/invoices/{draft}/events").data]
    assert types == ["invoice.created", "invoice.sent"]
