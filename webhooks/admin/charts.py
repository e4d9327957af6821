"""The charts of an endpoint: what became of each hour's deliveries, and how long the slow answers took."""

from collections.abc import Sequence

from django.db import OperationalError, transaction

from tenants.admin.chart import ACCENT, BAD, SOFT, WARN, Chart, bars, options
from tenants.routing import alias
from webhooks.figures import OUTCOMES, Hour, hours
from webhooks.models import Endpoint

__all__ = ["HOURS", "charts", "span"]

HOURS = (24, 48)
COLOURS = {"delivered": ACCENT, "pending": WARN, "exhausted": BAD, "skipped": SOFT}


def span(text: str) -> int:
    """Return the number of hours that an address asks for, else the least."""
    return next((hours for hours in HOURS if str(hours) == text), HOURS[0])


def charts(endpoint: Endpoint, count: int) -> list[Chart] | None:
    """Return the charts; None where there is more to count than the database can in time."""
    try:
        with transaction.atomic(using=alias()):
            found = hours(endpoint, count)
    except OperationalError:
        return None
    return [of_outcomes(found), of_durations(found)]


def of_outcomes(found: Sequence[Hour]) -> Chart:
    """Return the chart of deliveries an hour, by what became of them."""
    names = [f"{hour.start:%H:%M}" for hour in found]
    series = [(name, [hour.counts[name] for hour in found], [COLOURS[name]] * len(found)) for name in OUTCOMES]
    total = sum(sum(hour.counts.values()) for hour in found)
    return Chart(
        "Deliveries an hour, by outcome",
        bars(names, series) if total else "",
        options(skip=True, legend=True),
        ("Hour (UTC)", *OUTCOMES),
        [(f"{hour.start:%d %b %H:%M}", *(hour.counts[name] for name in OUTCOMES)) for hour in found],
        f"{total:,} in {len(found)} hours; times are UTC." if total else "",
        "outbox",
        f"No delivery in the last {len(found)} hours. A change that the endpoint asks for makes one; a test does too.",
    )


def of_durations(found: Sequence[Hour]) -> Chart:
    """Return the chart of the 95th percentile an hour."""
    names = [f"{hour.start:%H:%M}" for hour in found]
    known = [hour.p95 for hour in found if hour.p95 is not None]
    return Chart(
        "Slow answers an hour (p95), ms",
        bars(names, [("p95", [hour.p95 or 0 for hour in found], [ACCENT] * len(found))]) if known else "",
        options(skip=True),
        ("Hour (UTC)", "p95"),
        [(f"{hour.start:%d %b %H:%M}", "-" if hour.p95 is None else f"{hour.p95:,.0f} ms") for hour in found],
        f"At worst {max(known):,.0f} ms: 95 of 100 attempts in each hour were no slower." if known else "",
        "timer",
        "No attempt has ended in this time.",
    )
