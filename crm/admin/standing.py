"""How it stands with a client: what is owed, what was paid, what is offered, and when somebody goes there next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import F, Q, Sum
from django.urls import reverse
from django.utils import timezone

from crm.admin.columns import page_link
from crm.money import padded
from crm.resources.appointments.models import LONGEST, OVER, Appointment
from crm.resources.clients.models import Client
from crm.resources.invoices.models import Invoice
from crm.resources.invoices.models import Status as Billed
from crm.resources.invoices.paying import RUNNING
from crm.resources.leads.models import Lead
from crm.resources.payments.models import Payment
from crm.resources.quotes.models import Quote
from crm.resources.quotes.models import Status as Offered
from tenants.admin import show

__all__ = ["OPEN", "Standing", "money", "standing"]

# Invoices that wait for money, late or not, and quotes of which something may still become.
OPEN = (*RUNNING, Billed.OVERDUE)
OFFERS = (Offered.SENT, Offered.APPROVED, Offered.ACCEPTED)
# Rows that a panel shows; the lists have them all.
MOST = 5


class Row(NamedTuple):
    """One record: a link to it, its state, a number, and what else there is to say."""

    link: str
    badge: str
    value: str
    notes: Sequence[str]


class Panel(NamedTuple):
    """Some records of one kind, or the sentence that there are none; `all` leads to their list."""

    title: str
    rows: Sequence[Row]
    empty: str
    all: str = ""


class Account(NamedTuple):
    """What a client owes, and has as credit, in one currency."""

    currency: str
    owed: Decimal
    late: Decimal
    credit: Decimal

    def figures(self) -> list[tuple[str, str, str]]:
        """Return titles, amounts and tones."""
        late = money(self.late, self.currency)
        return [
            ("Outstanding", money(self.owed, self.currency), f"{late} of it overdue" if self.late else ""),
            ("Credit", money(self.credit, self.currency), ""),
        ]


@dataclass(frozen=True)
class Standing:
    """What stands above a client's timeline."""

    accounts: Sequence[Account]
    panels: Sequence[Panel]
    leads: Sequence[Lead]


def standing(client: Client) -> Standing:
    """Return how it stands with a client, inside the tenant's scope: in nine statements at most, whatever there is."""
    today, leads = timezone.now().date(), leads_of(client)
    return Standing(
        accounts=accounts(client, today),
        panels=[
            Panel("Open invoices", open_invoices(client, today), "Nothing is to be paid.", listed(Invoice, client)),
            Panel("Next appointment", next_appointment(client), "None is planned.", listed(Appointment, client)),
            Panel("Open quotes", open_quotes(client, today), "No offer waits for an answer.", listed(Quote, client)),
            Panel("Last payments", last_payments(client), "Nothing has been paid yet.", listed(Payment, client)),
            Panel("Came from", [origin(lead) for lead in leads], "No lead: added as a client from the start."),
        ],
        leads=leads,
    )


def accounts(client: Client, today: date) -> list[Account]:
    """Return what is owed and what is credit, by currency."""
    bills = Invoice.objects.of(client.tenant_id).filter(client=client, status__in=OPEN).values("currency")
    paid = Payment.objects.of(client.tenant_id).filter(client=client, amount_unallocated__gt=0).values("currency")
    owed: dict[str, Any] = {
        row["currency"]: row
        for row in bills.annotate(owed=Sum("amount_due"), late=Sum("amount_due", filter=Q(due_date__lt=today)))
    }
    credit = {row["currency"]: row["credit"] for row in paid.annotate(credit=Sum("amount_unallocated"))}
    none = Decimal(0)
    return [
        Account(
            currency,
            owed.get(currency, {}).get("owed") or none,
            owed.get(currency, {}).get("late") or none,
            credit.get(currency, none),
        )
        for currency in sorted({*owed, *credit})
    ]


def open_invoices(client: Client, today: date) -> list[Row]:
    """Return what waits for money, the longest overdue first."""
    rows = Invoice.objects.of(client.tenant_id).filter(client=client, status__in=OPEN)
    return [
        Row(
            page_link(invoice),
            show.badge(invoice.status),
            money(invoice.amount_due, invoice.currency),
            [due(invoice.due_date, today)],
        )
        for invoice in rows.order_by(F("due_date").asc(nulls_last=True), "pk")[:MOST]
    ]


