"""Which events a caller may read, or an endpoint hear: those of the resources that its scopes open."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.db.models import Q

from apikeys.scopes import allows
from crm.rest.statements import Condition

__all__ = ["Reach", "reach_of"]


@dataclass(frozen=True)
class Reach:
    """Whole resources, and parts of others with what makes a record one of the part: the services of the products."""

    wholes: tuple[str, ...]
    parts: tuple[tuple[str, Mapping[str, Any]], ...]

    def condition(self) -> Q:
        """Return the condition of the ledger's rows."""
        shown = Q(resource__in=self.wholes)
        for resource, only in self.parts:
            shown |= Q(resource=resource, **{f"data__{name}": value for name, value in only.items()})
        return shown

    def asked(self) -> Condition:
        """Return the same for a compiled read."""
        return Condition(("reach", str(self)), (), self.condition)

    def includes(self, resource: str, data: str) -> bool:
        """Tell the same of one event; `data` is its JSON text, which is looked into for parts only."""
        if resource in self.wholes:
            return True
        wanted = [only for name, only in self.parts if name == resource]
        record = orjson.loads(data) if wanted else {}
        return any(all(record.get(name) == value for name, value in only.items()) for only in wanted)


def reach_of(views: Iterable[Any], scopes: Collection[str]) -> Reach:
    """Return how far `scopes` reach among the bound views of a contract."""
    readable = [view for view in views if allows(scopes, view.scope("read"))]
    wholes = tuple(view.event_resource() for view in readable if not view.only)
    parts = [(view.event_resource(), view.only) for view in readable if view.event_resource() not in wholes]
    return Reach(wholes, tuple(parts))
