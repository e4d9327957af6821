"""Pages of a list: by offset, by number or by cursor, each with the envelope that its contract prints."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.db.models import BooleanField, F, Func, Q
from django.utils.crypto import constant_time_compare

from crm.rest.statements import Condition, Param

if TYPE_CHECKING:
    from crm.rest.contract import Contract

__all__ = [
    "COUNTS", "DEFAULT_LIMIT", "MAX_LIMIT", "Cursor", "CursorInvalid", "NumberedPages", "OffsetPages", "Page",
    "PageInvalid", "Paging", "Sort", "limit_of", "whole",
]  # fmt: skip

DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET = 20, 100, 10_000_000
COUNTS = ("exact", "none")
# As far as the longest pages reach.
MAX_PAGE = MAX_OFFSET // MAX_LIMIT


class PageInvalid(ValueError):
    """A paging parameter is out of its range; `name` says which one."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class CursorInvalid(PageInvalid):
    """The cursor was altered, or belongs to another query."""

    def __init__(self) -> None:
        super().__init__(
            "cursor",
            "This cursor does not belong to this query: send the query it came from, or start anew without it.",
        )


@dataclass(frozen=True, slots=True)
class Sort:
    """One field to order by; empty values come last either way."""

    field: str
    descending: bool = False
    nullable: bool = False

    def ordering(self) -> Any:
        nulls_last = True if self.nullable else None
        return (
            F(self.field).desc(nulls_last=nulls_last) if self.descending else F(self.field).asc(nulls_last=nulls_last)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows to show, and whether all that match are counted; a page by cursor has no offset, and never is."""

    limit: int
    offset: int = 0
    counted: bool = True
    by_cursor: bool = False


@dataclass(frozen=True)
class Cursor:
    """The opaque, signed place in one query: where the page ended, and which query it was."""

    sorts: tuple[Sort, ...]
    query: str

    def encode(self, values: Sequence[Any]) -> str:
        """Return the text for the row with these sort values."""
        body = orjson.dumps([str(value) if isinstance(value, Decimal) else value for value in values])
        return urlsafe_b64encode(self.sign(body) + body).decode().rstrip("=")

    def decode(self, text: str) -> tuple[Any, ...]:
        """Return the sort values of `text`; raise CursorInvalid for what encode() did not make for this query."""
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError as error:
            raise CursorInvalid from error
        mark, body = raw[:16], raw[16:]
        if not constant_time_compare(mark, self.sign(body)):
            raise CursorInvalid
        return tuple(orjson.loads(body))

    def beyond(self, values: Sequence[Any]) -> Condition:
        """Return condition() taken apart: which of the values are empty is part of its key, the others are Params."""
        filled = tuple(value is not None for value in values)

        def build(*params: Any) -> Q:
            left = iter(params)
            return self.condition([next(left) if has else None for has in filled])

        return Condition(("after", filled), tuple(value for value in values if value is not None), build)

    def sign(self, body: bytes) -> bytes:
        signed = orjson.dumps([self.query, [[sort.field, sort.descending] for sort in self.sorts]]) + body
        return blake2b(signed, key=settings.SECRET_KEY.encode()[:64], digest_size=16).digest()

    def condition(self, values: Sequence[Any]) -> Q:
        """Return the rows that come after `values` in this order (as SQL compares rows, with empty values last)."""
        if len({sort.descending for sort in self.sorts}) == 1 and not any(sort.nullable for sort in self.sorts):
            return Q(RowBeyond(self.sorts, values))
        after, equal = Q(pk__in=[]), Q()
        for sort, value in zip(self.sorts, values, strict=True):
            after |= equal & beyond(sort, value)
            equal &= Q(**{f"{sort.field}__isnull": True}) if value is None else Q(**{sort.field: value})
        first, bound = self.sorts[0], values[0]
        if bound is None or first.nullable:
            return after
        # Says nothing new, but lets PostgreSQL start in the index where the page starts.
        return Q(**{f"{first.field}__{'lte' if first.descending else 'gte'}": bound}) & after


class RowBeyond(Func):
    """Compares rows as a whole: from an index in their order PostgreSQL then reads the page and nothing before it."""

    output_field = BooleanField()

    def __init__(self, sorts: Sequence[Sort], values: Sequence[Any]) -> None:
        super().__init__(*(sort.field for sort in sorts))
        self.sign, self.values = "<" if sorts[0].descending else ">", tuple(values)

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **kwargs: Any) -> Any:
        fields = self.get_source_expressions()
        known = zip(fields, self.values, strict=True)
        values = [
            value if isinstance(value, Param) else field.output_field.get_db_prep_value(value, connection)
            for field, value in known
        ]
        columns = ", ".join(compiler.compile(field)[0] for field in fields)
        return f"({columns}) {self.sign} ({', '.join(['%s'] * len(values))})", values


def beyond(sort: Sort, value: Any) -> Q:
    """Return the rows strictly after `value` in one field."""
    if value is None:
        return Q(pk__in=[])
    later = Q(**{f"{sort.field}__{'lt' if sort.descending else 'gt'}": value})
    return later | Q(**{f"{sort.field}__isnull": True}) if sort.nullable else later


class Paging(Protocol):
    """How a contract asks for pages and prints where one stands."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def read(self, query: Mapping[str, str], contract: "Contract") -> Page: ...

    def print(self, page: Page, *, total: int | None, more: bool, next_cursor: str | None) -> dict[str, Any]: ...

    def feed(self, limit: int, *, more: bool, next_cursor: str) -> dict[str, Any]: ...

    def headers(
        self, page: Page, *, total: int | None, more: bool, path: str, query: Mapping[str, str]
    ) -> dict[str, str]: ...


@dataclass(frozen=True)
class OffsetPages:
    """`limit` and `offset`, or `cursor`: `{total, limit, offset, has_more, next_cursor}`; cursors give no total."""

    names: tuple[str, ...] = ("limit", "offset", "cursor", "count")

    def read(self, query: Mapping[str, str], contract: "Contract") -> Page:
        limit = limit_of(query)
        if "cursor" in query:
            if "offset" in query:
                raise PageInvalid("offset", "Send offset or cursor, not both.")
            if wants_count(query, usual=False):
                raise PageInvalid("count", "A page by cursor is never counted: leave it out, or send offset instead.")
            return Page(limit, counted=False, by_cursor=True)
        return Page(limit, whole(query, "offset", 0, low=0, high=MAX_OFFSET), wants_count(query))

    def print(self, page: Page, *, total: int | None, more: bool, next_cursor: str | None) -> dict[str, Any]:
        offset = None if page.by_cursor else page.offset
        return {"total": total, "limit": page.limit, "offset": offset, "has_more": more, "next_cursor": next_cursor}

    def feed(self, limit: int, *, more: bool, next_cursor: str) -> dict[str, Any]:
        return self.print(Page(limit, counted=False, by_cursor=True), total=None, more=more, next_cursor=next_cursor)

    def headers(
        self, page: Page, *, total: int | None, more: bool, path: str, query: Mapping[str, str]
    ) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class NumberedPages:
    """`page` and `limit`: `{page, limit, total, totalPages, hasNext, hasPrev}`, and the same in headers.

    What is not counted is null there, and no header. A feed has no numbers: it prints `{limit, hasMore, nextCursor}`.
    """

    names: tuple[str, ...] = ("page", "limit", "count")

    def read(self, query: Mapping[str, str], contract: "Contract") -> Page:
        limit = limit_of(query)
        number = whole(query, "page", 1, low=1, high=MAX_PAGE)
        return Page(limit, (number - 1) * limit, wants_count(query))

    def print(self, page: Page, *, total: int | None, more: bool, next_cursor: str | None) -> dict[str, Any]:
        number, pages = self.place(page, total)
        return {
            "page": number, "limit": page.limit, "total": total, "totalPages": pages, "hasNext": more,
            "hasPrev": number > 1,
        }  # fmt: skip

    def feed(self, limit: int, *, more: bool, next_cursor: str) -> dict[str, Any]:
        return {"limit": limit, "hasMore": more, "nextCursor": next_cursor}

    def headers(
        self, page: Page, *, total: int | None, more: bool, path: str, query: Mapping[str, str]
    ) -> dict[str, str]:
        number, pages = self.place(page, total)
        places = {"next": number + 1 if more else 0, "prev": number - 1, "first": 1, "last": pages or 0}
        links = [
            f'<{path}?{urlencode({**query, "page": place})}>; rel="{relation}"'
            for relation, place in places.items()
            if place > 0
        ]
        counted = {} if total is None else {"X-Total-Count": str(total)}
        return {**counted, "X-Page": str(number), "X-Per-Page": str(page.limit), "Link": ", ".join(links)}

    def place(self, page: Page, total: int | None) -> tuple[int, int | None]:
        return page.offset // page.limit + 1, None if total is None else max(1, -(-total // page.limit))


def wants_count(query: Mapping[str, str], *, usual: bool = True) -> bool:
    """Return whether all that match are to be counted; raise PageInvalid for what is neither of COUNTS."""
    text = query.get("count")
    if text is not None and text not in COUNTS:
        raise PageInvalid("count", f"Must be one of: {', '.join(COUNTS)}.")
    return usual if text is None else text == "exact"


def limit_of(query: Mapping[str, str]) -> int:
    """Return the page's length: 20 unless told, and what is above 100 counts as 100."""
    return min(MAX_LIMIT, whole(query, "limit", DEFAULT_LIMIT, low=1, high=None))


def whole(query: Mapping[str, str], name: str, default: int, *, low: int, high: int | None) -> int:
    """Return a whole number from the query; raise PageInvalid with the range it must be in."""
    text = query.get(name)
    if text is None:
        return default
    # Nine digits tell enough: Python takes its time, or refuses, with thousands of them.
    number = int(text.lstrip("0")[:9] or "0") if text.isascii() and text.isdigit() else -1
    if number < low or (high is not None and number > high):
        span = f"at least {low}" if high is None else f"between {low} and {high}"
        raise PageInvalid(name, f"Must be a whole number, {span}.")
    return number
