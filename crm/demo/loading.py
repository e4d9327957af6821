"""Loads the demo through the front door: the same rules, events and numbers as any other data."""

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from crm.demo import words
from crm.resources.clients.models import Client
from crm.resources.invoices import rules
from crm.resources.invoices.models import Invoice, Status
from crm.resources.products.models import Product
from crm.rest import writes
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

__all__ = ["SIZES", "load"]

# Clients, services, goods and invoices of each demo tenant.
SIZES = {"acme": (300, 30, 30, 500), "globex": (12, 4, 6, 15)}
# In percent.
SHARES = {
    Status.PAID: 66, Status.SENT: 11, Status.OVERDUE: 8, Status.DRAFT: 7, Status.VOID: 5, Status.UNCOLLECTIBLE: 3,
}  # fmt: skip
TERM = timedelta(days=30)
YEAR = 365


def load(tenant: Tenant, *, size: tuple[int, int, int, int], step: Callable[[], None]) -> int:
    """Fill an empty tenant, all or nothing, calling `step` once a record; return how many (0: it is not empty)."""
    clients, services, goods, invoices = size
    actor, made = Actor.system(tenant, "demo"), 0
    with tenant_scope(tenant.id):
        if Client.objects.of(tenant).exists():
            return 0
        # The same seed, the same demo: pictures and guides stay true.
        chance = random.Random(tenant.slug)  # noqa: S311  believable, not secret
        people = list(counted(make_clients(tenant, actor, chance, clients), step))
        catalogue = list(counted(make_products(tenant, actor, services, goods), step))
        made = len(people) + len(catalogue)
        made += sum(1 for _ in counted(make_invoices(actor, chance, people, catalogue, invoices), step))
    return made


def counted(records: Iterable[Any], step: Callable[[], None]) -> Iterator[Any]:
    for record in records:
        step()
        yield record


def make_clients(tenant: Tenant, actor: Actor, chance: random.Random, count: int) -> Iterator[Client]:
    companies = list(words.COMPANIES)
    chance.shuffle(companies)
    for index in range(count):
        first, last = chance.choice(words.FIRST), chance.choice(words.LAST)
        city, code = chance.choice(words.CITIES)
        company = companies.pop() if companies and index % 12 == 5 else None
        address = {
            "line1": f"{chance.randint(10, 2400)} {chance.choice(words.STREETS)} St",
            "line2": None,
            "city": city,
            "region": "CA",
            "postal_code": code,
            "country": "US",
        }
        when = past(chance.randint(0, YEAR))
        client = Client(
            name=company or f"{first} {last}",
            type=Client.Type.COMPANY if company else Client.Type.PERSON,
            company_name=company,
            email=f"{first}.{last}{index}@example.com".lower(),
            phone=f"+1415555{index % 10_000:04d}",
            billing_address=address,
            contact_points=[{"kind": "mobile", "label": "site", "value": f"+1510555{index:04d}", "primary": False}]
            if company
            else [],
            tags=sorted(chance.sample(words.TAGS, chance.choice((0, 0, 1, 2)))),
            status=Client.Status.ARCHIVED if index % 29 == 28 else Client.Status.ACTIVE,
            language="en",
            created_at=when,
            updated_at=when,
        )
        writes.create(client, actor=actor)
        yield client


def make_products(tenant: Tenant, actor: Actor, services: int, goods: int) -> Iterator[Product]:
    booking = {
        "bookable": True,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 15,
        "lead_time_minutes": 240,
        "days_ahead": 60,
    }
    shared = {"currency": tenant.currency, "created_at": past(YEAR), "updated_at": past(YEAR)}
    for index, (name, price, minutes) in enumerate(words.SERVICES[:services]):
        service = Product(
            type=Product.Type.SERVICE, name=name, sku=f"SRV-{index + 1:03d}", price=Decimal(price), unit="job",
            category="Services", duration_minutes=minutes, booking=booking, **shared,
        )  # fmt: skip
        writes.create(service, actor=actor)
        yield service
    for index, (name, price, unit) in enumerate(words.PRODUCTS[:goods]):
        part = Product(
            name=name, sku=f"PRT-{index + 1:03d}", price=Decimal(price), unit=unit, category="Parts",
            tax_rate=Decimal("8.625"), **shared,
        )  # fmt: skip
        writes.create(part, actor=actor)
        yield part


def make_invoices(
    actor: Actor, chance: random.Random, clients: list[Client], products: list[Product], count: int
) -> Iterator[Invoice]:
    """Make invoices in the order of their dates, so that their numbers follow them."""
    plan = [
        (age(status, chance.randint(0, YEAR)), status)
        for status in chance.choices(list(SHARES), list(SHARES.values()), k=count)
    ]
    for days, status in sorted(plan, reverse=True):
        data = invoice_data(chance, chance.choice(clients), chance.sample(products, chance.randint(1, 4)), past(days))
        yield make_invoice(actor, chance, data, status)


def age(status: str, days: int) -> int:
    """Return how many days old an invoice is: an open one cannot be older than its term, an overdue one must be."""
    if status == Status.SENT:
        return days % TERM.days
    late = status in (Status.OVERDUE, Status.UNCOLLECTIBLE)
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
    steps = {Status.DRAFT: (), Status.SENT: (Status.SENT,), Status.OVERDUE: (Status.SENT, Status.OVERDUE)}
    for state in steps.get(Status(status), (Status.SENT, Status(status))):
        later = timedelta(days=chance.randint(3, 28)) if state != Status.SENT else timedelta(hours=2)
        rules.move(invoice, state, actor=actor, at=min(invoice.created_at + later, timezone.now()))
    return invoice


def quantity_of(product: Product, chance: random.Random) -> int:
    return chance.randint(5, 60) if product.unit == "ft" else chance.choice((1, 1, 1, 2))


def past(days: int) -> datetime:
    """Return a moment of working hours, `days` ago."""
    day: date = timezone.now().date() - timedelta(days=days)
    moment = datetime.combine(day, time(9 + days % 8, days * 7 % 60), UTC)
    return min(moment, timezone.now())
