"""Records to start with: one of each resource that can be created, made of the document's own examples."""

from collections.abc import Mapping
from typing import Any

from crm.docs.examples import KEY, create_example
from crm.rest.viewset import ResourceViewSet
from tenants import ids
from tests.browsers import able
from tests.conftest import Caller

__all__ = ["seed"]


def seed(caller: Caller, views: Mapping[str, type[ResourceViewSet]], each: int = 3) -> dict[str, list[str]]:
    """Create records of every resource, those first that others refer to; return their ids by prefix."""
    found: dict[str, list[str]] = {}
    waiting = [view for view in views.values() if "create" in view.methods]
    while waiting:
        ready = [view for view in waiting if references(create_example(view), views) <= set(found)]
        assert ready, f"No order to create {[view.__name__ for view in waiting]} in."
        for view in ready:
            found[view.prefix] = [create(caller, view, found) for _ in range(each)]
        waiting = [view for view in waiting if view not in ready]
    return found | {view.prefix: listed(caller, view) for view in views.values() if view.prefix not in found}


def create(caller: Caller, view: Any, known: dict[str, list[str]]) -> str:
    made = able(caller, view).post(f"/{path_of(view)}", replaced(create_example(view), known))
    assert made.status == 201, (view.__name__, made.body)
    return str(made.data["id"])


def listed(caller: Caller, view: Any) -> list[str]:
    return [record["id"] for record in able(caller, view).get(f"/{path_of(view)}").data]


def path_of(view: Any) -> str:
    return str(view.contract.word(view.plural)).replace("_", "-")


def references(value: Any, views: Mapping[str, Any]) -> set[str]:
    """Return the prefixes of the ids in an example."""
    made_up = {ids.encode(view.prefix, KEY): view.prefix for view in views.values()}
    return {prefix for text, prefix in made_up.items() if text in str(value)}


def replaced(value: Any, known: dict[str, list[str]]) -> Any:
    """Return an example with the ids of real records."""
    if isinstance(value, dict):
        return {name: replaced(item, known) for name, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, known) for item in value]
    real = {ids.encode(prefix, KEY): found[0] for prefix, found in known.items()}
    return real.get(value, value) if isinstance(value, str) else value
