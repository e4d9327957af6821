"""What pages say of sending again: how many events a window holds, and why something cannot be sent."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db.models import Count

from tenants.scope import tenant_scope
from webhooks.models import Endpoint
from webhooks.replay import AGE, MOST, Forgotten, Silent, TooMany, Unrepeatable, choose

__all__ = ["SENTENCES", "Preview", "preview"]

SENTENCES: Mapping[type[Unrepeatable], str] = {
    Silent: "The endpoint is switched off: switch it on first, and what waits is sent.",
    Forgotten: f"Only what happened in the last {AGE.days} days can be sent again, and a test never: send another one.",
    TooMany: f"The window holds more than {MOST:,} events: choose a narrower one, or fewer types.",
}


class Preview(NamedTuple):
    """How many events would be sent again, in all and by type."""

    total: int
    types: Mapping[str, int]


def preview(endpoint: Endpoint, **window: Any) -> Preview:
    """Return what a window would send; raise TooMany where it is more than a job takes."""
    with tenant_scope(endpoint.tenant_id):
        chosen = choose(endpoint, **window)
        if chosen[: MOST + 1].count() > MOST:
            raise TooMany
        rows = chosen.order_by().values_list("type").annotate(count=Count("pk")).order_by("-count", "type")
        types = dict(rows)
    return Preview(sum(types.values()), types)
