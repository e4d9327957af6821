"""Invoices: totals, numbers, states, frozen lines."""

from decimal import Decimal

import pytest

from crm.errors import Conflict
from crm.money import totals_of
from crm.resources.invoices import rules
from crm.resources.invoices.models import Invoice, InvoiceLine
from tenants.actor import Actor
from tenants.ids import decode
from tenants.scope import tenant_scope
from tests.conftest import Caller


@pytest.fixture
def client_id(acme: Caller) -> str:
    return str(acme.post("/clients", {"name": "Ada"}).data["id"])


def test_it_takes_the_documents_request(acme: Caller, client_id: str) -> None:
    line = {"description": "Service", "quantity": 1, "rate": 100.00}
    made = acme.post("/invoices", {"client_id": client_id, "due_date": "2024-12-31", "line_items": [line]})
    assert made.status == 201, made.body
    assert (made.data["total"], made.data["amount_due"], made.data["status"]) == ("100.00", "100.00", "draft")
    assert acme.get(f"/invoices/{made.data['id']}").data == made.data


@pytest.mark.parametrize(("currency", "rate", "quantity", "total"), [
    ("USD", "0.1", 3, "0.30"), ("JPY", "100", "1.5", "150"), ("KWD", "0.0005", 1, "0.000"),
    ("KWD", "1.2345", 1, "1.234"),
    ("EUR", "0.125", 1, "0.12"), ("EUR", "0.135", 1, "0.14"),
])  # fmt: skip
def test_it_rounds_half_even_by_currency(currency: str, rate: str, quantity: object, total: str) -> None:
    line = InvoiceLine(quantity=Decimal(str(quantity)), rate=Decimal(rate))
    assert str(totals_of([line], currency).total) == total


def test_it_moves_by_its_table(acme: Caller, client_id: str) -> None:
    line = {"description": "Service", "quantity": 2, "rate": "50", "tax_rate": 20, "discount_percent": 10}
    made = acme.post("/invoices", {"client_id": client_id, "line_items": [line]}).data
    path = f"/invoices/{made['id']}"
    assert (made["subtotal"], made["total"]) == ("100.00", "108.00")
    sent = acme.post(f"{path}/send")
    assert sent.status == 200, sent.body
    assert sent.data["number"].endswith("-00001") and sent.data["status"] == "sent"
    frozen = acme.patch(path, {"line_items": []})
    assert frozen.status == 409
    wrong = acme.patch(f"{path}/status", {"status": "draft"})
    assert wrong.status == 409 and wrong.error["code"] == "INVALID_TRANSITION"
    assert wrong.error["details"]["allowed"] == ["paid", "overdue", "void", "uncollectible"]
    paid = acme.patch(f"{path}/status", {"status": "paid"})
    assert paid.data["amount_due"] == "0.00" and paid.data["amount_paid"] == "108.00"
    history = acme.get(f"{path}/events")
    assert [event["type"] for event in history.data] == ["invoice.created", "invoice.sent", "invoice.paid"]
    assert acme.get("/invoices?include=client&search=ada").data[0]["client"]["name"] == "Ada"
    assert (
        acme.get(f"/clients/{client_id}?include=invoices.client").data["invoices"][0]["number"] == sent.data["number"]
    )
    refused = acme.delete(f"/clients/{client_id}")
    assert refused.status == 409 and refused.error["details"]["referenced_by"] == {"invoices": 1, "payments": 1}, (
        refused.body
    )


def test_it_deletes_drafts_and_nothing_with_a_number(acme: Caller, client_id: str) -> None:
    body = {"client_id": client_id, "line_items": [{"description": "x", "rate": 1}]}
    draft, sent = (acme.post("/invoices", body).data["id"] for _ in range(2))
    acme.post(f"/invoices/{sent}/send")
    actor = Actor.system(acme.tenant, "shell")
    with tenant_scope(acme.tenant.id):
        rules.delete(Invoice.objects.of(acme.tenant).get(pk=decode("inv", draft)), actor=actor)
        with pytest.raises(Conflict, match="Only drafts can be deleted"):
            rules.delete(Invoice.objects.of(acme.tenant).get(pk=decode("inv", sent)), actor=actor)
    assert acme.get(f"/invoices/{draft}").status == 404
    assert acme.get(f"/invoices/{draft}/events").data[-1]["type"] == "invoice.deleted"
    assert acme.delete(f"/invoices/{sent}").status == 405


def test_it_sends_no_empty_invoice(acme: Caller, client_id: str) -> None:
    draft = acme.post("/invoices", {"client_id": client_id}).data["id"]
    refused = acme.post(f"/invoices/{draft}/send")
    assert (refused.status, refused.error["details"]["field"]) == (409, "line_items")


def test_it_computes_anew_when_lines_or_currency_change(acme: Caller, client_id: str) -> None:
    body = {"client_id": client_id, "line_items": [{"description": "x", "rate": "1.55", "quantity": 3}]}
    draft = acme.post("/invoices", body).data
    assert draft["total"] == "4.65"
    yen = acme.patch(f"/invoices/{draft['id']}", {"currency": "JPY"}).data
    assert (yen["total"], yen["amount_due"], yen["line_items"][0]["amount"]) == ("5", "5", "5")
    line = {"description": "y", "rate": 7}
    lines = acme.patch(f"/invoices/{draft['id']}", {"line_items": [line, line]}).data
    assert (lines["total"], len(lines["line_items"])) == ("14", 2)
