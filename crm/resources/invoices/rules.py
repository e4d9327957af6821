"""What holds for invoices: their states, and what time does to them. What all documents share is in crm.sales."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from crm.money import rounded
from crm.resources.invoices.models import TRANSITIONS, Invoice, Status
from crm.sales import rules as documents
from crm.sales.rules import change, delete
from tenants.actor import Actor
from tenants.models import Tenant

__all__ = ["VERBS", "change", "create", "delete", "mark_overdue", "move"]

# The event that each state leaves.
VERBS: dict[str, str] = {
    Status.SENT: "sent",
    Status.PAID: "paid",
    Status.OVERDUE: "overdue",
    Status.VOID: "voided",
    Status.UNCOLLECTIBLE: "marked_uncollectible",
}


def create(data: Mapping[str, Any], *, actor: Actor) -> Invoice:
    """Make a draft with its lines and totals."""
    return documents.create(Invoice, data, actor=actor)


def move(invoice: Invoice, to: str, *, actor: Actor, at: datetime | None = None) -> None:
    """Bring an invoice into another state, `at` a moment (default now), with its event; raises InvalidTransition."""
    with documents.moving(invoice, to, TRANSITIONS, verb=VERBS.get(to, "updated"), actor=actor):
        now = at or timezone.now()
        if to == Status.SENT:
            invoice.sent_at = now
        if to == Status.PAID:
            invoice.paid_at, invoice.amount_paid = now, invoice.total
            invoice.amount_due = rounded(Decimal(0), invoice.currency)


def mark_overdue(tenant: Tenant, *, today: date) -> int:
    """Mark the tenant's sent invoices whose last day is over, each once and with its event; return how many."""
    actor = Actor.system(tenant, "overdue")
    return documents.sweep(
        tenant,
        lambda: Invoice.objects.of(tenant).filter(status=Status.SENT, due_date__lt=today),
        lambda invoice: move(invoice, Status.OVERDUE, actor=actor),
    )
