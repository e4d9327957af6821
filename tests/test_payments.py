"""Payments: where each cent goes, who may not have it, and what comes back."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.db.models import Sum

from crm.resources.invoices.models import Invoice
from crm.resources.invoices.rules import mark_overdue
from crm.resources.payments import rules
from crm.resources.payments.models import Allocation, Payment
from tenants.actor import Actor
from tenants.ids import decode
from tenants.scope import tenant_scope
from tests.conftest import Answer, Caller
from tests.crowd import at_once

FAR, OVER = "2999-12-31", "2020-01-31"


@pytest.fixture
def client_id(acme: Caller) -> str:
    return str(acme.post("/clients", {"name": "Ada"}).data["id"])


def bill(caller: Caller, client_id: str, rate: str = "100", **more: Any) -> str:
    """Return the id of an invoice that was sent."""
    line = {"description": "Work", "rate": rate}
    made = caller.post("/invoices", {"client_id": client_id, "due_date": FAR, "line_items": [line], **more})
    assert caller.post(f"/invoices/{made.data['id']}/send").status == 200
    return str(made.data["id"])


def pay(caller: Caller, client_id: str, amount: str, **more: Any) -> Answer:
    return caller.post("/payments", {"client_id": client_id, "amount": amount, "method": "cash", **more})


def paid(caller: Caller, client_id: str, amount: str, **more: Any) -> dict[str, Any]:
    made = pay(caller, client_id, amount, **more)
    assert made.status == 201, made.body
    return dict(made.data)


def give(caller: Caller, payment: dict[str, Any], **body: str) -> Answer:
    return caller.post(f"/payments/{payment['id']}/allocate", body)


def give_back(caller: Caller, payment: dict[str, Any], **body: str) -> Answer:
    return caller.post(f"/payments/{payment['id']}/refund", {"reason": "Asked for it.", **body})


def standing(caller: Caller, invoice: str) -> tuple[str, str, str]:
    data = caller.get(f"/invoices/{invoice}").data
    return data["status"], data["amount_paid"], data["amount_due"]


def where(payment: dict[str, Any]) -> tuple[str, ...]:
    """Return a payment's status, and what of it is allocated, refunded, left."""
    return tuple(payment[n] for n in ("status", "amount_allocated", "amount_refunded", "amount_unallocated"))


def history(caller: Caller, path: str) -> list[str]:
    return [event["type"].partition(".")[2] for event in caller.get(f"{path}/events").data]


def test_it_pays_an_invoice_at_once(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id)
    payment = paid(acme, client_id, "100", invoice_id=invoice, paid_at="2026-01-31T12:00:00Z", reference="No. 7")
    assert where(payment) == ("succeeded", "100.00", "0.00", "0.00")
    assert payment["allocations"] == [{"invoice_id": invoice, "amount": "100.00", "at": "2026-01-31T12:00:00Z"}]
    assert acme.get(f"/payments/{payment['id']}").data == payment
    assert standing(acme, invoice) == ("paid", "100.00", "0.00")
    assert acme.get(f"/invoices/{invoice}").data["paid_at"] == "2026-01-31T12:00:00Z"
    assert history(acme, f"/payments/{payment['id']}") == ["created", "succeeded", "allocated"]
    assert history(acme, f"/invoices/{invoice}") == ["created", "sent", "paid"]
    assert acme.get("/payments?search=ada&include=client,invoice").data[0]["invoice"]["id"] == invoice


def test_it_pays_in_parts(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id)
    paid(acme, client_id, "30", invoice_id=invoice)
    assert standing(acme, invoice) == ("partially_paid", "30.00", "70.00")
    paid(acme, client_id, "69.99", invoice_id=invoice)
    paid(acme, client_id, "0.01", invoice_id=invoice)
    assert standing(acme, invoice) == ("paid", "100.00", "0.00")
    assert history(acme, f"/invoices/{invoice}")[2:] == ["partially_paid", "partially_paid", "paid"]


