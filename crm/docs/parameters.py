"""Parameters of the document: the query grammar of lists, what one record takes, and the headers."""

from collections.abc import Collection, Sequence
from typing import Any

from crm.docs.conditions import filter_parameters, filter_tree
from crm.docs.fields import REQUEST, Schema, id_pattern
from crm.docs.shared import ASKED, FOLLOWING, HEADERS, PAGING, QUERY, Known, parameter
from crm.rest.contract import Contract
from crm.rest.lists import offered

__all__ = [
    "anywhere",
    "feed_parameters",
    "known_parameters",
    "list_parameters",
    "parameter_components",
    "path_parameter",
    "reference",
    "shape_parameters",
    "write_parameters",
]

EVERYWHERE = ("X-Request-ID",)


def reference(name: str) -> Schema:
    """Return what stands for a parameter that is written down once."""
    return {"$ref": f"#/components/parameters/{name}"}


def parameter_components(contract: Contract) -> Schema:
    """Return the parameters that are written down once."""
    query = {name: PAGING[name] for name in contract.paging.names} | {
        contract.wire(name): QUERY[name] for name in QUERY
    }
    return {
        **{name: parameter(name, "query", *said(known, contract)) for name, known in query.items()},
        **{name: parameter(name, "header", *known) for name, known in HEADERS.items()},
        contract.tenant_header: tenant_header(contract),
    }


def said(known: Known, contract: Contract) -> Known:
    """Return a parameter with its sentence in the contract's words."""
    return known._replace(description=contract.say(known.description))


def tenant_header(contract: Contract) -> Schema:
    text = "The organization's id or slug. It confirms the key's organization: where they differ, the answer is a 403."
    return parameter(contract.tenant_header, "header", {"type": "string"}, text, required=contract.tenant_required)


def anywhere(contract: Contract) -> list[Schema]:
    """Return what every request may say."""
    return [reference(name) for name in (contract.tenant_header, *EVERYWHERE)]


def path_parameter(view: Any) -> Schema:
    """Return the id in a record's path."""
    one = view.contract.word(view.resource).replace("_", " ")
    schema = {"type": "string", "format": "typeid", "pattern": id_pattern(view.prefix, REQUEST)}
    return parameter("id", "path", schema, f"The {one}'s id; the bare UUID of the same value does too.", required=True)


def list_parameters(view: Any, taken: Collection[str]) -> list[Schema]:
    """Return everything that a list of the view takes.

    A filter whose name is `taken` by the path is left out: programs would mix the two up.
    """
    contract = view.contract
    query = [name for name in QUERY if name != "search" or view.search_fields]
    return [
        *following_parameters(view),
        *map(reference, contract.paging.names),
        *(reference(contract.wire(name)) for name in query),
        sort_parameter(view),
        *shape_parameters(view),
        filter_tree(view),
        *(item for item in filter_parameters(view) if item["name"] not in taken),
        *anywhere(contract),
    ]


def following_parameters(view: Any) -> list[Schema]:
    """Return what a list takes that can be followed."""
    follows = getattr(view.list, "follows", ())
    return [parameter(view.contract.wire(name), "query", *said(FOLLOWING[name], view.contract)) for name in follows]


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
    # An answer that warns cannot be given twice.
    once = ("Idempotency-Key",) if record or not view.warning else ()
    names = (*once, "If-Match") if record and view.versioned else once
    return [*map(reference, names), *anywhere(view.contract)]


def feed_parameters(view: Any, asks: Sequence[str] = ()) -> list[Schema]:
    """Return what a feed takes: its place, and what else it asks."""
    contract = view.contract
    more = (parameter(contract.wire(name), "query", *said(ASKED[name], contract)) for name in asks)
    place = (parameter(name, "query", *said(PAGING[name], contract)) for name in ("limit", "cursor"))
    return [*more, *place, *anywhere(contract)]


def read_parameters(view: Any) -> list[Schema]:
    """Return what reading one record takes."""
    return [*shape_parameters(view), *known_parameters(view)]


def known_parameters(view: Any) -> list[Schema]:
    """Return what reading takes that has no shape to choose."""
    return [reference("If-None-Match"), *anywhere(view.contract)]
