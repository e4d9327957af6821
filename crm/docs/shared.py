"""Parameters that mean the same for every resource: they are written down once, under their canonical names."""

from typing import Any, NamedTuple

from crm.docs.fields import Schema
from crm.rest.pages import COUNTS, DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, MAX_PAGE

__all__ = ["ASKED", "FOLLOWING", "HEADERS", "PAGING", "QUERY", "Known", "parameter"]


class Known(NamedTuple):
    """A parameter: its schema, what it is for, and an example."""

    schema: Schema
    description: str
    example: Any = None


MOMENT = {"type": "string", "format": "date-time"}
PAGING = {
    "limit": Known(
        {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
        f"The page's length; what is above {MAX_LIMIT} counts as {MAX_LIMIT}.",
        20,
    ),
    "offset": Known(
        {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0},
        "How many records to skip. Not together with `cursor`.",
        0,
    ),
    "cursor": Known(
        {"type": "string", "minLength": 1},
        "The `{next_cursor}` of the page before, with the same query otherwise. Steady while records come and go.",
    ),
    "count": Known(
        {"type": "string", "enum": list(COUNTS), "default": COUNTS[0]},
        "Whether all records that match are counted: `none` spares a long list the time that takes. A page by cursor "
        "is never counted.",
    ),
    "page": Known({"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 1}, "The page's number.", 1),
}
FOLLOWING = {
    "after": Known(
        {"type": "string"},
        "Follow the feed from here: the `{next_cursor}` of the answer before, `now`, or empty for the oldest events "
        "that it reaches back to. A place that is too old is answered with 410.",
        "now",
    ),
    "wait": Known(
        {"type": "integer", "minimum": 0, "maximum": 20, "default": 0},
        "How many seconds an answer may wait for the first event. It comes as soon as there is one, and with an empty "
        "page when the time is over, or at once where too many wait.",
        20,
    ),
}
QUERY = {
    "search": Known(
        {"type": "string", "maxLength": 8192}, "Words that must all occur; the last may be only begun.", "ada"
    ),
    "order": Known(
        {"type": "string", "enum": ["asc", "desc"]},
        "The direction of `{sort}`'s fields; a `-` before a field turns its own.",
        "desc",
    ),
    "start_date": Known(
        MOMENT,
        "Only records made at or after this time; a bare date means its midnight in UTC.",
        "2026-01-01T00:00:00Z",
    ),
    "end_date": Known(
        MOMENT,
        "Only records made at or before this time; a bare date includes its whole day.",
        "2026-12-31T23:59:59Z",
    ),
    "updated_since": Known(MOMENT, "Only records changed at or after this time.", "2026-01-01T00:00:00Z"),
}
# What single readings take.
ASKED = {"since": Known(MOMENT, "Only what happened at or after this time.", "2026-01-01T00:00:00Z")}
HEADERS = {
    "Idempotency-Key": Known(
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        "Your own name for this request. Sent again with the same body within 24 hours, it is answered as before, and "
        "nothing happens twice.",
        "4f9d2c1e-order-1001",
    ),
    "If-Match": Known(
        {"type": "string"},
        "The record's `ETag`: the change is refused with a 412 when the record has another version by now.",
    ),
    "If-None-Match": Known(
        {"type": "string"},
        "The `ETag` that you have: answered with 304 and no body while the record is unchanged.",
    ),
    "X-Request-ID": Known(
        {"type": "string"},
        "Your own id for the request, 8 to 64 letters, digits, `_` or `-`; it comes back and stands in the logs.",
    ),
}


def parameter(name: str, place: str, schema: Schema, description: str, example: Any = None, **more: Any) -> Schema:
    """Return a parameter of the document."""
    found = {"name": name, "in": place, "description": description, "schema": schema, **more}
    # Switched off: pages that try a request would send it unasked.
    shown = {"default": {"value": example, "x-disabled": True}}
    return found | ({"examples": shown} if example is not None else {})
