"""What holds for payments: money comes in once, goes to invoices to the last cent, and is given back newest first.

Locks, in this order everywhere: the payment, then its invoices by id. Who holds an invoice may make a new payment, as
nobody else can wait for that one; its invoice is locked before it is saved, since a saved reference shares the lock.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from crm.errors import Conflict, Invalid
from crm.money import decimals_of, rounded
from crm.resources.invoices import paying
from crm.resources.invoices.models import TRANSITIONS as OF_INVOICES
from crm.resources.invoices.models import Invoice
from crm.resources.invoices.models import Status as InvoiceStatus
from crm.resources.payments.models import COLLECTED, TRANSITIONS, Allocation, Method, Payment, Refund, Status
from crm.rest import writes
from crm.rest.reading import EMBEDDED_LIMIT
from crm.transitions import check_transition
from tenants.actor import Actor
from tenants.scope import tenant_scope

__all__ = ["allocate", "create", "delete", "fail", "pay", "refund", "succeed"]


def create(data: Mapping[str, Any], *, actor: Actor, invoice: Invoice | None = None) -> Payment:
    """Note a payment, pending first; one that has succeeded goes to its invoice at once, as far as that takes it.

    `invoice` may be given as a locked record in place of its id. Raises Invalid for an invoice of another client or
    currency and for an amount that the currency cannot pay, Conflict for an invoice that waits for no money.
    """
    fields = dict(data)
    done = fields.pop("status", Status.SUCCEEDED) == Status.SUCCEEDED
    with tenant_scope(actor.tenant.id):
        payment = Payment(tenant=actor.tenant, **fields)
        if invoice is None and payment.invoice_id:
            invoice = get_invoice(payment.invoice_id, actor)
        payment.invoice = invoice
        payment.currency = payment.currency or default_currency(payment, actor)
        payment.amount = payable(payment.amount, payment.currency)
        zero = rounded(Decimal(0), payment.currency)
        payment.amount_allocated = payment.amount_refunded = payment.amount_unallocated = zero
        if invoice is not None:
            check_fits(payment, invoice, "currency")
            if done:
                check_waits(invoice)
        payment.status = Status.PENDING
        writes.know_rows(payment, allocations=[], refunds=[])
        writes.create(payment, actor=actor)
        writes.hold(payment)
        if done:
            succeed(payment, actor=actor)
    return payment


def succeed(payment: Payment, *, actor: Actor) -> None:
    """Collect a pending payment; what its invoice does not take, or no longer takes, is the client's credit."""
    with tenant_scope(actor.tenant.id):
        with writes.changing(payment, actor=actor, verb="succeeded"):
            check_transition(TRANSITIONS, payment.status, Status.SUCCEEDED)
            payment.status = Status.SUCCEEDED
            payment.paid_at = payment.paid_at or timezone.now()
            payment.amount_unallocated = payment.amount
        if payment.invoice is not None:
            writes.lock(payment.invoice, actor=actor)
            if payment.invoice.status in paying.PAYABLE and payment.invoice.amount_due:
                book(payment, payment.invoice, None, actor=actor, at=payment.paid_at)


def fail(payment: Payment, *, actor: Actor) -> None:
    """Note that a pending payment will not come."""
    with writes.changing(payment, actor=actor, verb="failed"):
        check_transition(TRANSITIONS, payment.status, Status.FAILED)
        payment.status = Status.FAILED


def allocate(payment: Payment, invoice_id: UUID, *, actor: Actor, amount: Decimal | None = None) -> None:
    """Let `amount` of a payment, or as much as fits, pay an invoice.

    Raises Conflict for more than is due or left, Invalid for an invoice of another client or currency.
    """
    with tenant_scope(actor.tenant.id):
        writes.lock(payment, actor=actor)
        if payment.status not in COLLECTED:
            raise Conflict(f"Only a {{payment}} that has succeeded can be allocated, and this is {payment.status}.")
        invoice = get_invoice(invoice_id, actor)
        check_fits(payment, invoice, "invoice_id")
        check_waits(invoice)
        book(payment, invoice, amount, actor=actor, at=timezone.now())


def refund(payment: Payment, *, reason: str, actor: Actor, amount: Decimal | None = None) -> None:
    """Give back `amount`, or all that is left: first what is unallocated, then what invoices have, newest first.

    Raises Conflict for more than is left of the payment, InvalidTransition where nothing of it is.
    """
    with tenant_scope(actor.tenant.id):
        writes.lock(payment, actor=actor)
        left = payment.amount - payment.amount_refunded
        amount = left if amount is None else payable(amount, payment.currency)
        to = Status.REFUNDED if amount == left else Status.PARTIALLY_REFUNDED
        check_transition(TRANSITIONS, payment.status, to)
        if amount > left:
            raise Conflict(f"Only {left} of the {{payment}} can still be given back.", "amount", left=str(left))
        with writes.changing(payment, actor=actor, verb="refunded"):
            credit = min(amount, payment.amount_unallocated)
            taken = take_back(payment, amount - credit)
            payment.status = to
            payment.amount_refunded += amount
            payment.amount_unallocated -= credit
            payment.amount_allocated -= amount - credit
            row = Refund(tenant=actor.tenant, payment=payment, amount=amount, reason=reason)
            row.save(force_insert=True)
            know(payment, refunds=[*payment.refunds.all(), row])
        for invoice_id in sorted(taken):
            paying.give_back(get_invoice(invoice_id, actor), taken[invoice_id], actor=actor)


