"""Reading for the views: what may be included, statements compiled once for each shape, and pages of a list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Q

from apikeys.errors import MissingScope
from apikeys.scopes import allows
from crm.rest.filters import refuse
from crm.rest.pages import Cursor, Page
from crm.rest.query import Query
from crm.rest.reading import Embedded, Ids, Many, Part, Plan
from crm.rest.statements import Condition, Param, Statement

__all__ = ["Include", "Listed", "compiled", "cursor_of", "offered", "read_one", "read_page", "was_here"]

MAX_DEPTH = 2
CACHED_STATEMENTS = 500
Built = TypeVar("Built")


@dataclass(frozen=True)
class Include:
    """What `include=` can put inside a record.

    It is the record behind `relation`, or the rows whose `back` points here, or the records that the ReferencesField
    `through` names.
    """

    resource: str
    relation: str = ""
    back: str = ""
    through: str = ""


@dataclass(frozen=True)
class Listed:
    """One page: its rows, how many there are in all (None: not counted), whether more follow, the last place."""

    rows: list[dict[str, Any]]
    total: int | None
    more: bool
    last: tuple[Any, ...] | None


def compiled(view: Any, key: Any, query: Query, build: Callable[[Plan], Built]) -> tuple[Plan, Built]:
    """Return the plan for the query's fields and includes, and what `build` makes of it, both made once for a `key`.

    Raises for an include that is not offered, or whose resource the caller may not read.
    """
    check_includes(view, query.includes)
    key = (key, query.fields, query.includes)
    if key not in view.statements:
        plan = view.plan.only(query.fields) if query.fields else view.plan
        plan = plan.including(*parts(view, query.includes))
        if len(view.statements) > CACHED_STATEMENTS:
            view.statements.clear()
        view.statements[key] = (plan, build(plan))
    return view.statements[key]  # type: ignore[no-any-return]


def read_page(view: Any, query: Query, page: Page, cursor: str | None) -> Listed:
    """Return a page of the view's list."""
    places = cursor_of(view, query)
    always = (*query.conditions, *view.own_conditions())
    after = (places.beyond(places.decode(cursor)),) if cursor else ()
    paths = [sort.field for sort in query.sorts]

    def build(plan: Plan) -> tuple[Statement, Statement]:
        rows = view.base_rows().filter(*placed(always))
        shown = rows.filter(*placed(after, len(always))).order_by(*(sort.ordering() for sort in query.sorts))
        page = Statement.of(plan.select(shown, *paths), " LIMIT %s OFFSET %s", Param("limit"), Param("offset"))
        inner = Statement.of(rows.order_by().values("pk"))
        counting = f"SELECT count(*) FROM ({inner.sql}) AS matching"  # noqa: S608  the ORM's own
        return page, Statement(counting, inner.params)

    key = ("page", query.sorts, len(after), *(one.key for one in (*always, *after)))
    plan, (statement, counting) = compiled(view, key, query, build)
    values = values_of(view, (*always, *after))
    found = statement.fetch(limit=page.limit + 1, offset=page.offset, **values)
    more = len(found) > page.limit
    found = found[: page.limit]
    total = None
    if page.counted:
        # A page that shows the end has counted already.
        ended = not more and (found or page.offset == 0)
        total = page.offset + len(found) if ended else int(counting.fetch(**values)[0][0])
    return Listed([plan.row(row) for row in found], total, more, found[-1][-len(paths) :] if found else None)


def placed(conditions: Sequence[Condition], first: int = 0) -> list[Q]:
    """Return the Qs of conditions, whose places count from `first`."""
    return [one.at(place) for place, one in enumerate(conditions, first)]


def values_of(view: Any, conditions: Sequence[Condition]) -> dict[str, Any]:
    """Return what the Params of a statement stand for."""
    values = {"tenant": view.tenant.id}
    for place, one in enumerate(conditions):
        values |= one.values_at(place)
    return values


def read_one(view: Any, query: Query, pk: Any) -> tuple[dict[str, Any], int] | None:
    """Return one record and its version, None where the caller has no such record."""
    conditions = view.own_conditions()

    def build(plan: Plan) -> Statement:
        rows = view.base_rows().filter(*placed(conditions), pk=Param("pk"))
        return Statement.of(plan.select(rows, view.version_field))

    plan, statement = compiled(view, ("one", *(one.key for one in conditions)), query, build)
    found = statement.fetch(pk=pk, **values_of(view, conditions))
    return (plan.row(found[0]), found[0][-1]) if found else None


def was_here(view: Any, key: Any) -> bool:
    """Tell whether the record is there, or was: a deleted one keeps its history."""
    part = {f"data__{name}": value for name, value in view.only.items()}
    events = view.siblings["events"].model.objects.of(view.tenant)
    past = events.filter(record_id=key, resource=view.event_resource(), **part)
    return any(found.exists() for found in (view.get_queryset().filter(pk=key), past))


def cursor_of(view: Any, query: Query) -> Cursor:
    """Return the cursor maker of one query of one tenant, as far as this caller may read."""
    limits = [(one.key, one.values) for one in view.own_conditions()]
    return Cursor(query.sorts, f"{view.tenant.id}:{view.plural}:{query.identity}:{limits}")


def offered(view: Any) -> Mapping[str, Include]:
    """Return the includes that the view's contract can show, by their names on the wire."""
    return {view.contract.wire(name): item for name, item in view.includes.items() if item.resource in view.siblings}


def check_includes(view: Any, includes: tuple[str, ...]) -> None:
    """Raise for an unknown or too deep include, and MissingScope for one whose resource the caller may not read."""
    for path in includes:
        at = view
        for step in path.split("."):
            known = offered(at)
            if step not in known or path.count(".") >= MAX_DEPTH:
                message = (
                    f"Unknown include {path[:50]!r}. Known: {', '.join(known) or 'none'}; at most {MAX_DEPTH} deep."
                )
                raise refuse(view.contract.wire("include"), message, code="VALIDATION_ERROR")
            at = view.siblings[known[step].resource]
            if not allows(view.credential.scopes, at.scope("read")):
                raise MissingScope(at.scope("read"))


def parts(view: Any, includes: tuple[str, ...]) -> list[Part]:
    """Return the parts for a list of includes, deeper ones inside theirs."""
    inner: dict[str, list[str]] = {}
    for path in includes:
        head, _, rest = path.partition(".")
        inner.setdefault(head, []).extend([rest] if rest else [])
    return [part(view, name, tuple(rest)) for name, rest in inner.items()]


def part(view: Any, name: str, inner: tuple[str, ...]) -> Part:
    include = offered(view)[name]
    sibling = view.siblings[include.resource]
    plan = sibling.plan.including(*parts(sibling, inner))
    if include.relation:
        return Embedded(name, include.relation, sibling.model, plan)
    if include.through:
        return named(view, include.through).records(name, plan)
    return Many(name, sibling.model, include.back, "", (*sibling.ordering, "-id"), plan)


def named(view: Any, through: str) -> Ids:
    """Return the part of a ReferencesField, whatever the contract calls it."""
    wire = view.contract.wire(through)
    return next(item for item in view.plan.parts if item.name == wire)  # type: ignore[no-any-return]
