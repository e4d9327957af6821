"""What money does to an invoice: its amounts, its status and its events follow, as it comes and as it goes back.

Called by the rules of payments, which hold the invoice and have checked the amount.
"""

from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from crm.resources.invoices.models import Invoice, Status
from crm.rest import writes
from tenants.actor import Actor

__all__ = ["PAYABLE", "RUNNING", "give_back", "receive"]

# They wait for money, and become overdue when their last day is over.
RUNNING = (Status.SENT, Status.PARTIALLY_PAID)
# Money may come late, and even for what was given up.
PAYABLE = (*RUNNING, Status.OVERDUE, Status.UNCOLLECTIBLE)


def receive(invoice: Invoice, amount: Decimal, *, actor: Actor, at: datetime) -> None:
    """Count `amount` as paid; what is overdue or uncollectible stays so until all of it is paid."""
    whole = amount == invoice.amount_due
    with writes.changing(invoice, actor=actor, verb="paid" if whole else "partially_paid"):
        count(invoice, amount)
        if whole:
            invoice.status, invoice.paid_at = Status.PAID, at
        elif invoice.status == Status.SENT:
            invoice.status = Status.PARTIALLY_PAID


def give_back(invoice: Invoice, amount: Decimal, *, actor: Actor) -> None:
    """Count `amount` as no longer paid; an invoice that is open again past its last day is overdue at once."""
    with writes.changing(invoice, actor=actor, verb="refunded"):
        count(invoice, -amount)
        invoice.paid_at = None
        if invoice.status in (Status.PAID, Status.PARTIALLY_PAID):
            invoice.status = Status.PARTIALLY_PAID if invoice.amount_paid else Status.SENT
    if invoice.status in RUNNING and invoice.due_date and invoice.due_date < timezone.now().date():
        with writes.changing(invoice, actor=actor, verb="overdue"):
            invoice.status = Status.OVERDUE


def count(invoice: Invoice, amount: Decimal) -> None:
    invoice.amount_paid += amount
    invoice.amount_due -= amount
