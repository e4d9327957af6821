"""The demo's quotes, in every state: some have a newer version, and the accepted ones became orders and invoices."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from crm.demo.invoices import quantity_of
from crm.demo.world import World, past
from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from crm.resources.quotes import rules
from crm.resources.quotes.models import Quote, Status

__all__ = ["SIZE", "document_data", "make"]

SIZE = {"acme": 90, "globex": 10}
# The states of ten quotes; for each state the age of its youngest one, and how many days lie between two of them.
TEN = (*[Status.CONVERTED] * 4, *(state for state in Status if state != Status.CONVERTED))
AGES: dict[str, tuple[int, int]] = {
    Status.DRAFT: (0, 1),
    Status.SENT: (3, 2),
    Status.APPROVED: (5, 2),
    Status.ACCEPTED: (6, 3),
    Status.CONVERTED: (12, 35),
    Status.DECLINED: (15, 30),
    Status.EXPIRED: (35, 30),
}
VALID = timedelta(days=30)
REASONS = ("Another firm was cheaper.", "We will wait until spring.", "The landlord pays for it after all.")


def make(world: World) -> Iterator[Quote]:
    """Make quotes in the order of their dates, so that their numbers follow them."""
    plan = [(age(TEN[index % 10], index), TEN[index % 10]) for index in range(world.count(SIZE))]
    for turn, (days, status) in enumerate(sorted(plan, reverse=True)):
        data = {**document_data(world, past(days)), "valid_until": past(days).date() + VALID}
        quote = rules.create(data, actor=world.actor)
        settle(world, quote, status)
        # A version that takes a quote's place is not counted: it is the quote's own doing.
        if status == Status.SENT and turn % 2:
            rules.revise(quote, actor=world.actor)
        yield quote


def age(status: str, index: int) -> int:
    youngest, apart = AGES[status]
    return youngest + index // 10 * apart + index % 10


def document_data(world: World, when: datetime) -> dict[str, Any]:
    """Return the fields of a document over some products, dated `when`."""
    products = world.chance.sample(world.made[Product], world.chance.randint(1, 4))
    return {
        "client_id": world.chance.choice(world.made[Client]).pk,
        "currency": "",
        "issue_date": when.date(),
        "line_items": [{"product_id": item.pk, "quantity": quantity_of(item, world.chance)} for item in products],
        "notes": "Old parts are taken away.",
        "terms": "Half in advance, the rest within 30 days.",
        "created_at": when,
        "updated_at": when,
    }


def settle(world: World, quote: Quote, status: str) -> None:
    """Take a draft to its state, step by step."""
    actor, now = world.actor, timezone.now()

    def after(days: int) -> datetime:
        return min(quote.created_at + timedelta(days=days, hours=2), now)

    if status == Status.DRAFT:
        return
    rules.move(quote, Status.SENT, actor=actor, at=after(0))
    if status == Status.DECLINED:
        rules.decline(quote, reason=world.chance.choice(REASONS), actor=actor, at=after(4))
    if status == Status.EXPIRED:
        rules.move(quote, Status.EXPIRED, actor=actor, at=after(VALID.days + 1))
    if status == Status.APPROVED:
        rules.move(quote, Status.APPROVED, actor=actor, at=after(2))
    if status in (Status.ACCEPTED, Status.CONVERTED):
        client = quote.client
        rules.accept(quote, name=client.name, email=client.email, actor=actor, at=after(3))
    if status == Status.CONVERTED:
        rules.convert(quote, world.chance.choice(("order", "order", "invoice")), actor=actor, at=after(4))
