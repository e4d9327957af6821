"""Finds canonical words where a made-up contract must speak its own."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from crm.registry import RESOURCES
from crm.rest.contract import CANONICAL
from crm.rest.query import PARAMETERS
from crm.rest.router import bound_views
from tests.conftest import Answer
from tests.rest.made_up import MADE_UP

__all__ = ["canonical_words", "leaked", "refused"]


def names(fields: Any) -> Iterator[str]:
    """Yield the canonical names of a shape's fields, at any depth."""
    for name, field in fields.items():
        yield name
        yield from names(getattr(getattr(field, "child", field), "fields", {}))


@cache
def canonical_words() -> set[str]:
    """Return every canonical name that the contract says in another way; single words of plain English are left out."""
    found = set(PARAMETERS)
    for view in bound_views(CANONICAL, RESOURCES).values():
        found |= {view.resource, view.plural, *view.includes, *view.filters, *view.sorts}
        found |= set(names(view.serializer_class().fields))
    resources = {word for view in RESOURCES for word in (view.resource, view.plural)}
    # A kind of goods is called product too: values are no names.
    return {name for name in found if MADE_UP.wire(name) != name and ("_" in name or name in resources)} - {"product"}


def leaked(answer: Answer) -> set[str]:
    """Return the canonical words in an answer."""
    return set(re.findall(r"[a-z]+(?:_[a-z]+)*", answer.raw.decode())) & canonical_words()


def refused(answer: Answer, status: int, code: str, *fields: str) -> None:
    """Check a failure's status, code and the fields it names, and that nothing canonical is in it."""
    assert (answer.status, answer.body["success"], answer.body["code"]) == (status, False, code), answer.body
    assert set(fields) <= answer.body.get("details", {}).keys(), answer.body
    assert leaked(answer) == set(), answer.body
