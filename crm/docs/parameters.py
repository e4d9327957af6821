"""Parameters of the document: the query grammar of lists, what one record takes, and the headers."""

from collections.abc import Collection
from typing import Any

from crm.docs.conditions import filter_parameters, filter_tree
from crm.docs.fields import REQUEST, Schema, id_pattern
from crm.rest.contract import Contract
from crm.rest.lists import offered
from crm.rest.pages import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET

__all__ = [
    "list_parameters",
    "parameter_components",
    "path_parameter",
    "reference",
    "shape_parameters",
    "write_parameters",
]

MOMENT = {"type": "string", "format": "date-time"}
# Parameters that mean the same for every resource, by their canonical names: they are written down once.
SHARED: dict[str, tuple[Schema, str, Any]] = {
    "limit": ({"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT}, f"The page's length; what is above {MAX_LIMIT} counts as {MAX_LIMIT}.", 20),
    "offset": ({"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}, "How many records to skip. Not together with `cursor`.", 0),
    "cursor": ({"type": "string", "minLength": 1}, "The `next_cursor` of the page before, with the same query otherwise. Steady while records come and go.", None),
    "page": ({"type": "integer", "minimum": 1, "default": 1}, "The page's number.", 1),
    "search": ({"type": "string", "maxLength": 8192}, "Words that must all occur; the last may be only begun.", "ada"),
    "order": ({"type": "string", "enum": ["asc", "desc"]}, "The direction of `sort`'s fields; a `-` before a field turns its own.", "desc"),
    "start_date": (MOMENT, "Only records made at or after this time; a bare date means its midnight in UTC.", "2026-01-01T00:00:00Z"),
    "end_date": (MOMENT, "Only records made at or before this time; a bare date includes its whole day.", "2026-12-31T23:59:59Z"),
    "updated_since": (MOMENT, "Only records changed at or after this time.", "2026-01-01T00:00:00Z"),
}  # fmt: skip
HEADERS: dict[str, tuple[Schema, str, Any]] = {
    "Idempotency-Key": (
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        "Your own name for this request. Sent again with the same body within 24 hours, it is answered as before and nothing happens twice.",
        "4f9d2c1e-order-1001",
    ),
    "If-Match": ({"type": "string"}, "The record's `ETag`: the change is refused with a 412 when the record has another version by now.", None),
    "If-None-Match": ({"type": "string"}, "The `ETag` that you have: answered with 304 and no body while the record is unchanged.", None),
    "X-Request-ID": ({"type": "string"}, "Your own id for the request, 8 to 64 letters, digits, `_` or `-`; it comes back and stands in the logs.", None),
}  # fmt: skip
EVERYWHERE = ("X-Request-ID",)


def parameter(name: str, place: str, schema: Schema, description: str, example: Any = None, **more: Any) -> Schema:
    # In the schema, not beside it: pages that try a request would send it unasked.
    shown = {"examples": [example]} if example is not None else {}
    return {"name": name, "in": place, "description": description, "schema": {**schema, **shown}, **more}


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/parameters/{name}"}


def parameter_components(contract: Contract) -> Schema:
    """Return the parameters that are written down once."""
    paging = {name: SHARED[name] for name in contract.paging.names}
    query = {name: known for name, known in SHARED.items() if name not in ("limit", "offset", "cursor", "page")}
    found = {
        contract.wire(name): parameter(contract.wire(name), "query", *known) for name, known in (paging | query).items()
    }
    found |= {name: parameter(name, "header", *known) for name, known in HEADERS.items()}
    found[contract.tenant_header] = tenant_header(contract)
    return found


def tenant_header(contract: Contract) -> Schema:
    text = "The organization's id or slug. It confirms the key's tenant and never chooses another: a 403 where they differ."
    return parameter(contract.tenant_header, "header", {"type": "string"}, text, required=contract.tenant_required)


def anywhere(contract: Contract) -> list[Schema]:
    return [reference(name) for name in (contract.tenant_header, *EVERYWHERE)]


def path_parameter(view: Any) -> Schema:
    """Return the id in a record's path."""
    one = view.contract.word(view.resource).replace("_", " ")
    schema = {"type": "string", "format": "typeid", "pattern": id_pattern(view.prefix, REQUEST)}
    return parameter("id", "path", schema, f"The {one}'s id; the bare UUID of the same value does too.", required=True)


def list_parameters(view: Any, taken: Collection[str]) -> list[Schema]:
    """Return everything that a list of the view takes; a filter whose name is `taken` by the path would confuse programs."""
    contract = view.contract
    shared = [name for name in SHARED if name not in ("limit", "offset", "cursor", "page")]
    if not view.search_fields:
        shared.remove("search")
    return [
        *map(reference, contract.paging.names),
        *(reference(contract.wire(name)) for name in shared),
        sort_parameter(view),
        *shape_parameters(view),
        filter_tree(view),
        *(item for item in filter_parameters(view) if item["name"] not in taken),
        *anywhere(contract),
    ]


def shape_parameters(view: Any) -> list[Schema]:
    """Return what chooses the fields of a record and what is put inside it."""
    contract, known = view.contract, list(view.plan.names)
    found = [names_parameter(contract.wire("fields"), known, "Only these fields, separated by commas.", known[:2])]
    if includes := list(offered(view)):
        text = "Records to put inside, separated by commas; each takes the read scope of its resource."
        found.append(names_parameter(contract.wire("include"), includes, text, includes[:1]))
    return found


def sort_parameter(view: Any) -> Schema:
    names = [sign + name for name in view.sorts for sign in ("", "-")]
    text = "The fields to sort by, separated by commas; `-` before a name turns its direction."
    return names_parameter(view.contract.wire("sort"), names, text, names[1:2])


def names_parameter(name: str, known: list[str], description: str, example: list[str]) -> Schema:
    schema = {"type": "array", "items": {"type": "string", "enum": known}, "minItems": 1}
    return parameter(name, "query", schema, description, example, style="form", explode=False)


def write_parameters(view: Any, *, record: bool) -> list[Schema]:
    """Return the headers of a write."""
    names = ("Idempotency-Key", "If-Match") if record else ("Idempotency-Key",)
    return [*map(reference, names), *anywhere(view.contract)]


def read_parameters(view: Any) -> list[Schema]:
    """Return what reading one record takes."""
    return [*shape_parameters(view), reference("If-None-Match"), *anywhere(view.contract)]
