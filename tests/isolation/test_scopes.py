"""Every route by every single scope, against a table that is reviewed in git.

After a change that is meant, write the table anew: `pytest tests/isolation/test_scopes.py --write-scopes`.
"""

from pathlib import Path

import orjson
import pytest

from apikeys.scopes import ACTIONS, catalogue
from crm.registry import UPCOMING
from tenants import ids
from tenants.models import Member
from tests.browsers import fresh
from tests.conftest import Caller
from tests.isolation.world import World
from tests.routes import Route, routes

TABLE = Path(__file__).with_name("scopes.json")
Table = dict[str, list[str]]


def every_scope() -> list[str]:
    """Return every scope of a resource that has routes, and those for all resources."""
    known = [category for category in catalogue() if category.resource not in UPCOMING]
    own = [f"{category.resource}:{action}" for category in known for action in (*category.actions, "admin")]
    return sorted({*own, *(f"*:{action}" for action in ACTIONS)})


def admits(world: World, caller: Caller, route: Route, method: str) -> bool:
    """Tell whether a key may do it; nothing is changed, as writes name no record and send no body."""
    known = world.acme.ids[route.view.model] if method == "GET" else ids.encode(route.view.prefix, ids.new())
    answer = caller(
        method,
        route.at(known),
        {"nope": 1} if method != "GET" else None,
        **{route.contract.tenant_header: caller.tenant.slug, **route.named(caller.tenant)},
    )
    refused = route.contract.code("INVALID_SCOPE")
    assert (answer.status == 403) is (answer.status != 200 and refused in answer.raw.decode())
    return answer.status != 403


def observe(world: World) -> Table:
    """Return the scopes that open each route, one key for each."""
    asked = [(route, method) for route in world.firsts for method in route.actions if method != "OPTIONS"]
    places = {f"{method} {route.path}": (route, method) for route, method in asked}
    found: Table = {name: [] for name in sorted(places)}
    for scope in every_scope():
        caller = world.acme.caller.with_scopes(scope)
        for name, (route, method) in places.items():
            if takes(route, "key") and admits(world, caller, route, method):
                found[name].append(scope)
    for role in Member.Role.values:
        browser = None
        for name, (route, method) in places.items():
            browser = fresh(browser, world.acme.caller, role)
            if takes(route, "session") and admits(world, browser, route, method):
                found[name].append(f"a session of role {role}")
    return found


def takes(route: Route, kind: str) -> bool:
    """Tell whether a kind of credential opens a route."""
    return kind in route.contract.credentials and kind in route.view.credentials


@pytest.mark.usefixtures("quiet")
def test_it_admits_exactly_the_scopes_in_the_table(acme: Caller, globex: Caller, pytestconfig: pytest.Config) -> None:
    found = observe(World(acme, globex))
    if pytestconfig.getoption("write_scopes"):
        TABLE.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    assert found == orjson.loads(TABLE.read_bytes())


@pytest.mark.parametrize("scope", every_scope())
def test_it_tells_every_key_what_it_may_do(acme: Caller, scope: str) -> None:
    caller = acme.with_scopes(scope)
    for route in routes():
        if "OPTIONS" in route.actions and takes(route, "key"):
            named = {route.contract.tenant_header: acme.tenant.slug, **route.named(acme.tenant)}
            assert caller("OPTIONS", route.at(ids.encode(route.view.prefix, ids.new())), **named).status == 200


def test_it_declares_a_scope_for_every_action() -> None:
    for route in routes():
        actions = set(route.actions.values()) - {"options"}
        assert actions <= route.view.required_scopes.keys(), route.path
