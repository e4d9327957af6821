"""Questions to every list: each filter, sort, search, include, field, range and page, with Globex's values."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson
from django_filters import DateFilter

from crm.records import RecordFilter
from crm.rest.fields import ReferenceField
from crm.rest.filters import IdFilter, MomentFilter, TruthFilter, operators_of
from crm.rest.lists import MAX_DEPTH, offered
from crm.rest.viewset import ResourceViewSet
from tenants import ids
from tests.conftest import Answer
from tests.isolation.matrix import Matrix
from tests.isolation.paths import bare
from tests.routes import Route

__all__ = ["ask_lists"]

Params = dict[str, str]
FITTING: dict[type, str] = {TruthFilter: "true", MomentFilter: "2026-01-31"}
RANGES = ("start_date", "end_date", "updated_since")
TIMES = (MomentFilter, DateFilter)


def ask_lists(matrix: Matrix) -> None:
    """Ask every list, records' histories among them, for what Globex has."""
    for route in matrix.world.firsts:
        if (view := route.listed) is None:
            continue
        # A record's history is the same list with one condition more.
        questions = (
            pages(matrix, view) if route.has_id else (*filters(matrix, view), *shapes(view), *pages(matrix, view))
        )
        for params in (params for params in questions if matrix.turns.chosen()):
            answer = ask(matrix, route, params)
            matrix.expect(answer.status == 200, f"GET {route.path} {params}: {answer.status} {answer.body}")
        for name, item in view.filters.items():
            for model in filtered(matrix, item):
                ask_filter(matrix, route, name, item, model)
        if matrix.turns.chosen():
            ask_cursors(matrix, route, view)


def ask(matrix: Matrix, route: Route, params: Params) -> Answer:
    path = route.at(matrix.world.acme.ids[route.view.model])
    return matrix.ask(route, "GET", f"{path}?{urlencode(params)}")


def filtered(matrix: Matrix, item: Any) -> list[Any]:
    """Return the models whose ids a filter takes."""
    if isinstance(item, RecordFilter):
        return [kind.model for kind in item.kinds if kind.model in matrix.world.acme.makers]
    views = matrix.world.views.items() if isinstance(item, IdFilter) else ()
    return [model for model, view in views if view.prefix == item.prefix]


def ask_filter(matrix: Matrix, route: Route, name: str, item: Any, model: Any) -> None:
    """Filter by ids of every kind: a foreign one matches what an unknown one matches."""
    for spelled in (str, bare):
        known = {kind: spelled(value) for kind, value in matrix.world.ids_of(model).items()}
        params = (f"{name}[{operator}]" for operator in operators_of(item) if operator != "null")
        for param in (param for param in params if matrix.turns.chosen()):
            what = f"GET {route.path}?{param}"
            answers = matrix.compare(what, partial(ask_by, matrix, route, param), known)
            alone = param in (f"{name}[eq]", f"{name}[in]")
            matrix.expect(not alone or answers["unknown"].data == [], f"{what}: an unknown id matches")
            # Of several kinds that a record may point to, the first is the one that ours do.
            known_kind = not isinstance(item, RecordFilter) or item.kinds[0].model is model
            filled = alone and not route.has_id and known_kind and is_filled(route, name)
            matrix.expect(not filled or answers["own"].data != [], f"{what}: an own id matches nothing")


def is_filled(route: Route, name: str) -> bool:
    """Tell whether a listed record has the id: what only a command fills in may be empty."""
    field = route.listed.serializer_class().fields.get(name) if route.listed else None
    return not isinstance(field, ReferenceField) or not field.read_only


def ask_by(matrix: Matrix, route: Route, name: str, value: str) -> Answer:
    """Filter by one value, on one page: a cursor to the next one would tell two queries apart."""
    return ask(matrix, route, {name: value, "limit": "100"})


def filters(matrix: Matrix, view: type[ResourceViewSet]) -> Iterator[Params]:
    """Yield each filter with each of its operators and a value that Globex has."""
    for name, item in view.filters.items():
        value = value_of(matrix.world.rows[view], name, item)
        yield {name: value}
        for operator in operators_of(item):
            given: Any = {"null": False, "in": [value], "nin": [value]}.get(operator, value)
            yield {view.contract.wire("filter"): orjson.dumps({name: {f"${operator}": given}}).decode()}


def value_of(rows: list[dict[str, Any]], name: str, item: Any) -> str:
    """Return the first value that Globex's records have under a name, one that fits where none has any."""
    values = [row[name] for row in rows if row.get(name) not in (None, [], "")]
    value = values[0] if values else fitting(item)
    value = value[0] if isinstance(value, list) else value
    return str(value).lower() if isinstance(value, bool) else str(value)


def fitting(item: Any) -> str:
    """Return a value that a filter can read."""
    if isinstance(item, IdFilter):
        return ids.encode(item.prefix, ids.new())
    return next((text for kind, text in FITTING.items() if isinstance(item, kind)), "1")


def shapes(view: type[ResourceViewSet]) -> Iterator[Params]:
    """Yield each sort, field and include."""
    wire = view.contract.wire
    for name in view.sorts:
        yield from ({wire("sort"): text} for text in (name, f"-{name}"))
        yield {wire("sort"): name, wire("order"): "desc"}
    yield from ({wire("fields"): name} for name in view.plan.names)
    yield from ({wire("include"): path} for path in included(view))
    if view.includes:
        yield {wire("include"): ",".join(included(view)), wire("fields"): view.plan.names[0]}


def included(view: type[ResourceViewSet], depth: int = MAX_DEPTH) -> Iterator[str]:
    """Yield every path that include takes."""
    for name, item in offered(view).items() if depth else ():
        yield name
        yield from (f"{name}.{inner}" for inner in included(view.siblings[item.resource], depth - 1))


def pages(matrix: Matrix, view: type[ResourceViewSet]) -> Iterator[Params]:
    """Yield pages, ranges and searches."""
    wire, paging = view.contract.wire, view.contract.paging
    yield from ({name: "none" if name == "count" else "1"} for name in paging.names if name != "cursor")
    yield from ({wire(name): day} for name in RANGES for day in ("2000-01-01", "2100-01-01"))
    if view.search_fields:
        words = (matrix.world.globex.mark, matrix.world.globex.mark[:4], f"{matrix.world.globex.mark}@example.com")
        yield from ({wire("search"): word} for word in words)


def ask_cursors(matrix: Matrix, route: Route, view: type[ResourceViewSet]) -> None:
    """Send a cursor out of Globex's list: it is like one that somebody made up."""
    # A list inside a record may be one that has no address of its own, and so no cursor here.
    cursor = None if route.has_id else matrix.world.cursors[view]
    if not cursor:
        return
    known = {"foreign": cursor, "unknown": "a" * len(cursor)}
    answers = matrix.compare(f"GET {route.path}?cursor", partial(ask_by, matrix, route, "cursor"), known)
    matrix.expect(
        answers["foreign"].status == 400, f"GET {route.path}: a foreign cursor is {answers['foreign'].status}"
    )
