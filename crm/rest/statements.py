"""What lists and records ask of PostgreSQL: written by the ORM once, with Params where the values of a request go."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Expression, Q, QuerySet

from tenants.routing import alias
from tenants.statements import fetch

__all__ = ["TENANT", "Condition", "Param", "Statement"]

TENANT = "tenant"


class Param(Expression):
    """A value that a compiled statement takes when it runs."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


@dataclass(frozen=True)
class Condition:
    """What a list asks, taken apart: `build` makes the Q of Params that stand for the `values`.

    Two with equal keys differ in their values alone, so a statement is compiled once for both.
    """

    key: tuple[Any, ...]
    values: tuple[Any, ...]
    build: Callable[..., Q]

    @classmethod
    def of(cls, path: str, value: Any) -> "Condition":
        """Return the condition that a path's lookup holds for a value."""
        return cls((path,), (value,), lambda param: Q(**{path: param}))

    def at(self, place: int) -> Q:
        """Return the Q of its place among others, which names its Params."""
        return self.build(*(Param(f"{place}.{number}") for number in range(len(self.values))))

    def values_at(self, place: int) -> dict[str, Any]:
        """Return the values of those Params."""
        return {f"{place}.{number}": value for number, value in enumerate(self.values)}


@dataclass(frozen=True)
class Statement:
    """SQL that the ORM wrote once, and the values or Params it takes."""

    sql: str
    params: tuple[Any, ...]

    @classmethod
    def of(cls, rows: QuerySet[Any], tail: str = "", *more: Any) -> "Statement":
        """Compile `rows`; `tail` and its params are put behind (a LIMIT takes no Param in the ORM)."""
        sql, params = rows.query.get_compiler(using=alias()).as_sql()
        return cls(f"{sql}{tail}", (*params, *more))

    def fetch(self, **values: Any) -> list[tuple[Any, ...]]:
        """Run it with `values` for the Params, the tenant's among them, and return the rows; times in them are text."""
        params = [values[param.name] if isinstance(param, Param) else param for param in self.params]
        return fetch(self.sql, params, tenant_id=values[TENANT])