def test_it_keeps_an_overpayment_as_credit(acme: Caller, client_id: str) -> None:
    payment = paid(acme, client_id, "130", invoice_id=bill(acme, client_id))
    assert where(payment) == ("succeeded", "100.00", "0.00", "30.00")
    paid(acme, client_id, "5", invoice_id=bill(acme, client_id))
    with_credit = acme.get(f"/payments?client_id={client_id}&amount_unallocated[gt]=0").data
    assert [row["id"] for row in with_credit] == [payment["id"]]
    second = bill(acme, client_id, "50")
    assert where(give(acme, payment, invoice_id=second).data) == ("succeeded", "130.00", "0.00", "0.00")
    assert standing(acme, second) == ("partially_paid", "30.00", "20.00")


def test_it_allocates_what_it_is_told(acme: Caller, client_id: str) -> None:
    payment = paid(acme, client_id, "100")
    first, second = bill(acme, client_id, "60"), bill(acme, client_id, "60")
    assert where(give(acme, payment, invoice_id=first, amount="25.50").data)[1:] == ("25.50", "0.00", "74.50")
    assert standing(acme, first) == ("partially_paid", "25.50", "34.50")
    refused = give(acme, payment, invoice_id=first, amount="34.51")
    assert (refused.status, refused.error["details"]["due"]) == (409, "34.50"), refused.body
    assert where(give(acme, payment, invoice_id=second).data)[1:] == ("85.50", "0.00", "14.50")
    refused = give(acme, payment, invoice_id=first, amount="14.51")
    assert (refused.status, refused.error["details"]["left"]) == (409, "14.50"), refused.body
    assert give(acme, payment, invoice_id=second).status == 409, "it is paid"
    assert give(acme, payment, invoice_id=first).data["amount_unallocated"] == "0.00"
    assert give(acme, payment, invoice_id=first).status == 409, "nothing is left"
    assert standing(acme, first) == ("partially_paid", "40.00", "20.00")


def test_it_never_gives_an_invoice_more_than_is_due(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id, "100")
    payments = [paid(acme, client_id, "7.50") for _ in range(20)]
    answers = at_once(20, lambda index: give(acme, payments[index], invoice_id=invoice))
    assert sorted(answer.status for answer in answers) == [200] * 14 + [409] * 6
    assert standing(acme, invoice) == ("paid", "100.00", "0.00")
    agree(acme)


def test_it_never_spends_a_payment_twice(acme: Caller, client_id: str) -> None:
    payment = paid(acme, client_id, "100")
    invoices = [bill(acme, client_id, "7.50") for _ in range(20)]
    answers = at_once(20, lambda index: give(acme, payment, invoice_id=invoices[index]))
    assert sorted(answer.status for answer in answers) == [200] * 14 + [409] * 6
    assert where(acme.get(f"/payments/{payment['id']}").data)[1:] == ("100.00", "0.00", "0.00")
    assert sum(Decimal(standing(acme, invoice)[1]) for invoice in invoices) == 100
    agree(acme)


def test_it_collects_twenty_at_once(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id, "100")
    answers = at_once(20, lambda _: pay(acme, client_id, "7.50", invoice_id=invoice))
    assert sorted(answer.status for answer in answers) == [201] * 14 + [409] * 6
    assert standing(acme, invoice) == ("paid", "100.00", "0.00")
    agree(acme)


def test_it_is_exact_while_all_happens_at_once(acme: Caller, client_id: str) -> None:
    invoices = [bill(acme, client_id, "40") for _ in range(4)]
    payments = [paid(acme, client_id, "40", invoice_id=invoice) for invoice in invoices[:2]]
    payments += [paid(acme, client_id, "40") for _ in range(2)]

    def act(index: int) -> int:
        payment, invoice = payments[index % 4], invoices[index % 3 + 1]
        if index % 5 == 4:
            return acme.post(f"/invoices/{invoice}/mark-paid").status
        return (give_back(acme, payment, amount="9") if index % 2 else give(acme, payment, invoice_id=invoice)).status

    assert set(at_once(20, act)) <= {200, 409}
    agree(acme)


