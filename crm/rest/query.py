"""A list's query string, understood: which rows, in which order, which fields, and what inside them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.dateparse import parse_date

from crm.errors import Refusal
from crm.rest.bodies import parse_json
from crm.rest.contract import Contract
from crm.rest.filters import MAX_TEXT, MomentField, condition, refuse
from crm.rest.pages import Sort
from crm.rest.statements import Condition
from tenants.words import Found, own_of

__all__ = ["PARAMETERS", "Query", "read_query", "read_shape", "single"]

MAX_CONDITIONS = 20
BRACKETS = re.compile(r"(?P<name>[^\[\]]+)\[(?P<op>[A-Za-z]+)\]")
ORDERS = ("asc", "desc")


@dataclass(frozen=True)
class Query:
    """A list query, understood: which rows, in which order, which of their fields, and what inside them."""

    conditions: tuple[Condition, ...]
    sorts: tuple[Sort, ...]
    fields: tuple[str, ...] | None
    includes: tuple[str, ...]
    identity: str


def read_query(view: Any, params: Mapping[str, str]) -> Query:
    """Return the query of a list; raise a 400 that names the parameter, field, operator or value that does not fit."""
    contract: Contract = view.contract
    own = {contract.wire(name): name for name in PARAMETERS}
    conditions: list[Condition] = []
    for wire, text in params.items():
        name = own.get(wire)
        if len(text) > 8192 or "\x00" in text:
            raise refuse(wire, "Too long, or holds a NUL character.")
        if name in CONDITIONS:
            conditions += CONDITIONS[name](view, wire, text)
        elif name is None and wire not in contract.paging.names:
            conditions.append(plain_condition(view, wire, text))
    if len(conditions) > MAX_CONDITIONS:
        raise refuse(contract.wire("filter"), f"At most {MAX_CONDITIONS} conditions.")
    sorts = read_sort(view, params.get(contract.wire("sort")), params.get(contract.wire("order")))
    fields, includes = shape_of(view, params)
    identity = "&".join(f"{name}={params[name]}" for name in sorted(params) if name not in contract.paging.names)
    return Query(tuple(conditions), sorts, fields, includes, identity)


def read_shape(view: Any, params: Mapping[str, str]) -> Query:
    """Return the query of one record, which knows `fields` and `include`; raise a 400 for anything else.

    A whole record comes with what is always included.
    """
    known = [view.contract.wire(name) for name in ("fields", "include")]
    if unknown := [name for name in params if name not in known]:
        raise refuse(unknown[0], f"Unknown parameter. Known: {', '.join(known)}.", code="VALIDATION_ERROR")
    fields, includes = shape_of(view, params)
    return Query((), (), fields, includes if fields else tuple(dict.fromkeys((*includes, *view.always))), "")


def shape_of(view: Any, params: Mapping[str, str]) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Return the wanted fields (None: all) and includes; raise for a field that the resource does not have."""
    contract: Contract = view.contract
    fields = names_of(params.get(contract.wire("fields")))
    unknown = [name for name in fields or () if name not in view.plan.names]
    if unknown:
        message = f"Unknown field {unknown[0][:50]!r}. Known: {', '.join(view.plan.names)}."
        raise refuse(contract.wire("fields"), message, code="VALIDATION_ERROR")
    return fields, names_of(params.get(contract.wire("include"))) or ()


def single(query: Any) -> dict[str, str]:
    """Return the query's parameters; raise for one that is given twice, as one of them would be ignored."""
    for name, values in query.lists():
        if len(values) > 1:
            raise refuse(name, "Given more than once.", code="VALIDATION_ERROR")
    return query.dict()  # type: ignore[no-any-return]


def names_of(text: str | None) -> tuple[str, ...] | None:
    """Return a comma list's names, each once, empty ones too (nobody has such a name); None without a list."""
    if text is None:
        return None
    return tuple(dict.fromkeys(name.strip() for name in text.split(",")))


def plain_condition(view: Any, wire: str, text: str) -> Condition:
    """Return the condition of `field=value` or `field[op]=value`."""
    bracketed = BRACKETS.fullmatch(wire)
    name, operator = (bracketed["name"], bracketed["op"]) if bracketed else (wire, "eq")
    if name not in view.filters:
        names = [*view.filters, *map(view.contract.wire, PARAMETERS), *view.contract.paging.names]
        raise refuse(wire, f"Unknown parameter. Known: {', '.join(names)}.", code="VALIDATION_ERROR")
    values: Any = text.split(",") if operator in ("in", "nin") else text
    return condition(view, name, operator, values, wire)


