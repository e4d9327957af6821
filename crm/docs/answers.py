"""Answers, whichever resource gives them: their headers, their envelopes, and the failures that requests can meet."""

from typing import Any

from crm.docs.examples import KEY
from crm.docs.failures import STATUSES, error_schema, example, failures_of
from crm.docs.fields import Schema
from crm.rest.contract import Contract
from crm.rest.pages import NumberedPages, OffsetPages
from tenants import ids

__all__ = [
    "ANY", "BODY", "RECORD", "WRITE", "deleted_example", "enveloped", "feed_pagination", "header_components", "headers",
    "page_headers", "page_schema", "pagination", "response_components", "shared_schemas",
]  # fmt: skip

# What can happen to any request, to one about a record, to one that writes, and to one that writes with a body.
ANY = (400, 401, 403, 429, 500, 503)
RECORD = (404,)
WRITE = (409, 422)
BODY = (413, 415)

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
HEADERS: dict[str, tuple[Schema, str]] = {
    "X-Request-ID": (TEXT, "The request's id: yours where you sent a well-formed one."),
    "X-RateLimit-Limit": (WHOLE, "Requests that the window allows."),
    "X-RateLimit-Remaining": (WHOLE, "Requests that are left in it."),
    "X-RateLimit-Reset": (WHOLE, "When it starts anew, in Unix seconds."),
    "RateLimit-Policy": (TEXT, "Every window of the key: its quota and seconds."),
    "RateLimit": (TEXT, "What is left in each window, and for how many seconds."),
    "ETag": (TEXT, "The record's version, for `If-Match` and `If-None-Match`."),
    "Content-Disposition": (TEXT, "`attachment`, with the name to save it under."),
    "Location": (TEXT, "The path of the new record."),
    "Idempotent-Replayed": (TEXT, "`true` when this is the stored answer to an earlier request."),
    "Retry-After": (WHOLE, "Seconds to wait before the next try."),
    "WWW-Authenticate": (TEXT, "How to present a key."),
    "X-Total-Count": (WHOLE, "How many records match."),
    "X-Page": (WHOLE, "The page's number."),
    "X-Per-Page": (WHOLE, "The page's length."),
    "Link": (TEXT, "The pages next, prev, first and last."),
}
ALWAYS = (
    "X-Request-ID",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "RateLimit-Policy",
    "RateLimit",
)
FAILED = {401: ("WWW-Authenticate",), 409: ("Retry-After",), 429: ("Retry-After",), 503: ("Retry-After",)}
# What the pages of each kind add to an answer, and print under `pagination`.
PAGE_HEADERS: dict[type, tuple[str, ...]] = {
    OffsetPages: (),
    NumberedPages: ("X-Total-Count", "X-Page", "X-Per-Page", "Link"),
}
OPTIONAL_WHOLE = {"type": ["integer", "null"]}
PAGINATION: dict[type, dict[str, tuple[Schema, str, Any]]] = {
    OffsetPages: {
        "total": (OPTIONAL_WHOLE, "How many records match; null where nobody counts, as on a page by cursor.", 1),
        "limit": (WHOLE, "The page's length.", 20),
        "offset": (OPTIONAL_WHOLE, "How many records stand before it; null on a page by cursor.", 0),
        "has_more": ({"type": "boolean"}, "Whether more follow.", False),
        "next_cursor": ({"type": ["string", "null"]}, "The `cursor` of the next page; null on the last one.", None),
    },
    NumberedPages: {
        "page": (WHOLE, "The page's number.", 1),
        "limit": (WHOLE, "The page's length.", 20),
        "total": (WHOLE, "How many records match.", 1),
        "totalPages": (WHOLE, "How many pages there are.", 1),
        "hasNext": ({"type": "boolean"}, "Whether a page follows.", False),
        "hasPrev": ({"type": "boolean"}, "Whether a page comes before.", False),
    },
}


def header_components(contract: Contract) -> Schema:
    """Return the document's response headers."""
    found: Schema = {name: {"schema": schema, "description": text} for name, (schema, text) in HEADERS.items()}
    for name, text in contract.headers.items():
        found[name] = {"schema": TEXT, "example": text, "description": "On every answer of this version."}
    return found


