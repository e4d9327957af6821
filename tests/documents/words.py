"""Finds canonical names where a contract has its own: in answers, failures, descriptions and the OpenAPI document."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote

import orjson

from crm.contracts.public import PUBLIC
from crm.contracts.v1 import V1
from crm.docs.generator import build
from crm.registry import RESOURCES
from crm.rest.contract import CANONICAL, Contract
from crm.rest.fields import OpaqueField
from crm.rest.query import PARAMETERS
from crm.rest.router import bound_views, mount
from tests.bodies import make_body, placed, writable
from tests.conftest import Answer, Caller
from tests.records import Records
from tests.routes import Route, routes

__all__ = [
    "MAKERS", "answers_of", "canonical_names", "leaked", "leaked_in", "leaked_in_document", "routes_of", "urlpatterns",
]  # fmt: skip

WORD = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)*")
# Where Records finds how each kind is made: by a key, and services too.
MAKERS = __name__
urlpatterns = [*mount(V1, RESOURCES), *mount(PUBLIC, RESOURCES)]
PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}")
STRANGE = '{"zzz": 1}'
# A scope in the canonical notation, wherever a contract writes it the other way round.
SCOPE = re.compile(r"\b([a-z_]+):(read|write|delete|admin)\b")


def names(fields: Any) -> Iterator[str]:
    """Yield the canonical names of a shape's fields, at any depth."""
    for name, field in fields.items():
        yield name
        yield from names(getattr(getattr(field, "child", field), "fields", {}))


@cache
def canonical_names(contract: Contract) -> frozenset[str]:
    """Return every name of a field, filter, include, parameter or resource that the contract says in another way.

    Single words of plain English count only where they name a resource.
    """
    found = set(PARAMETERS)
    for view in bound_views(CANONICAL, RESOURCES).values():
        found |= {view.resource, view.plural, *view.includes, *view.filters, *view.sorts}
        found |= set(names(view.serializer_class().fields))
    resources = {word for view in RESOURCES for word in (view.resource, view.plural)}
    # A resource's name keeps its case wherever it stands alone: as an entity, or in an event's type.
    fields = {name for name in found - resources if "_" in name and contract.wire(name) != name}
    return frozenset(fields | {name for name in resources if contract.word(name) != name})


def leaked(answer: Answer, contract: Contract) -> set[str]:
    """Return the canonical names in an answer, what belongs to the user left out."""
    if answer.body is None:
        return set()
    return leaked_in(orjson.dumps(without_opaque(answer.body, opaque(contract))).decode(), contract)


def leaked_in(text: str, contract: Contract) -> set[str]:
    """Return the canonical names and scopes in a text; a mail's placeholders are the same in every contract."""
    text = PLACEHOLDER.sub("", text)
    scopes = {f"{resource}:{action}" for resource, action in SCOPE.findall(text)}
    wrong = {scope for scope in scopes if contract.scope(scope) != scope}
    return set(WORD.findall(text)) & canonical_names(contract) | wrong


@cache
def opaque(contract: Contract) -> frozenset[str]:
    """Return the contract's names of what is kept as it comes."""
    fields = [
        field for view in bound_views(contract, RESOURCES).values() for field in view.serializer_class().fields.items()
    ]
    return frozenset(name for name, field in fields if isinstance(field, OpaqueField))


def without_opaque(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [without_opaque(item, names) for item in value]
    if isinstance(value, dict):
        return {key: without_opaque(item, names) for key, item in value.items() if key not in names}
    return value


def leaked_in_document(contract: Contract) -> set[str]:
    """Return the canonical names in a contract's OpenAPI document, in all that is no sentence for people.

    Of sentences, what is set as code counts.
    """
    return set().union(*(leaked_in(text, contract) for text in terms(build(contract), opaque(contract))))


PROSE = ("description", "summary", "title")
EXAMPLES = ("example", "examples", "x-codeSamples")


def terms(value: Any, mine: frozenset[str]) -> Iterator[str]:
    """Yield the texts of a document that programs read; of sentences what is set as code, of examples the names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from terms(item, mine)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from term(key, item, mine)


def term(key: str, item: Any, mine: frozenset[str]) -> Iterator[str]:
    if key in PROSE and isinstance(item, str):
        yield from re.findall(r"`[^`\n]+`", item)
    elif key in EXAMPLES:
        yield from keys_of(item, mine)
    elif key not in mine:
        yield from terms(item, mine)


def keys_of(value: Any, mine: frozenset[str]) -> Iterator[str]:
    """Yield the names in an example, not what they hold."""
    if isinstance(value, list):
        for item in value:
            yield from keys_of(item, mine)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            if key not in mine:
                yield from keys_of(item, mine)


def routes_of(contract: Contract) -> tuple[Route, ...]:
    """Return the addresses of a contract that a key opens."""
    return tuple(route for route in routes() if route.contract is contract and "key" in route.view.credentials)


def answers_of(records: Records, contract: Contract) -> Iterator[tuple[str, Answer]]:
    """Ask every address of a contract for what is good, and for what is wrong in each way that there is.

    Yields what was asked, and the answer; deletions come last.
    """
    powerless = records.caller.with_scopes("webhooks:read")
    places = [(route, route.at(records.ids[route.view.model])) for route in routes_of(contract)]
    for route, path in places:
        yield f"OPTIONS {path}", records.send(route, "OPTIONS", path)
        yield f"GET {path}/nothing", records.send(route, "GET", f"{path}/nothing")
        for method in route.actions:
            yield f"{method} {path} without a scope", ask(records, powerless, route, method, path)
        for query in queries(route):
            yield f"GET {path}{query}", records.send(route, "GET", path + query)
        for method, body in bodies(records, route):
            yield f"{method} {path} {body}"[:200], records.send(route, method, path, body)
    for route, path in places:
        if "DELETE" in route.actions:
            yield f"DELETE {path}", records.send(route, "DELETE", path)


def ask(records: Records, caller: Caller, route: Route, method: str, path: str) -> Answer:
    """Send a request without a body as another caller."""
    return caller(method, path, {} if method not in ("GET", "DELETE") else None, **route.named(records.caller.tenant))


def queries(route: Route) -> Iterator[str]:
    """Yield good and wrong queries for an address that answers GET."""
    if "GET" not in route.actions:
        return
    yield ""
    yield "?zzz=1"
    yield "?fields=zzz"
    yield "?include=zzz"
    view = route.listed
    if view is None:
        return
    yield "?sort=zzz"
    yield "?order=zzz"
    yield f"?{view.contract.wire('start_date')}=zzz"
    yield f"?{view.contract.wire('updated_since')}=zzz"
    yield "?limit=0"
    yield f"?filter={quote(STRANGE)}"
    for name in view.filters:
        yield f"?{name}[near]=1"
        yield f"?{name}=%00"
    for name in view.includes:
        yield f"?include={view.contract.wire(name)}"


def bodies(records: Records, route: Route) -> Iterator[tuple[str, Any]]:
    """Yield the methods that write, each with bodies that are wrong in one place, and at last one that is right."""
    for method in (method for method in ("POST", "PUT", "PATCH") if method in route.actions):
        yield method, {"zzz": 1}
        yield method, b"[]"
        if (takes := route.takes(method)) is not None:
            body = make_body(takes, records.ids, full=True, mark=records.mark)
            yield from ((method, placed(body, place, [[]])) for place, _ in writable(takes))
            yield method, body | (records.shared(route) if method == "POST" else {})
        yield method, {}
