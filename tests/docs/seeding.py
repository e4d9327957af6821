"""Records to start with: one of each resource that can be created, made of the document's own examples."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.db.models import UniqueConstraint

from crm.docs.examples import KEY, create_example
from crm.rest.router import spoken
from crm.rest.serializers import bind
from crm.rest.viewset import ResourceViewSet
from tenants import ids
from tests.browsers import able
from tests.conftest import Caller
from tests.forms import as_form

__all__ = ["path_of", "seed"]


def seed(caller: Caller, views: Mapping[str, type[ResourceViewSet]], each: int = 3) -> dict[str, list[str]]:
    """Create records of every resource, those first that others refer to; return their ids by prefix."""
    found: dict[str, list[str]] = {}
    waiting = [view for view in views.values() if "create" in view.methods]
    while waiting:
        ready = [view for view in waiting if references(create_example(view), views) <= set(found)]
        assert ready, f"No order to create {[view.__name__ for view in waiting]} in."
        for view in ready:
            found[view.prefix] = [create(caller, view, found, number) for number in range(each)]
        waiting = [view for view in waiting if view not in ready]
    for view in (view for view in views.values() if view.prefix not in found and view.methods):
        found[view.prefix] = listed(caller, view) if "list" in view.methods else left(caller, view, found)
    return found


def create(caller: Caller, view: Any, known: dict[str, list[str]], number: int) -> str:
    body = create_example(view) if number == 0 else distinct(view, create_example(view), number)
    body = replaced(body, known)
    if takes := getattr(view.create, "takes", None):
        body = as_form(body, bind(takes, view.contract))
    made = able(caller, view).post(f"/{path_of(view)}", body)
    assert made.status == 201, (view.__name__, made.body)
    return str(made.data["id"])


def distinct(view: Any, body: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a body with other texts where no two records may have the same."""
    rules = [rule for rule in view.model._meta.constraints if isinstance(rule, UniqueConstraint)]
    unique = {name for rule in rules for name in rule.fields}
    sources = {name: field.source for name, field in view.serializer_class().fields.items()}
    return {name: f"{number}{value}" if sources.get(name) in unique else value for name, value in body.items()}


def listed(caller: Caller, view: Any) -> list[str]:
    return [record["id"] for record in able(caller, view).get(f"/{path_of(view)}").data]


def left(caller: Caller, view: Any, known: dict[str, list[str]]) -> list[str]:
    """Return records that commands on webhooks make: nobody makes them by themselves."""
    action = {"deliveries": "test", "replays": "replay"}[view.plural]
    return [str(caller.post(f"/webhooks/{hook}/{action}").data["id"]) for hook in known["whk"]]


def path_of(view: Any) -> str:
    return str(view.contract.paths.get(view.plural) or spoken(view.contract, view.path))


def references(value: Any, views: Mapping[str, Any]) -> set[str]:
    """Return the prefixes of the ids in an example."""
    made_up = {ids.encode(view.prefix, KEY): view.prefix for view in views.values()}
    return {prefix for text, prefix in made_up.items() if text in str(value)}


def replaced(value: Any, known: dict[str, list[str]]) -> Any:
    """Return an example with the ids of real records, and with addresses that no other record has."""
    if isinstance(value, dict):
        return {name: replaced(item, known) for name, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, known) for item in value]
    if isinstance(value, str) and value.endswith("@example.com"):
        return f"{uuid4().hex[:8]}.{value}"
    real = {ids.encode(prefix, KEY): found[0] for prefix, found in known.items()}
    return real.get(value, value) if isinstance(value, str) else value