def agree(caller: Caller) -> None:
    """Check that payments and invoices tell the same as the allocations between them."""
    with tenant_scope(caller.tenant.id):
        rows = Allocation.objects.of(caller.tenant)
        for model, mine, amount in ((Invoice, "invoice", "amount_paid"), (Payment, "payment", "amount_allocated")):
            told = dict(model.objects.of(caller.tenant).values_list("pk", amount))
            summed = dict(rows.order_by().values_list(mine).annotate(Sum("amount")))
            assert told == {pk: summed.get(pk, Decimal(0)) for pk in told}


def test_it_refunds_in_parts(acme: Caller, client_id: str) -> None:
    payment = paid(acme, client_id, "100")
    part = give_back(acme, payment, amount="40", reason="Half the work.")
    assert where(part.data) == ("partially_refunded", "0.00", "40.00", "60.00")
    assert [(row["amount"], row["reason"]) for row in part.data["refunds"]] == [("40.00", "Half the work.")]
    refused = give_back(acme, payment, amount="60.01")
    assert (refused.status, refused.error["details"]["left"]) == (409, "60.00"), refused.body
    assert where(give_back(acme, payment).data) == ("refunded", "0.00", "100.00", "0.00")
    again = give_back(acme, payment)
    assert (again.status, again.error["code"]) == (409, "INVALID_TRANSITION")
    assert history(acme, f"/payments/{payment['id']}") == ["created", "succeeded", "refunded", "refunded"]
    assert give(acme, payment, invoice_id=bill(acme, client_id)).status == 409


def test_it_takes_back_credit_first_then_the_newest_allocation(acme: Caller, client_id: str) -> None:
    old, new = bill(acme, client_id, "50"), bill(acme, client_id, "30")
    payment = paid(acme, client_id, "100", invoice_id=old)
    give(acme, payment, invoice_id=new)
    assert where(give_back(acme, payment, amount="30").data) == ("partially_refunded", "70.00", "30.00", "0.00")
    assert (standing(acme, old)[0], standing(acme, new)) == ("paid", ("partially_paid", "20.00", "10.00"))
    assert [row["amount"] for row in give_back(acme, payment, amount="25").data["allocations"]] == ["45.00"]
    assert standing(acme, new) == ("sent", "0.00", "30.00")
    assert standing(acme, old) == ("partially_paid", "45.00", "5.00")
    assert acme.get(f"/invoices/{old}").data["paid_at"] is None
    assert where(give_back(acme, payment).data) == ("refunded", "0.00", "100.00", "0.00")
    assert standing(acme, old) == ("sent", "0.00", "50.00")
    assert history(acme, f"/invoices/{new}")[2:] == ["paid", "refunded", "refunded"]
    agree(acme)


def test_it_opens_a_late_invoice_as_overdue(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id, due_date=OVER)
    payment = paid(acme, client_id, "100", invoice_id=invoice)
    give_back(acme, payment, amount="1")
    assert standing(acme, invoice) == ("overdue", "99.00", "1.00")
    assert history(acme, f"/invoices/{invoice}")[2:] == ["paid", "refunded", "overdue"]


def test_it_keeps_overdue_until_all_is_paid(acme: Caller, client_id: str) -> None:
    late, open_ = bill(acme, client_id, due_date=OVER), bill(acme, client_id, due_date=OVER)
    paid(acme, client_id, "10", invoice_id=open_)
    with tenant_scope(acme.tenant.id):
        today = Invoice.objects.of(acme.tenant).latest("created_at").issue_date
    assert mark_overdue(acme.tenant, today=today) == 2
    assert standing(acme, open_) == ("overdue", "10.00", "90.00")
    paid(acme, client_id, "10", invoice_id=late)
    assert standing(acme, late) == ("overdue", "10.00", "90.00")
    assert history(acme, f"/invoices/{late}")[-1] == "partially_paid"
    paid(acme, client_id, "90", invoice_id=late)
    assert standing(acme, late)[0] == "paid"


