"""Reads, compiled: the columns to fetch and one function from row to dict; no serializer field is walked per row."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import orjson
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Func, JSONField, OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, JSONArray

from crm.rest.statements import TENANT, Param

__all__ = ["EMBEDDED_LIMIT", "Column", "Conversion", "Embedded", "Ids", "Many", "Part", "Plan"]

# An included list is a list: it has a limit too.
EMBEDDED_LIMIT = 100
Convert = Callable[[Any], Any]


class Conversion(NamedTuple):
    """How one field's value becomes JSON, by where it comes from: an instance, a row, or PostgreSQL's JSON.

    `expression` makes what PostgreSQL computes instead of reading one column, seen from a prefix. `as_text` asks it for
    text inside JSON, where a number would lose the zeros of a decimal.
    """

    python: Convert | None = None
    stored: Convert | None = None
    nested: Convert | None = None
    as_text: bool = False
    expression: Callable[[str], Any] | None = None


class Column(NamedTuple):
    """One field: its name on the wire and the attribute it is read from."""

    name: str
    source: str
    how: Conversion

    def expression(self, prefix: str) -> Any:
        """Return what PostgreSQL reads it from, seen from a prefix."""
        return self.how.expression(prefix) if self.how.expression else F(f"{prefix}{self.source}")


class Part(Protocol):
    """A record or rows inside a row, fetched as one JSON column; `accessor` names the attribute that holds rows."""

    @property
    def name(self) -> str: ...

    @property
    def accessor(self) -> str: ...

    def expression(self, prefix: str) -> Any: ...

    def read(self, value: Any) -> Any: ...

    def of_instance(self, record: Any) -> Any: ...


@dataclass(frozen=True)
class Plan:
    """How one shape is read: its columns, and what lies inside it."""

    columns: tuple[Column, ...]
    parts: tuple[Part, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all that is shown, in order."""
        return (*(column.name for column in self.columns), *(part.name for part in self.parts))

    def only(self, names: Iterable[str]) -> "Plan":
        """Return the plan for these names, in the plan's own order."""
        wanted = frozenset(names)
        return Plan(
            tuple(column for column in self.columns if column.name in wanted),
            tuple(part for part in self.parts if part.name in wanted),
        )

    def including(self, *parts: Part) -> "Plan":
        """Return the plan with more inside it."""
        return Plan(self.columns, (*self.parts, *parts))

    def select(self, rows: QuerySet[Any], *extra: str) -> QuerySet[Any]:
        """Return `rows` as the tuples that row() takes, with the attributes `extra` behind."""
        return rows.values_list(
            *(column.expression("") if column.how.expression else column.source for column in self.columns),
            *(part.expression("") for part in self.parts),
            *extra,
        )

    @cached_property
    def stored(self) -> tuple[tuple[str, Convert], ...]:
        """The columns whose value is not shown as the driver gives it."""
        return tuple((name, how.stored) for name, _, how in self.columns if how.stored)

    @cached_property
    def inner(self) -> tuple[tuple[str, Convert], ...]:
        """The columns whose value is not shown as PostgreSQL's JSON has it."""
        return tuple((name, how.nested) for name, _, how in self.columns if how.nested)

    def row(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return the record of one tuple."""
        found = dict(zip(self.names, values, strict=False))
        for name, convert in self.stored:
            if (value := found[name]) is not None:
                found[name] = convert(value)
        for part in self.parts:
            value = found[part.name]
            found[part.name] = part.read(None if value is None else orjson.loads(value))
        return found

    def nested(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return the record of one JSON array."""
        found = dict(zip(self.names, values, strict=False))
        for name, convert in self.inner:
            if (value := found[name]) is not None:
                found[name] = convert(value)
        for part in self.parts:
            found[part.name] = part.read(found[part.name])
        return found

    def of_instance(self, record: Any) -> dict[str, Any]:
        """Return the same record from a model instance; only rows inside it may need a query."""
        found = {}
        for name, source, how in self.columns:
            value = getattr(record, source)
            found[name] = value if value is None or how.python is None else how.python(value)
        return found | {part.name: part.of_instance(record) for part in self.parts}

    def expression(self, prefix: str) -> JSONArray:
        """Return all of it as one JSON array, seen from `prefix`."""
        sources = [as_json(column, prefix) for column in self.columns]
        return JSONArray(*sources, *(part.expression(prefix) for part in self.parts))


@dataclass(frozen=True)
class Embedded:
    """The record that a reference points to, by one sub-select: it is looked up for the rows of the page alone.

    For a join PostgreSQL would rather read all of the tenant's records, as it knows little of how many it has.
    """

    name: str
    relation: str
    model: Any
    plan: Plan
    accessor: str = ""

    def expression(self, prefix: str) -> Any:
        rows = self.model.objects.of(Param(TENANT)).filter(pk=OuterRef(f"{prefix}{self.relation}_id"))
        return Subquery(rows.values(inside=self.plan.expression(""))[:1])

    def read(self, value: Any) -> Any:
        return None if value is None else self.plan.nested(value)

    def of_instance(self, record: Any) -> Any:
        related = getattr(record, self.relation)
        return None if related is None else self.plan.of_instance(related)


@dataclass(frozen=True)
class Many:
    """The rows that point back at a record, by one sub-select: at most `limit`, in `order`.

    `relation` says that not they are shown, but the records that they point to.
    """

    name: str
    model: Any
    reference: str
    accessor: str
    order: tuple[str, ...]
    plan: Plan
    relation: str = ""
    limit: int = EMBEDDED_LIMIT

    def expression(self, prefix: str) -> Any:
        rows = (
            self.model.objects.of(Param(TENANT))
            .filter(**{self.reference: OuterRef(f"{prefix}pk")})
            .order_by(*self.order)
        )
        return Func(
            ArraySubquery(rows.values(inside=self.shown())[: self.limit]),
            function="to_jsonb",
            output_field=JSONField(),
        )

    def shown(self) -> Any:
        return self.plan.expression(f"{self.relation}__" if self.relation else "")

    def read(self, value: Any) -> Any:
        return [self.plan.nested(item) for item in value or ()]

    def of_instance(self, record: Any) -> Any:
        return [self.plan.of_instance(child) for child in getattr(record, self.accessor).all()]


@dataclass(frozen=True)
class Ids(Many):
    """The ids that such rows hold, in their order."""

    def shown(self) -> Any:
        return self.plan.expression("")

    def read(self, value: Any) -> Any:
        return [item[self.name] for item in super().read(value)]

    def of_instance(self, record: Any) -> Any:
        return [item[self.name] for item in super().of_instance(record)]

    def records(self, name: str, plan: Plan) -> Many:
        """Return the part that shows the records themselves."""
        return Many(name, self.model, self.reference, "", self.order, plan, self.relation)


def as_json(column: Column, prefix: str) -> Any:
    source = column.expression(prefix)
    return Cast(source, TextField()) if column.how.as_text else source