def due(day: date | None, today: date) -> str:
    """Say when an invoice is to be paid."""
    if day is None:
        return "no due date"
    days = (today - day).days
    if days > 0:
        return f"{days} {'day' if days == 1 else 'days'} overdue"
    return f"due {day:%-d %b %Y}" if days else "due today"


def next_appointment(client: Client) -> list[Row]:
    """Return the next appointment, in the time of its own zone, with who goes there."""
    now = timezone.now()
    # None is longer, so none that still runs started earlier.
    rows = Appointment.objects.of(client.tenant_id).filter(client=client, starts_at__gt=now - LONGEST, ends_at__gt=now)
    coming = rows.exclude(status__in=OVER).select_related("service").prefetch_related("assignees__member")
    return [
        Row(page_link(item), show.badge(item.status), "", [spoken(item), *who(item), *service_of(item)])
        for item in coming.order_by("starts_at", "pk")[:1]
    ]


def spoken(appointment: Appointment) -> str:
    """Say when an appointment is."""
    zone = ZoneInfo(appointment.timezone)
    start, end = appointment.starts_at.astimezone(zone), appointment.ends_at.astimezone(zone)
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%a %-d %b, %H:%M}"
    return f"{start:%a %-d %b %Y, %H:%M} to {until} ({appointment.timezone})"


def who(appointment: Appointment) -> list[str]:
    names = ", ".join(row.member.name for row in appointment.assignees.all())
    return [names or "nobody is assigned yet"]


def service_of(appointment: Appointment) -> list[str]:
    named = appointment.service and appointment.service.name
    return [named] if named and named != appointment.title else []


def open_quotes(client: Client, today: date) -> list[Row]:
    """Return the newest offers that may still become something."""
    rows = Quote.objects.of(client.tenant_id).filter(client=client, status__in=OFFERS, superseded_by=None)
    return [
        Row(page_link(quote), show.badge(quote.status), money(quote.total, quote.currency), [valid(quote, today)])
        for quote in rows.order_by("-created_at", "-pk")[:MOST]
    ]


def valid(quote: Quote, today: date) -> str:
    if quote.status == Offered.ACCEPTED:
        return "to be converted"
    if quote.valid_until is None:
        return "without a last day"
    return f"valid until {quote.valid_until:%-d %b %Y}" if quote.valid_until >= today else "its last day is over"


def last_payments(client: Client) -> list[Row]:
    """Return the newest payments."""
    rows = Payment.objects.of(client.tenant_id).filter(client=client).order_by("-created_at", "-pk")[:MOST]
    return [
        Row(page_link(item), show.badge(item.status.replace("_", " "), show.TONES.get(item.status)), "", paid(item))
        for item in rows
    ]


def paid(payment: Payment) -> list[str]:
    """Say how and when something was paid, and what of it was given back."""
    when = f"{payment.paid_at:%-d %b %Y}" if payment.paid_at else "not collected yet"
    told = [payment.method.replace("_", " "), when]
    if payment.amount_refunded:
        told.append(f"{money(payment.amount_refunded, payment.currency)} given back")
    return [", ".join(told)]


def leads_of(client: Client) -> list[Lead]:
    """Return the leads that became this client, the first one first."""
    return list(Lead.objects.of(client.tenant_id).filter(client=client).order_by("created_at", "pk")[:MOST])


def origin(lead: Lead) -> Row:
    """Say where a lead came from."""
    campaign = (lead.attribution or {}).get("utm_campaign")
    notes = [lead.source or "unknown source", f"{lead.created_at:%-d %b %Y}"]
    return Row(page_link(lead), "", "", [", ".join([*notes, *([f"campaign {campaign}"] if campaign else [])])])


def listed(model: Any, client: Client) -> str:
    """Return the address of the list of a client's records."""
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{page}?client__id__exact={client.pk}"


def money(amount: Decimal, currency: str) -> str:
    """Return an amount with the currency's decimals."""
    return f"{padded(amount, currency):,f} {currency}"