def headers(contract: Contract, *more: str) -> Schema:
    """Return references to the headers of every answer, and to `more`."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*ALWAYS, *contract.headers, *more)}


def page_headers(contract: Contract) -> tuple[str, ...]:
    """Return the headers that a list adds."""
    return PAGE_HEADERS[type(contract.paging)]


def response_components(contract: Contract) -> Schema:
    """Return the failed answers by name, each in the one shape of the contract."""
    return {name: failed(status, contract) for status, name in STATUSES.items() if failures_of(status, contract)}


def failed(status: int, contract: Contract) -> Schema:
    failures = failures_of(status, contract)
    examples = {
        contract.code(item.code): {"summary": item.cause, "value": example(item, contract)} for item in failures
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}, "examples": examples}}
    lines = [f"`{contract.code(item.code)}`: {item.cause} {item.cure}" for item in failures]
    return {
        "description": "\n\n".join(lines),
        "headers": headers(contract, *FAILED.get(status, ())),
        "content": content,
    }


def pagination(contract: Contract) -> tuple[Schema, Schema]:
    """Return the schema and an example of what stands under `pagination`."""
    names = PAGINATION[type(contract.paging)]
    properties = {name: {**schema, "description": text} for name, (schema, text, _) in names.items()}
    shape = {
        "type": "object",
        "description": "Where the page stands.",
        "properties": properties,
        "required": list(properties),
    }
    return shape, {name: shown for name, (_, _, shown) in names.items()}


def feed_pagination(contract: Contract, *, counted: bool = False) -> tuple[Schema, Schema]:
    """Return the schema and an example of the place in a feed, which is read by cursor in every contract."""
    names = {"total": PAGINATION[NumberedPages]["total"]} if counted else {}
    names |= {name: PAGINATION[OffsetPages][name] for name in ("limit", "has_more", "next_cursor")}
    properties = {contract.wire(name): {**schema, "description": text} for name, (schema, text, _) in names.items()}
    shape = {
        "type": "object",
        "description": "Where the page stands.",
        "properties": properties,
        "required": list(properties),
    }
    return shape, {contract.wire(name): shown for name, (_, _, shown) in names.items()}


def page_schema(view: Any) -> Schema:
    """Return the schema of a list's place; where lists have numbers, one that can be followed has a place as well."""
    page = {"$ref": "#/components/schemas/Pagination"}
    if not isinstance(view.contract.paging, NumberedPages):
        return page
    feed = [feed_pagination(view.contract)[0]] if hasattr(view.list, "follows") else []
    return {"anyOf": [page, {"$ref": "#/components/schemas/UncountedPagination"}, *feed]}


def uncounted(contract: Contract) -> Schema:
    """Return the schema of a numbered page's place where `count=none` asked for no count."""
    shape, _ = pagination(contract)
    unknown = {"type": "null", "description": "Not counted."}
    properties = {name: unknown if name.startswith("total") else item for name, item in shape["properties"].items()}
    return {**shape, "description": "Where the page stands, with `count=none`.", "properties": properties}


def enveloped(contract: Contract, description: str, **parts: Schema) -> Schema:
    """Return the schema of a successful answer with `parts` in it."""
    flag = {"success": {"type": "boolean", "description": "Always true."}} if contract.flagged else {}
    properties = {**flag, **parts}
    return {"type": "object", "description": description, "properties": properties, "required": list(properties)}


def shared_schemas(contract: Contract) -> Schema:
    """Return the schemas that every resource uses."""
    return {
        "Error": error_schema(contract),
        "Pagination": pagination(contract)[0],
        "DeletedResponse": deleted(contract),
        **({"UncountedPagination": uncounted(contract)} if isinstance(contract.paging, NumberedPages) else {}),
    }


def deleted(contract: Contract) -> Schema:
    text = "The record is gone."
    if contract.deleted_message:
        return enveloped(contract, text, message={"type": "string", "description": "Says so."})
    data = {
        "id": {"type": "string", "description": "Its id."},
        "deleted": {"type": "boolean", "description": "Always true."},
    }
    return enveloped(contract, text, data={"type": "object", "properties": data, "required": list(data)})


def deleted_example(view: Any) -> Any:
    """Return the answer to a deletion."""
    if view.contract.deleted_message:
        return view.contract.envelope(message=view.deletion_message())
    return view.contract.envelope(data={"id": ids.encode(view.prefix, KEY), "deleted": True})
