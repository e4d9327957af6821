"""The demo's invoices, a year of them, in every state that they reach without money: payments come later."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from crm.demo.world import YEAR, World, past
from crm.resources.clients.models import Client
from crm.resources.invoices import rules
from crm.resources.invoices.models import Invoice, Status
from crm.resources.products.models import Product
from tenants.actor import Actor

__all__ = ["SHARES", "SIZE", "make"]

SIZE = {"acme": 500, "globex": 15}
# In percent. Those to be paid are sent, and the demo's payments find them: they are older than what is still open.
SHARES = {
    Status.PAID: 66, Status.SENT: 11, Status.OVERDUE: 8, Status.DRAFT: 7, Status.VOID: 5, Status.UNCOLLECTIBLE: 3,
}  # fmt: skip
TERM = timedelta(days=30)


def make(world: World) -> Iterator[Invoice]:
    """Make invoices in the order of their dates, so that their numbers follow them."""
    chance, clients, products = world.chance, world.made[Client], world.made[Product]
    states = [state for state, share in SHARES.items() for _ in range(round(world.count(SIZE) * share / 100))]
    plan = [(age(state, chance.randint(0, YEAR)), state) for state in states]
    for days, status in sorted(plan, reverse=True):
        data = invoice_data(chance, chance.choice(clients), chance.sample(products, chance.randint(1, 4)), past(days))
        yield make_invoice(world.actor, chance, data, status)


def age(status: str, days: int) -> int:
    """Return how many days old an invoice is: an open one cannot be older than its term, others must be."""
    if status == Status.SENT:
        return days % TERM.days
    late = status in (Status.PAID, Status.OVERDUE, Status.UNCOLLECTIBLE)
    return max(days, TERM.days + 1 + days % 40) if late else days


def invoice_data(chance: random.Random, client: Client, products: list[Product], when: datetime) -> dict[str, Any]:
    """Return the fields of an invoice over `products`, dated `when`."""
    data: dict[str, Any] = {
        "client_id": client.pk,
        "currency": "",
        "issue_date": when.date(),
        "due_date": when.date() + TERM,
        "line_items": [{"product_id": item.pk, "quantity": Decimal(quantity_of(item, chance))} for item in products],
        "terms": "Payable within 30 days.",
        "created_at": when,
        "updated_at": when,
    }
    if chance.random() < 0.15:
        data["line_items"][0]["discount_percent"] = Decimal(10)
    return data


def make_invoice(actor: Actor, chance: random.Random, data: dict[str, Any], status: str) -> Invoice:
    """Make a draft and take it to its state, step by step."""
    invoice = rules.create(data, actor=actor)
    steps = {Status.DRAFT: (), Status.SENT: (Status.SENT,), Status.PAID: (Status.SENT,)}
    for state in steps.get(Status(status), (Status.SENT, Status(status))):
        later = timedelta(days=chance.randint(3, 28)) if state != Status.SENT else timedelta(hours=2)
        rules.move(invoice, state, actor=actor, at=min(invoice.created_at + later, timezone.now()))
    return invoice


def quantity_of(product: Product, chance: random.Random) -> int:
    return chance.randint(5, 60) if product.unit == "ft" else chance.choice((1, 1, 1, 2))