def delete(payment: Payment, *, actor: Actor) -> None:
    """Delete a payment that never came; raises Conflict for one whose money has."""
    with tenant_scope(actor.tenant.id):
        writes.lock(payment, actor=actor)
        if payment.status in COLLECTED:
            raise Conflict(f"Its money has come in: this is {payment.status}. {Payment.instead_of_deleting}")
        writes.delete(payment, actor=actor)


def pay(invoice: Invoice, *, actor: Actor, at: datetime | None = None) -> None:
    """Pay what is still due on an invoice by a payment of an unknown method; raises InvalidTransition."""
    with tenant_scope(actor.tenant.id):
        writes.lock(invoice, actor=actor)
        check_transition(OF_INVOICES, invoice.status, InvoiceStatus.PAID)
        due, at = invoice.amount_due, at or timezone.now()
        if due:
            data = {"client_id": invoice.client_id, "amount": due, "method": Method.OTHER, "paid_at": at}
            create(data, actor=actor, invoice=invoice)
        else:
            # No payment is of nothing.
            paying.receive(invoice, due, actor=actor, at=at)


def get_invoice(pk: UUID, actor: Actor) -> Invoice:
    """Return an invoice, locked."""
    invoice: Invoice = Invoice.objects.of(actor.tenant).select_for_update().get(pk=pk)
    writes.hold(invoice)
    return invoice


def default_currency(payment: Payment, actor: Actor) -> str:
    """Return the invoice's currency, else the client's, else the tenant's."""
    if payment.invoice is not None:
        return payment.invoice.currency
    return payment.client.currency or actor.tenant.currency


def payable(amount: Decimal, currency: str) -> Decimal:
    """Return the amount with the currency's decimals; raises Invalid for one that has more."""
    exact = rounded(amount, currency)
    if exact != amount:
        raise Invalid(f"{currency} is paid with {decimals_of(currency)} decimals.", "amount")
    return exact


def check_fits(payment: Payment, invoice: Invoice, field: str) -> None:
    if invoice.client_id != payment.client_id:
        raise Invalid("The {invoice} is another {client}'s.", "invoice_id")
    if invoice.currency != payment.currency:
        raise Invalid(f"The {{invoice}} is in {invoice.currency}, the {{payment}} in {payment.currency}.", field)


def check_waits(invoice: Invoice) -> None:
    if invoice.status not in paying.PAYABLE or not invoice.amount_due:
        raise Conflict(f"Nothing is to be paid on the {{invoice}}: it is {invoice.status}.", "invoice_id")


def book(payment: Payment, invoice: Invoice, amount: Decimal | None, *, actor: Actor, at: datetime) -> None:
    """Move money from a payment to an invoice, both locked: exactly `amount`, or as much as fits."""
    left, due = payment.amount_unallocated, invoice.amount_due
    amount = min(left, due) if amount is None else payable(amount, payment.currency)
    if amount > left or not left:
        raise Conflict(f"Only {left} of the {{payment}} is left.", "amount", left=str(left))
    if amount > due:
        raise Conflict(f"Only {due} is due on the {{invoice}}.", "amount", due=str(due))
    with writes.changing(payment, actor=actor, verb="allocated"):
        known = list(payment.allocations.all())
        if len(known) >= EMBEDDED_LIMIT:
            raise Conflict(f"A {{payment}} goes to at most {EMBEDDED_LIMIT} invoices.", "invoice_id")
        row = Allocation(tenant=actor.tenant, payment=payment, invoice=invoice, amount=amount, at=at)
        row.save(force_insert=True)
        payment.amount_allocated += amount
        payment.amount_unallocated -= amount
        know(payment, allocations=[*known, row])
    paying.receive(invoice, amount, actor=actor, at=at)


def take_back(payment: Payment, amount: Decimal) -> dict[UUID, Decimal]:
    """Take `amount` out of the payment's allocations, newest first; return what each invoice loses."""
    rows, taken = list(payment.allocations.all()), dict[UUID, Decimal]()
    while amount:
        row = rows[-1]
        part = min(amount, row.amount)
        taken[row.invoice_id] = taken.get(row.invoice_id, Decimal(0)) + part
        amount -= part
        row.amount -= part
        if row.amount:
            row.save(update_fields=["amount"])
        else:
            rows.pop().delete()
    know(payment, allocations=rows)
    return taken


def know(payment: Payment, **rows: list[Any]) -> None:
    """Let the payment know its inner rows, those of `rows` in place of what it knew."""
    both: dict[str, Any] = {"allocations": payment.allocations.all(), "refunds": payment.refunds.all()}
    writes.know_rows(payment, **{**both, **rows})