def test_it_takes_late_money_for_what_was_given_up(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id)
    acme.patch(f"/invoices/{invoice}/status", {"status": "uncollectible"})
    paid(acme, client_id, "1", invoice_id=invoice)
    assert standing(acme, invoice) == ("uncollectible", "1.00", "99.00")
    paid(acme, client_id, "99", invoice_id=invoice)
    assert standing(acme, invoice)[0] == "paid"


@pytest.mark.parametrize("state", ["draft", "void", "paid"])
def test_it_refuses_an_invoice_that_waits_for_nothing(acme: Caller, client_id: str, state: str) -> None:
    line = {"description": "Work", "rate": "5"}
    invoice = acme.post("/invoices", {"client_id": client_id, "line_items": [line]}).data["id"]
    steps = {"draft": (), "void": ("void",), "paid": ("send", "mark-paid")}
    for step in steps[state]:
        assert acme.post(f"/invoices/{invoice}/{step}").status == 200
    refused = pay(acme, client_id, "5", invoice_id=invoice)
    assert (refused.status, refused.error["details"]["field"]) == (409, "invoice_id"), refused.body
    payment = paid(acme, client_id, "5")
    assert give(acme, payment, invoice_id=invoice).status == 409


def test_it_refuses_another_currency(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id, currency="EUR")
    refused = pay(acme, client_id, "5", invoice_id=invoice, currency="USD")
    assert (refused.status, refused.error["details"]["field"]) == (400, "currency"), refused.body
    assert paid(acme, client_id, "5", invoice_id=invoice)["currency"] == "EUR"
    dollars = paid(acme, client_id, "5")
    assert dollars["currency"] == "USD"
    assert give(acme, dollars, invoice_id=invoice).status == 400


def test_it_refuses_another_clients_invoice(acme: Caller, client_id: str) -> None:
    other = acme.post("/clients", {"name": "Bob"}).data["id"]
    invoice = bill(acme, other)
    assert pay(acme, client_id, "5", invoice_id=invoice).error["details"]["field"] == "invoice_id"
    assert give(acme, paid(acme, client_id, "5"), invoice_id=invoice).status == 400


def test_it_knows_no_other_tenants_invoice(acme: Caller, globex: Caller, client_id: str) -> None:
    invoice = bill(globex, globex.post("/clients", {"name": "Hank"}).data["id"])
    told = [pay(acme, client_id, "5", invoice_id=invoice), give(acme, paid(acme, client_id, "5"), invoice_id=invoice)]
    assert [answer.error["details"]["fields"] for answer in told] == [{"invoice_id": ["No such invoice."]}] * 2
    assert standing(globex, invoice)[1] == "0.00"


def test_it_waits_for_a_pending_one(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id)
    payment = paid(acme, client_id, "40", invoice_id=invoice, status="pending")
    path = f"/payments/{payment['id']}"
    assert where(payment) == ("pending", "0.00", "0.00", "0.00") and payment["paid_at"] is None
    assert give(acme, payment, invoice_id=invoice).status == 409
    refused = give_back(acme, payment)
    assert refused.error["details"]["allowed"] == ["succeeded", "failed"]
    assert standing(acme, invoice)[0] == "sent"
    done = acme.post(f"{path}/succeed")
    assert where(done.data) == ("succeeded", "40.00", "0.00", "0.00") and done.data["paid_at"]
    assert standing(acme, invoice) == ("partially_paid", "40.00", "60.00")
    assert [acme.post(f"{path}/{verb}").status for verb in ("succeed", "fail")] == [409, 409]
    assert history(acme, path) == ["created", "succeeded", "allocated"]


def test_it_keeps_what_comes_too_late_as_credit(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id)
    payment = paid(acme, client_id, "40", invoice_id=invoice, status="pending")
    acme.post(f"/invoices/{invoice}/void")
    assert where(acme.post(f"/payments/{payment['id']}/succeed").data) == ("succeeded", "0.00", "0.00", "40.00")


def test_it_fails(acme: Caller, client_id: str) -> None:
    payment = paid(acme, client_id, "40", status="pending")
    failed = acme.post(f"/payments/{payment['id']}/fail")
    assert where(failed.data) == ("failed", "0.00", "0.00", "0.00")
    assert acme.post(f"/payments/{payment['id']}/succeed").error["details"]["allowed"] == []
    assert acme.post(f"/payments/{paid(acme, client_id, '1')['id']}/fail").status == 409


