"""What the guide at the head of a document must know about its contract."""

from dataclasses import replace
from typing import Any

from apikeys.limits import HOURLY
from crm.docs.failures import known_failures
from crm.docs.samples import base_of
from crm.registry import RESOURCES
from crm.rest.batch import MAX_OPERATIONS
from crm.rest.bodies import MAX_BYTES
from crm.rest.contract import Contract
from crm.rest.pages import DEFAULT_LIMIT, MAX_LIMIT, NumberedPages, OffsetPages
from crm.rest.router import bound_views

__all__ = ["PLANS", "guide_of"]

# As the migration of tenants makes them; a test compares the two.
PLANS: tuple[tuple[str, int, int | None], ...] = (
    ("Free", 60, 1_000),
    ("Standard", 100, None),
    ("Pro", 300, 50_000),
    ("Enterprise", 1_000, None),
)
WALKS = {
    OffsetPages: "`limit` and `offset` pick a page and count all matches. For a long walk send each answer's "
    "`next_cursor` as `cursor` instead: it stays right while records come and go, and it is as fast on the last page.",
    NumberedPages: "`page` and `limit` pick a page. The same numbers come as `X-Total-Count`, `X-Page` and "
    "`X-Per-Page`, and `Link` holds the addresses of the next, previous, first and last page.",
}
OPERATORS = (
    ("eq, ne", "equal, not equal"),
    ("gt, gte, lt, lte", "greater, less, or equal"),
    ("in, nin", "one of a list, none of it"),
    ("contains, startsWith, endsWith", "part of a text, whatever its case"),
    ("null", "`true`: has no value, `false`: has one"),
)


def guide_of(contract: Contract) -> dict[str, Any]:
    """Return the words and numbers of the guide."""
    views = bound_views(contract, RESOURCES)
    return {
        "contract": contract,
        "base": base_of(contract),
        "failures": [replace(item, code=contract.code(item.code)) for item in known_failures(contract)],
        "actions": {name for view in views.values() for name in view.methods},
        "scope": contract.scope(f"{next(iter(views))}:write"),
        **limits_of(contract),
        "windows": " and per ".join(contract.windows),
        "session_limits": list(contract.limits.get("session", {}).items()),
        "walk": WALKS[type(contract.paging)],
        "default_limit": DEFAULT_LIMIT,
        "max_limit": MAX_LIMIT,
        "batches": any(view.operations() and contract.publishes(name, "batch") for name, view in views.items()),
        "max_operations": MAX_OPERATIONS,
        "max_megabytes": MAX_BYTES // 1024**2,
        "operators": OPERATORS,
        "methods": " and ".join(method.upper() for method in contract.update_methods),
        "clients": contract.word("clients"),
        "names": {name: contract.wire(name) for name in NAMES},
    }


def limits_of(contract: Contract) -> dict[str, Any]:
    """Return what a contract counts requests by: of the plans' limits those that it has windows for."""
    counted = [window for window in ("minute", "day") if window in contract.windows]
    plans = [(name, [{"minute": minute, "day": day}[window] for window in counted]) for name, minute, day in PLANS]
    return {"plans": plans, "plan_windows": counted, "hourly": HOURLY if "hour" in contract.windows else None}


# Names that the guide mentions, each to be said in the contract's way.
NAMES = (
    "filter",
    "search",
    "sort",
    "order",
    "fields",
    "include",
    "start_date",
    "end_date",
    "updated_since",
    "created_at",
    "status",
    "external_ref",
)
