"""One client of the demo with everything that can happen: from a form on the web to a refund, and what is next."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from crm.demo.appointments import ZONE
from crm.demo.world import World, past
from crm.resources.activities.models import Activity
from crm.resources.appointments import rules as appointments
from crm.resources.appointments.models import Appointment
from crm.resources.appointments.models import Status as Place
from crm.resources.clients.models import Client
from crm.resources.invoices import rules as invoices
from crm.resources.invoices.models import Invoice
from crm.resources.invoices.models import Status as Standing
from crm.resources.leads import rules as leads
from crm.resources.leads.models import Lead
from crm.resources.payments import rules as payments
from crm.resources.payments.models import Method, Payment
from crm.resources.products.models import Product
from crm.resources.quotes import rules as quotes
from crm.resources.quotes.models import Quote
from crm.resources.quotes.models import Status as Offer
from crm.rest import writes
from crm.sales import rules as documents
from tenants import ids
from tenants.models import Event, Member, TenantModel

__all__ = ["NAME", "SIZE", "make"]

NAME = "Rosa Delgado"
SIZE = {"acme": 14, "globex": 0}
TERM = timedelta(days=30)
PREFIXES = {Client: "cli", Lead: "led"}
MESSAGE = "Our tank water heater leaks. What does a tankless one cost, and when could you come?"
# Further ahead and longer ago than the rest of the calendar, so that whoever goes there is free.
AHEAD, DONE = 12, 30


def make(world: World) -> Iterator[TenantModel]:
    """Tell the story, in its order; what becomes of a record by itself, like the invoice of a quote, is not counted."""
    if not world.count(SIZE):
        return
    actor = world.actor
    lead = leads.create(asked(), actor=actor)
    yield lead
    yield log(world, lead, Activity.Kind.CALL, "Called back: wants it done before the holidays", minutes=12)
    leads.change(lead, {"status": "qualified"}, actor=actor)
    leads.convert(lead, actor=actor)
    client = Client.objects.of(world.tenant).get(pk=lead.client_id)

    quote = offer(world, client, ("Tankless water heater installation", "Gas line inspection"), age=38)
    yield quote
    quotes.move(quote, Offer.SENT, actor=actor, at=past(37))
    yield log(world, client, Activity.Kind.EMAIL, "Sent the quote with two pictures of the place")
    quotes.accept(quote, name=client.name, email=client.email, actor=actor, at=past(35))
    visit = visited(world, client, "Tankless water heater installation", days=-DONE, hour=8)
    yield visit
    for state, at in ((Place.CONFIRMED, visit.created_at), (Place.IN_PROGRESS, visit.starts_at)):
        appointments.move(visit, state, actor=actor, at=at)
    appointments.move(visit, Place.COMPLETED, actor=actor, at=visit.ends_at)

    quotes.convert(quote, "invoice", actor=actor, at=past(29))
    invoice: Invoice = Invoice.objects.of(world.tenant).get(pk=quote.invoice_id)
    documents.change(invoice, {"due_date": past(29).date() + TERM}, actor=actor)
    invoices.move(invoice, Standing.SENT, actor=actor, at=past(29))
    yield pay(world, invoice, invoice.amount_due / 2, 25, Method.CARD)
    invoice.refresh_from_db()
    # She rounds up, and gets a part of it back.
    rest = pay(world, invoice, invoice.amount_due + 60, 20, Method.BANK_TRANSFER)
    yield rest
    payments.refund(rest, amount=Decimal("40.00"), reason="Paid more than was due.", actor=actor)

    for names, age, part in ((("Sewer camera inspection",), 47, 2), (("Annual maintenance visit",), 5, 0)):
        bill = billed(world, client, names, age)
        yield bill
        if part:
            yield pay(world, bill, bill.amount_due / part, age - 10, Method.CHECK)
            bill.refresh_from_db()
            invoices.move(bill, Standing.OVERDUE, actor=actor, at=past(age - TERM.days - 1))
    yield log(world, client, Activity.Kind.CALL, "Asked about the rest of the inspection's invoice", minutes=4)
    second = offer(world, client, ("Water softener installation",), age=3)
    yield second
    quotes.move(second, Offer.SENT, actor=actor, at=past(3))
    yield visited(world, client, "Annual maintenance visit", days=AHEAD, hour=10)
    yield log(world, client, Activity.Kind.NOTE, "Dog in the yard; the gate's code is with the office")


def asked() -> dict[str, Any]:
    """Return what her form sent."""
    came = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "emergency"}
    names = ("utm_term", "utm_content", "referrer", "landing_page", "submitted_at")
    return {
        "name": NAME, "email": "rosa.delgado@example.net", "phone": "+17075550142", "message": MESSAGE,
        "source": "website", "score": 82, "fields": {"urgent": "yes"},
        "attribution": {**came, **dict.fromkeys(names)}, "created_at": past(40), "updated_at": past(40),
    }  # fmt: skip


def lines(world: World, names: tuple[str, ...], age: int) -> dict[str, Any]:
    """Return the fields of a document over the named products."""
    products = {item.name: item for item in world.made[Product]}
    items = [{"product_id": products[name].pk, "quantity": Decimal(1)} for name in names]
    moments = {"issue_date": past(age).date(), "created_at": past(age), "updated_at": past(age)}
    return {"currency": "", "line_items": items, **moments}


def offer(world: World, client: Client, names: tuple[str, ...], *, age: int) -> Quote:
    """Return a new quote."""
    fields = {**lines(world, names, age), "client_id": client.pk, "valid_until": past(age).date() + TERM}
    return quotes.create(fields, actor=world.actor)


def billed(world: World, client: Client, names: tuple[str, ...], age: int) -> Invoice:
    """Return a new invoice that has been sent."""
    fields = {**lines(world, names, age), "client_id": client.pk, "due_date": past(age).date() + TERM}
    invoice = invoices.create(fields, actor=world.actor)
    invoices.move(invoice, Standing.SENT, actor=world.actor, at=past(age))
    return invoice


def pay(world: World, invoice: Invoice, amount: Decimal, age: int, method: str) -> Payment:
    """Return a payment of an invoice."""
    moments = {"paid_at": past(age), "created_at": past(age), "updated_at": past(age)}
    data = {"client_id": invoice.client_id, "invoice_id": invoice.pk, "amount": amount, "method": method, **moments}
    return payments.create({**data, "reference": invoice.number}, actor=world.actor)


def visited(world: World, client: Client, service: str, *, days: int, hour: int) -> Appointment:
    """Return an appointment so many days from today, or on the day after where that is a Sunday."""
    zone = ZoneInfo(ZONE)
    day: date = timezone.now().astimezone(zone).date() + timedelta(days=days)
    day += timedelta(days=day.weekday() == 6)
    made = past(max(1, 2 - days))
    member = next(row for row in world.made[Member] if row.active and row.role == Member.Role.STAFF)
    data = {
        "client_id": client.pk,
        "service_id": next(item.pk for item in world.made[Product] if item.name == service),
        "assignee_ids": [member.pk],
        "starts_at": datetime.combine(day, time(hour), zone),
        "timezone": ZONE,
        "created_at": made,
        "updated_at": made,
    }
    return appointments.create(data, actor=world.actor)


def log(world: World, record: Client | Lead, kind: str, subject: str, *, minutes: int | None = None) -> Activity:
    """Return an activity, at the one moment that the ledger has for all of the demo: so it stands in its place."""
    activity = Activity(
        kind=kind,
        subject=subject,
        record_id=ids.encode(PREFIXES[type(record)], record.pk),
        occurred_at=Event.objects.of(world.tenant).filter(record_id=record.pk).latest("occurred_at").occurred_at,
        duration_minutes=minutes,
        direction=None if kind == Activity.Kind.NOTE else Activity.Direction.OUT,
        author=world.made[Member][0].name,
    )
    writes.create(activity, actor=world.actor)
    return activity
