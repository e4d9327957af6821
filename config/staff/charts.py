"""The home's charts of one tenant: revenue a month, receivables by age, leads by source; each also as a table."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import OperationalError
from django.http import HttpRequest
from django.utils import timezone

from crm.admin.choosing import FEW, SideForm
from crm.admin.figures import AGES, ByCurrency, Source, leads_by_source, months_to, receivables, revenue
from crm.admin.standing import money
from crm.resources.clients.models import Client
from tenants.admin.chart import ACCENT, BAD, SOFT, WARN, Chart, Line, bars, options, share
from tenants.models import Environment, Tenant
from tenants.staff import bounded

__all__ = ["books"]

MONTHS = 12
# Sources with a bar of their own; the rest share one.
MOST = 7
# Lighter to darker: the older, the worse.
BY_AGE = [ACCENT, "var(--kith-late-1)", WARN, "var(--kith-late-3)", BAD]


def books(request: HttpRequest) -> dict[str, Any]:
    """Return the charts of one side and what chooses it: the one in the address, else the first live one."""
    user: Any = request.user
    sides = bounded(Tenant.objects.order_by("slug", "environment"), user, "pk")
    few = list(sides[: FEW + 1])
    side = chosen(sides, few, request.GET.get("tenant", ""))
    if side is None:
        return {"side": None}
    form = None
    if len(few) > FEW:
        form = SideForm(sides, Client)
        form.initial["tenant"] = side.pk
    return {"side": side, "sides": few, "side_form": form, "charts": charts(side)}


def chosen(sides: Any, few: Sequence[Tenant], wanted: str) -> Tenant | None:
    """Return the wanted side if it is one of the person's, else their first live one, None where there is none."""
    try:
        found = sides.filter(pk=UUID(wanted)).first() if wanted else None
    except ValueError:
        found = None
    live = (side for side in few if side.environment == Environment.LIVE)
    return found or next(live, few[0] if few else None)


def charts(side: Tenant) -> list[Chart] | None:
    """Return the charts of a side; None where they have more to add up than the database can in time."""
    today = timezone.now().date()
    months = months_to(today, MONTHS)
    try:
        came, owed = revenue(side.pk, months), receivables(side.pk, today)
        sources = leads_by_source(side.pk, months[0])
    except OperationalError:
        return None
    return [of_revenue(side.currency, months, came), of_receivables(side.currency, owed), of_leads(sources)]


def of_revenue(currency: str, months: Sequence[date], sums: ByCurrency) -> Chart:
    """Return the chart of what the months brought."""
    names, own = [f"{month:%b %Y}" for month in months], sums.get(currency, ())
    return Chart(
        f"Revenue a month, {currency}",
        bars(names, [("Revenue", own, [ACCENT] * len(names))]) if any(own) else "",
        options(skip=True),
        ("Month", "Paid less given back"),
        amounts(names, own, currency),
        told(currency, sums),
        "payments",
        f"No payment in the last twelve months in {currency}.",
    )


def of_receivables(currency: str, sums: ByCurrency) -> Chart:
    """Return the chart of what is owed: the older, the worse."""
    names, own = [name for _, name in AGES], sums.get(currency, ())
    return Chart(
        f"Receivables by age, {currency}",
        bars(names, [("Due", own, BY_AGE)]) if any(own) else "",
        options(),
        ("Days overdue", "Due"),
        amounts(names, own, currency),
        told(currency, sums),
        "receipt_long",
        f"No invoice in {currency} waits for money.",
    )


def amounts(names: Sequence[str], own: Sequence[Decimal], currency: str) -> list[Line]:
    return [(name, money(amount, currency)) for name, amount in zip(names, own, strict=False)]


def told(currency: str, sums: ByCurrency) -> str:
    """Say what the amounts come to, those in other currencies than the tenant's own too."""
    total = {other: money(sum(amounts, Decimal(0)), other) for other, amounts in sorted(sums.items())}
    own = total.pop(currency, "")
    others = f"In other currencies: {', '.join(total.values())}." if total else ""
    return " ".join(filter(None, (own and f"In all {own}.", others)))


def of_leads(sources: Sequence[Source]) -> Chart:
    """Return the chart of sources: of each what became clients, and what did not."""
    shown = list(sources[:MOST])
    if rest := sources[MOST:]:
        shown.append(Source("others", sum(row.leads for row in rest), sum(row.converted for row in rest)))
    names = [row.name or "not told" for row in shown]
    rows = [
        (name, row.leads, row.converted, share(row.converted, row.leads))
        for name, row in zip(names, shown, strict=True)
    ]
    series = [
        ("converted", [row.converted for row in shown], [ACCENT] * len(shown)),
        ("not converted", [row.leads - row.converted for row in shown], [SOFT] * len(shown)),
    ]
    leads, converted = sum(row.leads for row in sources), sum(row.converted for row in sources)
    return Chart(
        "Leads by source",
        bars(names, series) if shown else "",
        options(sideways=True),
        ("Source", "Leads", "Converted", "Share"),
        rows,
        f"{converted} of {leads} became clients ({share(converted, leads)}); twelve months, spam left out."
        if leads
        else "",
        "flag",
        "No lead in the last twelve months. A form on the tenant's web site, or POST /v1/leads, brings them in.",
    )