def test_it_deletes_what_never_came(acme: Caller, client_id: str) -> None:
    pending, came = paid(acme, client_id, "1", status="pending"), paid(acme, client_id, "1")
    assert acme.delete(f"/payments/{pending['id']}").status == 200
    refused = acme.delete(f"/payments/{came['id']}")
    assert (refused.status, "Refund it instead" in refused.error["message"]) == (409, True)
    assert acme.delete(f"/clients/{client_id}").error["details"]["referenced_by"] == {"payments": 1}


def test_it_fixes_what_was_agreed(acme: Caller, client_id: str) -> None:
    payment = paid(acme, client_id, "5", status="pending")
    path = f"/payments/{payment['id']}"
    for name, value in {"amount": "6", "status": "succeeded", "currency": "EUR", "client_id": "cli_x"}.items():
        refused = acme.patch(path, {name: value, "notes": "x"})
        assert refused.error["details"]["fields"] == {name: ["Fixed when it was made."]}, refused.body
    back = acme.put(path, {**payment, "method": "check", "notes": "No. 12"})
    assert (back.status, back.data["method"], back.data["notes"]) == (200, "check", "No. 12"), back.body


@pytest.mark.parametrize(("currency", "amount", "kept"), [
    ("JPY", "1200", "1200"), ("JPY", "1200.5", None), ("KWD", "1.234", "1.234"), ("KWD", "1.2345", None),
    ("USD", "0.01", "0.01"), ("USD", "0.001", None), ("USD", "0", None), ("USD", "-1", None), ("USD", 5, "5.00"),
])  # fmt: skip
def test_it_knows_each_currencys_decimals(
    acme: Caller, client_id: str, currency: str, amount: Any, kept: str | None
) -> None:
    made = pay(acme, client_id, amount, currency=currency)
    assert (made.data["amount_unallocated"] if kept else made.error["details"]["field"]) == (kept or "amount")


@pytest.mark.parametrize(("currency", "parts"), [("JPY", ("100", "33", "67")), ("KWD", ("1.000", "0.333", "0.667"))])
def test_it_splits_odd_currencies_exactly(
    acme: Caller, client_id: str, currency: str, parts: tuple[str, str, str]
) -> None:
    rate, part, rest = parts
    invoice = bill(acme, client_id, rate, currency=currency)
    payment = paid(acme, client_id, rate, currency=currency)
    assert give(acme, payment, invoice_id=invoice, amount=part).data["amount_unallocated"] == rest
    assert standing(acme, invoice) == ("partially_paid", part, rest)
    assert give(acme, payment, invoice_id=invoice, amount="0.0005").status == 400


@pytest.mark.parametrize("way", ["command", "status"])
def test_marking_an_invoice_paid_makes_the_payment(acme: Caller, client_id: str, way: str) -> None:
    invoice = bill(acme, client_id)
    paid(acme, client_id, "30", invoice_id=invoice)
    path = f"/invoices/{invoice}"
    done = acme.post(f"{path}/mark-paid") if way == "command" else acme.patch(f"{path}/status", {"status": "paid"})
    assert (done.data["status"], done.data["amount_paid"]) == ("paid", "100.00"), done.body
    made = acme.get(f"/payments?invoice_id={invoice}&method=other").data
    assert [(row["amount"], row["amount_allocated"]) for row in made] == [("70.00", "70.00")]
    assert acme.post(f"{path}/mark-paid").error["code"] == "INVALID_TRANSITION"
    agree(acme)


def test_marking_an_invoice_over_nothing_paid_makes_no_payment(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id, "0")
    assert acme.post(f"/invoices/{invoice}/mark-paid").data["status"] == "paid"
    assert acme.get("/payments").data == []


def test_it_marks_paid_once(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id)
    answers = at_once(20, lambda _: acme.post(f"/invoices/{invoice}/mark-paid").status)
    assert sorted(answers) == [200] + [409] * 19
    assert [row["amount"] for row in acme.get("/payments").data] == ["100.00"]


