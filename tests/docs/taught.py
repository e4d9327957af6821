"""The document as a fuzzer must know it: with ids that exist, and with the limits that no JSON Schema can say.

Nothing is loosened: every change makes the fuzzer draw from fewer values, all of which the published document allows.
"""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import schemathesis
from hypothesis import strategies as st

from crm.docs.examples import KEY
from crm.standards import COUNTRIES, CURRENCIES, TIMEZONES
from tenants.ids import encode
from tests.files import GOOD

__all__ = ["teach", "teach_formats"]

PREFIX = re.compile(r"\^\(?([a-z]+)_")
# A JSON number may have more decimals than a field takes, and binary ones have them by accident.
NUMBERS = [0, 1, 2, 7.5, 12.25, 99, 100]
CODES = {"currency": CURRENCIES, "country": COUNTRIES, "iana-timezone": TIMEZONES}


def teach(document: dict[str, Any], *, organization: str) -> dict[str, Any]:
    """Return the document for the fuzzer; it is about `organization` alone."""
    taught = copy.deepcopy(document)
    FILTERS.clear()
    parameters = taught["components"]["parameters"]
    parameters["X-Organization-Id"]["schema"]["enum"] = [organization]
    parameters["If-Match"]["schema"]["enum"] = ["*", '"1"']
    for path in [path for path, item in taught["paths"].items() if not any(map(by_key, item.values()))]:
        del taught["paths"][path]
    for operation in operations(taught):
        # Only the server makes cursors; tests/ has them elsewhere.
        # A form holds texts alone, and the fuzzer writes null and false in it; tests/test_intake.py sends forms.
        for kind in [kind for kind in operation.get("requestBody", {}).get("content", {}) if "json" not in kind]:
            del operation["requestBody"]["content"][kind]
        for item in operation["parameters"]:
            if item.get("name") == "after":
                item["schema"]["enum"] = ["", "now"]
        places = ({"$ref": "#/components/parameters/cursor"}, "cursor")
        operation["parameters"] = [
            item for item in operation["parameters"] if item not in places and item.get("name") not in places
        ]
    for part in [taught["components"]["parameters"], taught["paths"], *bodies(taught)]:
        for schema in list(nodes(part)):
            narrow(schema)
    return taught


def by_key(operation: dict[str, Any]) -> bool:
    """Tell whether a key opens the operation, as the fuzzer has nothing else to show."""
    return any("bearer" in way for way in operation.get("security", [{"bearer": []}]))


def bodies(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schemas of what is sent: they alone say whether they are closed or take in more."""
    schemas = document["components"]["schemas"].values()
    return [schema for schema in schemas if "additionalProperties" in schema]


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.values()


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside a JSON value."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(item)


def narrow(schema: dict[str, Any]) -> None:
    """Let a schema draw what exists and what can be stored."""
    if schema.get("format") == "typeid":
        schema["format"] = "typeid-" + PREFIX.match(schema["pattern"])[1]  # type: ignore[index]
    elif schema.get("format") in CODES:
        codes = sorted(CODES[schema["format"]])
        schema["enum"] = [*codes, None] if "null" in schema["type"] else codes
    elif schema.get("format") == "decimal" and "number" in schema["type"]:
        text = {"type": "string", "pattern": schema.pop("pattern")}
        low, high = schema.pop("minimum", -1e9), schema.pop("maximum")
        numbers = [number for number in NUMBERS if low <= number <= high]
        others = [{"type": kind} for kind in schema.pop("type") if kind == "null"]
        schema["anyOf"] = [text, {"enum": numbers}, *others]
    elif "contentSchema" in schema:
        name = f"filter-{len(FILTERS)}"
        FILTERS[name] = schema.pop("contentSchema")
        schema["format"] = name


FILTERS: dict[str, Any] = {}


def teach_formats(ids: dict[str, list[str]]) -> None:
    """Register what the formats stand for; `ids` are those of records that exist, by prefix."""
    for prefix, known in ids.items():
        schemathesis.openapi.format(f"typeid-{prefix}", st.sampled_from(known))
    known_formats = {
        # Reserved domains, which a generator loves, are no addresses.
        "email": st.from_regex(
            r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{0,8}[a-z]@[a-z]{2,9}\.(com|org|at)", fullmatch=True
        ).filter(lambda text: ".." not in text and not text.startswith(".")),
        "phone": st.from_regex(r"\+1415555[0-9]{4}", fullmatch=True),
        "uri": st.from_regex(r"https?://[a-z]{1,10}\.example\.com/[a-z0-9]{0,10}", fullmatch=True),
        "date-time": moments(),
        "binary": st.sampled_from([content for content, _ in GOOD.values()]),
    }
    for name, strategy in known_formats.items():
        schemathesis.openapi.format(name, strategy)
    for name, content in FILTERS.items():
        schemathesis.openapi.format(name, trees(content, ids))


def moments() -> st.SearchStrategy[str]:
    return st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z")


def trees(content: dict[str, Any], ids: dict[str, list[str]]) -> st.SearchStrategy[str]:
    """Return texts of `filter` that its content's schema allows, three conditions at most."""
    names = st.lists(st.sampled_from(sorted(content["properties"])), max_size=3, unique=True)
    fields = {name: values(schema, ids) for name, schema in content["properties"].items()}
    found = names.flatmap(lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen}))
    return found.map(lambda tree: orjson.dumps(tree).decode())


def values(schema: dict[str, Any], ids: dict[str, list[str]]) -> st.SearchStrategy[Any]:
    """Return values of one of the few schemas that filters are made of."""
    if "anyOf" in schema:
        return st.one_of([values(item, ids) for item in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "object":
        operators = {name: values(item, ids) for name, item in schema["properties"].items()}
        return st.sampled_from(sorted(operators)).flatmap(lambda name: st.fixed_dictionaries({name: operators[name]}))
    if schema["type"] == "array":
        return st.lists(values(schema["items"], ids), min_size=1, max_size=3)
    if schema["type"] in PLAIN:
        return PLAIN[schema["type"]](schema)
    return texts(schema, ids)


PLAIN: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
    "boolean": lambda schema: st.booleans(),
    "integer": lambda schema: st.integers(-(2**53), 2**53),
}


def texts(schema: dict[str, Any], ids: dict[str, list[str]]) -> st.SearchStrategy[str]:
    kind = schema.get("format", "")
    if kind.startswith("typeid-"):
        # What the contract does not publish can be named all the same.
        prefix = kind.partition("-")[2]
        return st.sampled_from(ids.get(prefix) or [encode(prefix, KEY)])
    if kind == "date-time":
        return moments()
    if kind == "date":
        return st.dates().map(str)
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True, alphabet=st.characters(codec="ascii"))
    return st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
