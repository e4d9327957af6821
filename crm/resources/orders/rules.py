"""What holds for orders: their states, and that each is billed once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from crm.errors import Conflict
from crm.resources.invoices import rules as invoices
from crm.resources.invoices.models import Invoice
from crm.resources.invoices.models import Status as Billed
from crm.resources.orders.models import TRANSITIONS, Order, Status
from crm.rest import writes
from crm.sales import rules as documents
from tenants import ids
from tenants.actor import Actor

__all__ = ["bill", "create", "move"]

BILLABLE = (Status.CONFIRMED, Status.FULFILLED)


def create(data: Mapping[str, Any], *, actor: Actor) -> Order:
    """Make a draft with its lines and totals."""
    return documents.create(Order, data, actor=actor)


def move(order: Order, to: str, *, actor: Actor, at: datetime | None = None) -> None:
    """Bring an order into another state, `at` a moment (default now); raises InvalidTransition and Conflict."""
    with documents.moving(order, to, TRANSITIONS, verb=to, actor=actor):
        if to == Status.CANCELLED and order.invoice and order.invoice.status != Billed.VOID:
            raise Conflict("It has been billed: void the {invoice} first.", "invoice_id")
        setattr(order, f"{to}_at", at or timezone.now())


def bill(order: Order, *, actor: Actor, at: datetime | None = None) -> Invoice:
    """Make the draft of an invoice out of an order that stands, once, and return it."""
    with writes.changing(order, actor=actor, verb="invoiced"):
        if order.invoice_id:
            made = ids.encode("inv", order.invoice_id)
            raise Conflict(f"It has been billed already: {made}.", invoice_id=made)
        if order.status not in BILLABLE:
            raise Conflict(f"Only what is confirmed or fulfilled is billed, and this is {order.status}.")
        data = {**documents.contents(order, at=at or timezone.now()), "order_id": order.pk}
        invoice = order.invoice = invoices.create(data, actor=actor)
    return invoice
