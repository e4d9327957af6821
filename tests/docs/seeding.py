"""Records to start with: one of each resource that can be created, made of the document's own examples."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from crm.docs.examples import KEY, create_example
from crm.rest.contract import Contract
from crm.rest.viewset import ResourceViewSet
from tenants import ids
from tests.conftest import Caller
from tests.records import make_member

__all__ = ["host_of", "path_of", "seed"]


def seed(caller: Caller, views: Mapping[str, type[ResourceViewSet]], each: int = 3) -> dict[str, list[str]]:
    """Create records of every resource, those first that others refer to; return their ids by prefix."""
    # Seats are given by people: no program can make one.
    found: dict[str, list[str]] = {"usr": [make_member(caller.tenant) for _ in range(each)]}
    waiting = [view for view in views.values() if "create" in view.methods]
    while waiting:
        ready = [view for view in waiting if references(create_example(view), views) <= set(found)]
        assert ready, f"No order to create {[view.__name__ for view in waiting]} in."
        for view in ready:
            found[view.prefix] = [create(caller, view, found) for _ in range(each)]
        waiting = [view for view in waiting if view not in ready]
    return found | {view.prefix: listed(caller, view) for view in views.values() if view.prefix not in found}


def create(caller: Caller, view: Any, known: dict[str, list[str]]) -> str:
    made = caller.post(f"/{path_of(view)}", replaced(create_example(view), known))
    assert made.status == 201, (view.__name__, made.body)
    return str(made.data["id"])


def listed(caller: Caller, view: Any) -> list[str]:
    return [record["id"] for record in caller.get(f"/{path_of(view)}").data]


def path_of(view: Any) -> str:
    contract = view.contract
    return str(contract.paths.get(view.plural) or contract.word(view.plural).replace("_", "-"))


def host_of(contract: Contract, caller: Caller) -> dict[str, str]:
    """Return the header that leads to a tenant's own address, where the contract stands there."""
    host = urlsplit(contract.address.format(slug=caller.tenant.slug)).netloc
    return {"Host": host} if host else {}


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