def test_it_voids_nothing_that_money_has_come_for(acme: Caller, client_id: str) -> None:
    invoice = bill(acme, client_id)
    payment = paid(acme, client_id, "30", invoice_id=invoice)
    refused = acme.post(f"/invoices/{invoice}/void")
    assert refused.status == 409 and "refund its payments first" in refused.error["message"], refused.body
    give_back(acme, payment)
    assert acme.post(f"/invoices/{invoice}/void").data["status"] == "void"


def test_nobody_moves_an_invoice_to_partially_paid_by_hand(acme: Caller, client_id: str) -> None:
    refused = acme.patch(f"/invoices/{bill(acme, client_id)}/status", {"status": "partially_paid"})
    assert (refused.status, refused.error["code"]) == (409, "INVALID_TRANSITION")


def test_a_failure_half_way_leaves_nothing(acme: Caller, client_id: str) -> None:
    refused = pay(acme, client_id, "5", invoice_id=bill(acme, client_id), external_ref="x")
    assert refused.status == 201
    invoice = bill(acme, client_id)
    assert pay(acme, client_id, "5", invoice_id=invoice, external_ref="x").status == 409
    assert standing(acme, invoice)[1] == "0.00"


def test_the_database_refuses_books_that_do_not_add_up(acme: Caller, client_id: str) -> None:
    payment, invoice = paid(acme, client_id, "5"), bill(acme, client_id)
    wrong = [
        ("crm_payment", "amount_allocated = 1", payment["id"]), ("crm_payment", "amount = 0", payment["id"]),
        ("crm_payment", "amount_unallocated = -1, amount_allocated = 6", payment["id"]),
        ("crm_payment", "status = 'pending'", payment["id"]), ("crm_payment", "paid_at = NULL", payment["id"]),
        ("crm_invoice", "amount_paid = 101, amount_due = -1", invoice),
    ]  # fmt: skip
    for table, change, public_id in wrong:
        pk = decode(public_id.partition("_")[0], public_id)
        sql = f"UPDATE {table} SET {change} WHERE id = %s"
        with pytest.raises(IntegrityError, match="check constraint"), transaction.atomic(using="owner"):
            connections["owner"].cursor().execute(sql, [pk])


@pytest.mark.parametrize("column", ["payment_id", "invoice_id"])
def test_the_database_keeps_allocations_inside_their_tenant(
    acme: Caller, globex: Caller, client_id: str, column: str
) -> None:
    paid(acme, client_id, "5", invoice_id=bill(acme, client_id))
    other = globex.post("/clients", {"name": "Hank"}).data["id"]
    foreign = {"invoice_id": bill(globex, other), "payment_id": paid(globex, other, "5")["id"]}[column]
    pk = decode(foreign.partition("_")[0], foreign)
    sql = f"UPDATE crm_allocation SET {column} = %s WHERE tenant_id = %s"
    with pytest.raises(IntegrityError, match="_same_tenant"), transaction.atomic(using="owner"):
        connections["owner"].cursor().execute(sql, [pk, acme.tenant.id])


def test_its_rules_work_without_a_request(acme: Caller, client_id: str) -> None:
    invoice, actor = decode("inv", bill(acme, client_id)), Actor.system(acme.tenant, "shell")
    data = {"client_id": decode("cli", client_id), "amount": Decimal(10), "method": "cash"}
    payment = rules.create(data, actor=actor)
    rules.allocate(payment, invoice, actor=actor, amount=Decimal(4))
    rules.refund(payment, reason="Shell.", actor=actor, amount=Decimal(7))
    assert (payment.status, payment.amount_allocated, payment.amount_unallocated) == ("partially_refunded", 3, 0)
    agree(acme)


def test_it_writes_only_with_its_own_scope(acme: Caller, client_id: str) -> None:
    payment = paid(acme, client_id, "5")
    reader = acme.with_scopes("payments:read", "invoices:write")
    assert (reader.get("/payments").status, give_back(reader, payment).status) == (200, 403)
