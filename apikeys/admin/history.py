"""What a key did lately: its requests by day, and the newest events that bear its name."""

from datetime import timedelta

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from apikeys.models import ApiKey, DailyUsage
from apikeys.usage import per_day
from tenants import ids
from tenants.admin import show
from tenants.models import Event

__all__ = ["doings", "successor", "usage"]

DAYS = timedelta(days=29)
SHOWN = 20


def successor(key: ApiKey) -> str:
    """Return a link to the key that took its place."""
    newer = key.apikey_set.first()
    return show.link(reverse("admin:apikeys_apikey_change", args=[newer.pk]), newer) if newer else "-"


def usage(key: ApiKey) -> str:
    """Return a bar for each of the last 30 days."""
    today = timezone.now().date()
    rows = DailyUsage.every_tenant.filter(tenant=key.tenant_id, key_id=key.pk)
    days = per_day(rows, today - DAYS, today)
    most = max(counts["requests"] for _, counts in days)
    bars = [(day, counts, round(100 * counts["requests"] / most) if most else 0) for day, counts in days]
    total = sum(counts["requests"] for _, counts in days)
    return render_to_string("admin/kith/usage.html", {"bars": bars, "total": total, "most": most})


def doings(key: ApiKey) -> str:
    """Return a table of the newest events of the key."""
    # Ids are made in order of time: an id of that day bounds the search to the days that are shown.
    first = ids.first_of(timezone.now() - DAYS)
    rows = Event.every_tenant.filter(tenant=key.tenant_id, pk__gte=first, actor_kind="key", actor_id=key.public_id)
    # A key that was never used did nothing, and to find that out would take the longest.
    events = rows.order_by("-pk")[:SHOWN] if key.last_used_at else ()
    return render_to_string("admin/kith/doings.html", {"events": events, "key": key})
