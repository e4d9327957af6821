"""The demo's catalogue: services that can be booked, and the parts that they take."""

from collections.abc import Iterator
from decimal import Decimal

from crm.demo import words
from crm.demo.world import YEAR, World, past
from crm.resources.products.models import Product
from crm.rest import writes

__all__ = ["SIZE", "make"]

SERVICES, GOODS = {"acme": 30, "globex": 4}, {"acme": 30, "globex": 6}
SIZE = {slug: SERVICES[slug] + GOODS[slug] for slug in SERVICES}


def make(world: World) -> Iterator[Product]:
    """Make the services, then the goods."""
    booking = {
        "bookable": True,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 15,
        "lead_time_minutes": 240,
        "days_ahead": 60,
    }
    shared = {"currency": world.tenant.currency, "created_at": past(YEAR), "updated_at": past(YEAR)}
    for index, (name, price, minutes) in enumerate(words.SERVICES[: world.count(SERVICES)]):
        service = Product(
            type=Product.Type.SERVICE, name=name, sku=f"SRV-{index + 1:03d}", price=Decimal(price), unit="job",
            category="Services", duration_minutes=minutes, booking=booking, **shared,
        )  # fmt: skip
        writes.create(service, actor=world.actor)
        yield service
    for index, (name, price, unit) in enumerate(words.PRODUCTS[: world.count(GOODS)]):
        part = Product(
            name=name, sku=f"PRT-{index + 1:03d}", price=Decimal(price), unit=unit, category="Parts",
            tax_rate=Decimal("8.625"), **shared,
        )  # fmt: skip
        writes.create(part, actor=world.actor)
        yield part
