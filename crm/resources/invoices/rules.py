"""What holds for invoices: their states, and what time does to them. What all documents share is in crm.sales."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from crm.errors import Conflict
from crm.resources.invoices.models import TRANSITIONS, Invoice, Status
from crm.resources.invoices.paying import RUNNING
from crm.resources.payments.rules import pay
from crm.rest import writes
from crm.sales import rules as documents
from crm.sales.rules import change, delete
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

__all__ = ["VERBS", "change", "create", "delete", "mark_overdue", "move"]

# The event that each state leaves.
VERBS: dict[str, str] = {
    Status.SENT: "sent",
    Status.OVERDUE: "overdue",
    Status.VOID: "voided",
    Status.UNCOLLECTIBLE: "marked_uncollectible",
}


def create(data: Mapping[str, Any], *, actor: Actor) -> Invoice:
    """Make a draft with its lines and totals."""
    return documents.create(Invoice, data, actor=actor)


def move(invoice: Invoice, to: str, *, actor: Actor, at: datetime | None = None) -> None:
    """Bring an invoice into another state, `at` a moment (default now), with its event; raises InvalidTransition.

    To be paid takes a payment of what is due, which is made; void is refused to one that money has come for.
    """
    if to == Status.PAID:
        pay(invoice, actor=actor, at=at)
        return
    with tenant_scope(actor.tenant.id):
        writes.lock(invoice, actor=actor)
        if to == Status.VOID and invoice.amount_paid:
            paid = str(invoice.amount_paid)
            raise Conflict("Money has come for this {invoice}: refund its {payments} first.", paid=paid)
        with documents.moving(invoice, to, TRANSITIONS, verb=VERBS.get(to, "updated"), actor=actor):
            if to == Status.SENT:
                invoice.sent_at = at or timezone.now()


def mark_overdue(tenant: Tenant, *, today: date) -> int:
    """Mark the tenant's open invoices whose last day is over, each once and with its event; return how many."""
    actor = Actor.system(tenant, "overdue")
    return documents.sweep(
        tenant,
        lambda: Invoice.objects.of(tenant).filter(status__in=RUNNING, due_date__lt=today),
        lambda invoice: move(invoice, Status.OVERDUE, actor=actor),
    )
