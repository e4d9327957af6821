"""Orders: confirmed, fulfilled or cancelled, and billed once."""

from typing import Any

import pytest
from django.utils import timezone

from tests.conftest import Caller
from tests.crowd import at_once

LINE = {"description": "Boiler", "quantity": 2, "rate": "600", "discount_percent": 10}


def make(caller: Caller, **fields: Any) -> str:
    """Return the path of a new order."""
    client = caller.post("/clients", {"name": "Ada"}).data["id"]
    made = caller.post("/orders", {"client_id": client, "line_items": [LINE], **fields})
    assert made.status == 201, made.body
    return f"/orders/{made.data['id']}"


def confirmed(caller: Caller) -> str:
    path = make(caller)
    assert caller.post(f"{path}/confirm").status == 200
    return path


def types_of(caller: Caller, path: str) -> list[str]:
    return [event["type"] for event in caller.get(f"{path}/events").data]


def test_it_goes_from_draft_to_its_invoice(acme: Caller) -> None:
    path = make(acme, notes="Ring twice")
    draft = acme.get(path).data
    assert (draft["status"], draft["number"], draft["total"]) == ("draft", None, "1080.00")
    done = acme.post(f"{path}/confirm").data
    assert (done["number"], bool(done["confirmed_at"])) == (f"ORD-{timezone.now().year}-00001", True)
    assert acme.post(f"{path}/fulfill").data["status"] == "fulfilled"
    billed = acme.post(f"{path}/invoice")
    assert billed.status == 200, billed.body
    invoice = acme.get(f"/invoices/{billed.data['invoice_id']}?include=order").data
    assert (invoice["status"], invoice["total"], invoice["notes"]) == ("draft", "1080.00", "Ring twice")
    assert invoice["order"] == billed.data and invoice["line_items"] == draft["line_items"]
    assert types_of(acme, path) == [f"order.{verb}" for verb in ("created", "confirmed", "fulfilled", "invoiced")]
    assert acme.get(f"{path}?include=invoice.client").data["invoice"]["client"]["name"] == "Ada"


def test_it_is_billed_once_when_twenty_ask(acme: Caller) -> None:
    path = confirmed(acme)
    answers = at_once(20, lambda _: acme.post(f"{path}/invoice"))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 19
    made = acme.get(f"/invoices?order_id={path.rpartition('/')[2]}").data
    assert len(made) == 1
    refused = next(answer for answer in answers if answer.status == 409)
    assert refused.error["details"] == {"invoice_id": made[0]["id"]}


@pytest.mark.parametrize("state", ["draft", "cancelled"])
def test_it_bills_only_what_stands(acme: Caller, state: str) -> None:
    path = make(acme)
    acme.patch(f"{path}/status", {"status": state})
    refused = acme.post(f"{path}/invoice")
    assert refused.status == 409 and f"this is {state}" in refused.error["message"]
    assert acme.get("/invoices").data == []


def test_it_moves_by_its_table(acme: Caller) -> None:
    path = confirmed(acme)
    assert acme.post(f"{path}/confirm").error["details"]["allowed"] == ["fulfilled", "cancelled"]
    assert acme.patch(f"{path}/status", {"status": "fulfilled"}).data["fulfilled_at"]
    assert acme.post(f"{path}/cancel").error["details"] == {"status": "fulfilled", "allowed": []}


def test_it_is_not_called_off_while_its_invoice_stands(acme: Caller) -> None:
    path = confirmed(acme)
    invoice = acme.post(f"{path}/invoice").data["invoice_id"]
    assert acme.post(f"{path}/cancel").error["details"]["field"] == "invoice_id"
    acme.post(f"/invoices/{invoice}/void")
    assert acme.post(f"{path}/cancel").data["status"] == "cancelled"


def test_it_keeps_the_number_of_a_cancelled_draft(acme: Caller) -> None:
    assert acme.post(f"{make(acme, line_items=[])}/cancel").data["number"].endswith("-00001")
    assert acme.get(confirmed(acme)).data["number"].endswith("-00002")


def test_it_deletes_drafts_alone(acme: Caller) -> None:
    draft, path = make(acme), confirmed(acme)
    assert acme.delete(draft).status == 200
    refused = acme.delete(path)
    assert refused.status == 409 and "Cancel it" in refused.error["message"]


def test_it_keeps_a_draft_that_a_quote_became(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    quote = f"/quotes/{acme.post('/quotes', {'client_id': client, 'line_items': [LINE]}).data['id']}"
    acme.post(f"{quote}/send")
    acme.post(f"{quote}/accept", {"name": "Ada"})
    order = acme.post(f"{quote}/convert", {"to": "order"}).data["order_id"]
    refused = acme.delete(f"/orders/{order}")
    assert refused.error["details"]["referenced_by"] == {"quotes": 1}
    counts = acme.delete(f"/clients/{client}").error["details"]["referenced_by"]
    assert counts == {"quotes": 1, "orders": 1}


def test_it_stays_in_its_tenant(acme: Caller, globex: Caller) -> None:
    path = confirmed(acme)
    for verb in ("confirm", "fulfill", "cancel", "invoice"):
        assert globex.post(f"{path}/{verb}").status == 404
