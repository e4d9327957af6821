"""The admin's home: how business goes, how much the API is used, what changes, what fails, and which keys end soon."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.utils import timezone

from apikeys.admin.granting import may_issue
from apikeys.models import ApiKey, DailyUsage
from apikeys.usage import per_day
from config.staff.charts import books
from tenants import ids
from tenants.models import Event, Tenant
from tenants.staff import bounded
from webhooks.admin.looks import word_badge
from webhooks.figures import failed_since
from webhooks.health import ailing, health, lanes_of
from webhooks.models import Endpoint

__all__ = ["home"]

DAYS = 30
SHOWN = 6
Days = Sequence[tuple[date, Mapping[str, int]]]
COLOURS = {
    "answered": "var(--color-primary-600)",
    "refused (4xx)": "var(--kith-warn)",
    "failed (5xx)": "var(--kith-bad)",
    "events": "var(--color-primary-600)",
}

OPTIONS = json.dumps(
    {
        "animation": False,
        "maintainAspectRatio": False,
        "plugins": {"legend": {"display": False}},
        "scales": {
            "x": {
                "stacked": True,
                "grid": {"display": False},
                "ticks": {"color": "#9ca3af", "maxTicksLimit": 8, "maxRotation": 0},
            },
            "y": {
                "stacked": True,
                "beginAtZero": True,
                "ticks": {"color": "#9ca3af", "precision": 0, "maxTicksLimit": 5},
            },
        },
    }
)


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the home shows to its context: the person's own tenants, all of them for a superuser."""
    user: Any = request.user
    today = timezone.now().date()
    first = today - timedelta(days=DAYS - 1)
    usage = per_day(bounded(DailyUsage.every_tenant.all(), user), first, today)
    events = events_per_day(user, first, today)
    keys = bounded(ApiKey.objects.working(timezone.now()).select_related("tenant"), user)
    now = usage[-1][1]
    return {
        **context,
        **books(request),
        "title": "Home",
        "figures": [
            ("Requests today", now["requests"]),
            ("Refused or failed today", now["refused"] + now["failed"]),
            ("Working keys", keys.count()),
            ("Changes today", events[-1][1] if events else "-"),
            ("Deliveries failed today", failed_today(user)),
        ],
        "requests": any(counts["requests"] for _, counts in usage) and requests_chart(usage),
        "errors": any(counts["refused"] + counts["failed"] for _, counts in usage) and errors_chart(usage),
        "events": events and any(count for _, count in events) and events_chart(events),
        "events_unknown": events is None,
        "ending": keys.filter(expires_at__lt=timezone.now() + timedelta(days=DAYS)).order_by("expires_at")[:SHOWN],
        "failing": failing(user),
        "has_endpoints": bounded(Endpoint.every_tenant.all(), user).exists,
        "has_keys": keys.exists(),
        "has_tenants": bounded(Tenant.objects.all(), user, "pk").exists(),
        "may_issue": may_issue(user),
        "base": settings.PUBLIC_URL,
        "options": OPTIONS,
    }


def failing(user: Any) -> list[tuple[Endpoint, str, str]]:
    """Return some endpoints that fail or that Kith switched off, each with how it does, and since when or why."""
    rows = ailing(bounded(Endpoint.every_tenant.select_related("tenant"), user)).order_by("-pk")
    found = list(rows[:SHOWN])
    lanes = lanes_of(found) if found else {}
    healths = [health(endpoint, lanes.get(endpoint.pk)) for endpoint in found]
    return [(endpoint, word_badge(known), known.more) for endpoint, known in zip(found, healths, strict=True)]


def failed_today(user: Any) -> int | str:
    """Return how many deliveries an attempt of today failed for; a dash where it is too much to count in time."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = bounded(failed_since(midnight), user)
    try:
        return int(rows.aggregate(count=Count("delivery_id", distinct=True))["count"])
    except OperationalError:
        return "-"


def events_per_day(user: Any, first: date, last: date) -> list[tuple[date, int]] | None:
    """Return the number of events of each day; None where there are more than the database can count in time."""
    start = timezone.now() - timedelta(days=DAYS)
    rows = bounded(Event.every_tenant.filter(pk__gte=ids.first_of(start), occurred_at__date__gte=first), user)
    try:
        counted = rows.annotate(day=TruncDate("occurred_at")).values("day").annotate(count=Count("pk")).order_by("day")
        found = {row["day"]: int(row["count"]) for row in counted}
    except OperationalError:
        return None
    return [(day, found.get(day, 0)) for day in (first + timedelta(days=n) for n in range((last - first).days + 1))]


def requests_chart(usage: Days) -> str:
    """Return the chart of all requests."""
    return chart([day for day, _ in usage], {"answered": [row["requests"] for _, row in usage]})


def errors_chart(usage: Days) -> str:
    """Return the chart of what did not go well."""
    series = {
        "refused (4xx)": [row["refused"] for _, row in usage],
        "failed (5xx)": [row["failed"] for _, row in usage],
    }
    return chart([day for day, _ in usage], series)


def events_chart(events: Sequence[tuple[date, int]]) -> str:
    """Return the chart of changes."""
    return chart([day for day, _ in events], {"events": [count for _, count in events]})


def chart(days: Sequence[date], series: Mapping[str, Sequence[int]]) -> str:
    """Return what unfold's chart component draws."""
    datasets = [
        {"label": label, "data": list(data), "backgroundColor": COLOURS[label]} for label, data in series.items()
    ]
    return json.dumps({"labels": [f"{day:%d %b}" for day in days], "datasets": datasets})