def json_conditions(view: Any, wire: str, text: str) -> Iterator[Condition]:
    """Yield the conditions of `filter`, a JSON object of field to value or to {"$operator": value}."""
    try:
        tree = parse_json(text.encode("utf-8", "surrogatepass"))
    except Refusal as error:
        raise refuse(wire, error.problem.message.replace("The body", "The filter")) from error
    if not isinstance(tree, dict):
        raise refuse(wire, "Must be a JSON object: fields to values, or to objects of operators.")
    for name, wanted in tree.items():
        if name not in view.filters:
            raise refuse(wire, f"Unknown field {name[:50]!r}. Known: {', '.join(view.filters)}.")
        operators = wanted if isinstance(wanted, dict) else {"$null": True} if wanted is None else {"$eq": wanted}
        for operator, value in operators.items():
            if not operator.startswith("$"):
                raise refuse(wire, f"{name}: operators start with $, like $eq; got {operator[:20]!r}.")
            yield condition(view, name, operator[1:], value, wire)


def range_condition(moment: int, lookup: str) -> Any:
    """Return the reader of a range parameter; a bare end date includes its whole day."""

    def read(view: Any, wire: str, text: str) -> list[Condition]:
        field = view.moments[moment]
        try:
            bound = MomentField().clean(text)
        except ValidationError as error:
            raise refuse(wire, " ".join(error.messages), code="VALIDATION_ERROR") from error
        if lookup == "lte" and is_date(text):
            # To the last moment of the day; the day after 9999-12-31 does not exist.
            bound = datetime.combine(bound, time.max, tzinfo=UTC)
        return [Condition.of(f"{field}__{lookup}", bound)]

    return read


def is_date(text: str) -> bool:
    return len(text.strip()) == 10 and parse_date(text.strip()) is not None


def search_condition(view: Any, wire: str, text: str) -> list[Condition]:
    """Return the full-text condition: every word, the last as a prefix, in any of the view's search columns."""
    if not view.search_fields:
        raise refuse(wire, "This list cannot be searched.", code="VALIDATION_ERROR")

    def build(own: Any, typed: Any) -> Q:
        return Q(*(Found(view.model, path, own, typed) for path in view.search_fields), _connector=Q.OR)

    return [Condition(("search",), (own_of(view.tenant.id), text[:MAX_TEXT]), build)]


def read_sort(view: Any, sort: str | None, order: str | None) -> tuple[Sort, ...]:
    """Return the order of a list: as asked, and always closed by the id, so that no two rows tie."""
    contract: Contract = view.contract
    if order is not None and order not in ORDERS:
        raise refuse(contract.wire("order"), f"Must be asc or desc, not {order[:20]!r}.", code="INVALID_SORT")
    allowed = view.sorts
    names = names_of(sort)
    found = (
        []
        if names
        else [
            replace(item, descending=item.descending if order is None else order == "desc")
            for item in view.default_sort
        ]
    )
    for name in names or ():
        descending, bare = name.startswith("-"), name.removeprefix("-")
        if bare not in allowed:
            message = f"Unknown sort field {bare[:50]!r}. Known: {', '.join(allowed)}."
            raise refuse(contract.wire("sort"), message, code="INVALID_SORT")
        path, nullable = allowed[bare]
        found.append(Sort(path, descending != (order == "desc"), nullable))
    last = found[-1].descending if found else True
    return (*found, Sort("id", last)) if all(item.field != "id" for item in found) else tuple(found)


# Places in a view's `moments`.
MADE, CHANGED = 0, 1
PARAMETERS = ("filter", "search", "sort", "order", "fields", "include", "start_date", "end_date", "updated_since")
CONDITIONS: dict[Any, Any] = {
    "filter": json_conditions,
    "search": search_condition,
    "start_date": range_condition(MADE, "gte"),
    "end_date": range_condition(MADE, "lte"),
    "updated_since": range_condition(CHANGED, "gte"),
}
