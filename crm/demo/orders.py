"""The demo's orders: those that came from quotes, taken on to their invoices, and others in every state."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from crm.demo.quotes import document_data
from crm.demo.world import World, past
from crm.resources.invoices import rules as invoices
from crm.resources.invoices.models import Status as Billed
from crm.resources.orders import rules
from crm.resources.orders.models import Order, Status

__all__ = ["SIZE", "make"]

SIZE = {"acme": 40, "globex": 8}
STATES = (Status.FULFILLED, Status.CONFIRMED, Status.CANCELLED, Status.DRAFT)


def make(world: World) -> Iterator[Order]:
    """Take on the orders of quotes, then make those that came without one, the oldest first."""
    for order in Order.objects.of(world.tenant).filter(quote__isnull=False).order_by("created_at"):
        settle(world, order, Status.FULFILLED)
    for place in reversed(range(world.count(SIZE))):
        order = rules.create(document_data(world, past(1 + place * 2)), actor=world.actor)
        settle(world, order, STATES[place % 4])
        yield order


def settle(world: World, order: Order, status: str) -> None:
    """Take a draft to its state, step by step; what is fulfilled is billed, and paid where it is old enough."""
    actor, now = world.actor, timezone.now()

    def after(days: int) -> datetime:
        return min(order.created_at + timedelta(days=days, hours=1), now)

    if status in (Status.CONFIRMED, Status.FULFILLED):
        rules.move(order, Status.CONFIRMED, actor=actor, at=after(1))
    if status == Status.CANCELLED:
        rules.move(order, Status.CANCELLED, actor=actor, at=after(2))
    if status == Status.FULFILLED:
        rules.move(order, Status.FULFILLED, actor=actor, at=after(5))
        invoice = rules.bill(order, actor=actor, at=after(6))
        invoices.move(invoice, Billed.SENT, actor=actor, at=after(6))
        if order.created_at < now - timedelta(days=30):
            invoices.move(invoice, Billed.PAID, actor=actor, at=after(20))
