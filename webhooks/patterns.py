"""Which events an endpoint asks for: types (`invoice.paid`), all of a kind (`invoice.*`), or `*` for everything."""

from collections.abc import Collection

from django.db.models import Q

__all__ = ["ALL_OF", "EVERYTHING", "condition", "is_kind", "matches"]

EVERYTHING = "*"
# Behind the name of a resource: each of its events.
ALL_OF = ".*"


def is_kind(pattern: str) -> bool:
    """Tell whether a pattern stands for all events of one resource."""
    return pattern.endswith(ALL_OF)


def matches(patterns: Collection[str], type: str) -> bool:
    """Tell whether one of `patterns` asks for events of `type`; no patterns ask for nothing."""
    resource, _, _ = type.partition(".")
    return EVERYTHING in patterns or type in patterns or f"{resource}{ALL_OF}" in patterns


def condition(patterns: Collection[str]) -> Q:
    """Return the same of rows of the ledger."""
    if EVERYTHING in patterns:
        return Q()
    asked = Q(type__in=[pattern for pattern in patterns if not is_kind(pattern)])
    if resources := [pattern.removesuffix(ALL_OF) for pattern in patterns if is_kind(pattern)]:
        asked |= Q(resource__in=resources)
    return asked
