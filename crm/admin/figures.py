"""A tenant's figures for charts, one statement each: what came in, what is owed and how late, where leads are from."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, Q, Sum, Value, When
from django.db.models.functions import TruncMonth

from crm.admin.standing import OPEN
from crm.resources.invoices.models import Invoice
from crm.resources.leads.models import Lead, Status
from crm.resources.payments.models import COLLECTED, Payment, Refund

__all__ = ["AGES", "ByCurrency", "Source", "leads_by_source", "months_to", "receivables", "revenue"]

# Days overdue up to which an invoice counts, and what that is called; the last one has no end.
AGES: tuple[tuple[int | None, str], ...] = (
    (0, "not due"),
    (30, "1-30"),
    (60, "31-60"),
    (90, "61-90"),
    (None, "over 90"),
)
NONE = Decimal(0)
ByCurrency = Mapping[str, Sequence[Decimal]]


class Source(NamedTuple):
    """How many leads a source brought, and how many of them became clients."""

    name: str | None
    leads: int
    converted: int


def months_to(today: date, count: int) -> list[date]:
    """Return the first days of the last `count` months, this one included."""
    numbers = range(today.year * 12 + today.month - count, today.year * 12 + today.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def revenue(tenant_id: UUID, months: Sequence[date]) -> ByCurrency:
    """Return, by currency, what each of the months brought: what was paid in it less what was given back in it."""
    start = midnight(months[0])
    end = midnight((months[-1] + timedelta(days=31)).replace(day=1))
    paid = Payment.every_tenant.filter(tenant=tenant_id, status__in=COLLECTED, paid_at__gte=start, paid_at__lt=end)
    back = Refund.every_tenant.filter(tenant=tenant_id, at__gte=start, at__lt=end)
    came: Any = paid.values(month=TruncMonth("paid_at", tzinfo=UTC), what=F("currency")).annotate(sum=Sum("amount"))
    went: Any = back.values(month=TruncMonth("at", tzinfo=UTC), what=F("payment__currency"))
    rows = came.union(went.annotate(sum=-Sum("amount")), all=True)
    found: dict[str, dict[date, Decimal]] = {}
    for row in rows:
        sums = found.setdefault(row["what"], dict.fromkeys(months, NONE))
        sums[row["month"].date()] += row["sum"]
    return {currency: list(sums.values()) for currency, sums in found.items()}


def receivables(tenant_id: UUID, today: date) -> ByCurrency:
    """Return, by currency, what is due on open invoices, for each of AGES."""
    rows = Invoice.every_tenant.filter(tenant=tenant_id, status__in=OPEN)
    steps = [
        When(due_date__gte=today - timedelta(days=most), then=Value(n)) for n, (most, _) in enumerate(AGES) if most
    ]
    never = When(Q(due_date=None) | Q(due_date__gte=today), then=Value(0))
    age = Case(never, *steps, default=Value(len(AGES) - 1), output_field=IntegerField())
    found: dict[str, list[Decimal]] = {}
    for row in rows.values("currency", age=age).annotate(sum=Sum("amount_due")):
        found.setdefault(row["currency"], [NONE] * len(AGES))[row["age"]] += row["sum"]
    return found


def leads_by_source(tenant_id: UUID, first: date) -> list[Source]:
    """Return where the leads since a day came from, spam left out, the most fertile source first."""
    rows = Lead.every_tenant.filter(tenant=tenant_id, created_at__gte=midnight(first)).exclude(status=Status.SPAM)
    counted = rows.values("source").annotate(
        leads=Count("pk"), converted=Count("pk", filter=Q(status=Status.CONVERTED))
    )
    return [Source(row["source"], row["leads"], row["converted"]) for row in counted.order_by("-leads", "source")]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
