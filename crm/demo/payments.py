"""The demo's payments: what has come in for its invoices, in whole and in part, and what went back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from crm.demo import invoices
from crm.demo.world import World, past
from crm.money import rounded
from crm.resources.clients.models import Client
from crm.resources.invoices.models import Invoice
from crm.resources.invoices.models import Status as Standing
from crm.resources.payments import rules
from crm.resources.payments.models import Method, Payment, Status

__all__ = ["SIZE", "make"]

PAID = {slug: round(size * invoices.SHARES[Standing.PAID] / 100) for slug, size in invoices.SIZE.items()}
# Of those that are paid: in two parts, or twice, with the first one given back.
TWICE, AGAIN = {"acme": 40, "globex": 1}, {"acme": 3, "globex": 1}
# Of those that are open: in part, or about to be paid.
PARTS, COMING = {"acme": 14, "globex": 2}, {"acme": 6, "globex": 1}
# Money without an invoice, and cards that were declined.
CREDITS, DECLINED = {"acme": 5, "globex": 1}, {"acme": 4, "globex": 1}
COUNTS = (PAID, TWICE, AGAIN, PARTS, COMING, CREDITS, DECLINED)
SIZE = {slug: sum(count[slug] for count in COUNTS) for slug in PAID}
METHODS = {Method.CARD: 45, Method.BANK_TRANSFER: 30, Method.CHECK: 15, Method.CASH: 10}
HALF, CREDIT = Decimal("0.5"), Decimal("150.00")


def make(world: World) -> Iterator[Payment]:
    """Make payments for invoices, then those without one."""
    sent = [invoice for invoice in world.made[Invoice] if invoice.status == Standing.SENT]
    late = [invoice for invoice in world.made[Invoice] if invoice.status == Standing.OVERDUE]
    paid, waiting = sent[: world.count(PAID)], sent[world.count(PAID) :]
    for invoice in paid[: world.count(AGAIN)]:
        payment = pay(world, invoice)
        rules.refund(payment, reason="Paid with the wrong card.", actor=world.actor)
        yield payment
    for invoice in paid[-world.count(TWICE) :]:
        yield pay(world, invoice, part=HALF)
    for invoice in paid:
        yield pay(world, invoice)
    both = [invoice for pair in zip(late, waiting, strict=False) for invoice in pair]
    for invoice in both[: world.count(PARTS)]:
        yield pay(world, invoice, part=HALF)
    for invoice in waiting[-world.count(COMING) :]:
        yield pay(world, invoice, status=Status.PENDING, method=Method.BANK_TRANSFER)
    yield from unallocated(world)


def unallocated(world: World) -> Iterator[Payment]:
    """Make deposits: the clients' credit, some of it given back, and those that never came."""
    for index, client in enumerate(world.chance.sample(world.made[Client], world.count(CREDITS))):
        payment = collect(world, client.pk, CREDIT, past(5 + index))
        if index % 2:
            rules.refund(payment, amount=CREDIT / 2, reason="The job became smaller.", actor=world.actor)
        yield payment
    for index, client in enumerate(world.chance.sample(world.made[Client], world.count(DECLINED))):
        payment = collect(world, client.pk, CREDIT, past(2 + index), status=Status.PENDING, method=Method.CARD)
        rules.fail(payment, actor=world.actor)
        yield payment


def pay(world: World, invoice: Invoice, *, part: Decimal = Decimal(1), **more: Any) -> Payment:
    """Pay a part of what is due on an invoice, some days after it was sent; the first part sooner than the rest."""
    invoice.refresh_from_db()
    days = world.chance.randint(1, 3) if part < 1 else world.chance.randint(4, 28)
    amount = rounded(invoice.amount_due * part, invoice.currency)
    when = invoice.created_at + timedelta(days=days)
    return collect(world, invoice.client_id, amount, when, invoice_id=invoice.pk, reference=invoice.number, **more)


def collect(world: World, client_id: UUID, amount: Decimal, when: datetime, **more: Any) -> Payment:
    """Make one payment, by one of the usual methods unless told."""
    when = min(when, timezone.now())
    method = world.chance.choices(list(METHODS), list(METHODS.values()))[0]
    data = {"client_id": client_id, "amount": amount, "method": method, "paid_at": when}
    return rules.create({**data, "created_at": when, "updated_at": when, **more}, actor=world.actor)
