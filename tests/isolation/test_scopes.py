"""Every route by every single scope, against a table that is reviewed in git.

After a change that is meant, write the table anew: `pytest tests/isolation/test_scopes.py --write-scopes`.
"""

from pathlib import Path

import orjson
import pytest

from apikeys.scopes import ACTIONS, catalogue
from tenants import ids
from tenants.models import Member
from tests.browsers import fresh
from tests.conftest import Caller
from tests.isolation.world import World
from tests.routes import Route, routes
from tests.shares import Turns, shared

TABLE = Path(__file__).with_name("scopes.json")
Table = dict[str, list[str]]


def every_scope() -> list[str]:
    """Return every scope of a resource, and those for all resources."""
    own = [f"{category.resource}:{action}" for category in catalogue() for action in (*category.actions, "admin")]
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


def observe(world: World, turns: Turns) -> tuple[Table, Table]:
    """Return the scopes that were asked of each route, one key for each, and those of them that open it.

    What may open it by its name is always asked, of the others a share.
    """
    listed = [(route, method) for route in world.firsts for method in route.actions if method != "OPTIONS"]
    places = {f"{method} {route.path}": (route, method) for route, method in listed}
    asked: Table = {name: [] for name in sorted(places)}
    found: Table = {name: [] for name in sorted(places)}
    for scope in every_scope():
        caller = world.acme.caller.with_scopes(scope)
        for name, (route, method) in places.items():
            near = scope.partition(":")[0] in ("*", route.view.scope("read").partition(":")[0])
            if takes(route, "key") and (near or turns.chosen()):
                asked[name].append(scope)
                found[name] += [scope] * admits(world, caller, route, method)
    for role in Member.Role.values:
        browser = None
        for name, (route, method) in places.items():
            browser = fresh(browser, world.acme.caller, role)
            if takes(route, "session") and turns.chosen():
                asked[name].append(f"a session of role {role}")
                found[name] += asked[name][-1:] * admits(world, browser, route, method)
    return asked, found


def takes(route: Route, kind: str) -> bool:
    """Tell whether a kind of credential opens a route."""
    return kind in route.contract.credentials and kind in route.view.credentials


@pytest.mark.usefixtures("quiet")
@shared(96)
def test_it_admits_exactly_the_scopes_in_the_table(
    acme: Caller, globex: Caller, share: int, pytestconfig: pytest.Config, tally: dict[str, str]
) -> None:
    writing = pytestconfig.getoption("write_scopes")
    asked, found = observe(World(acme, globex), Turns(1 if writing else share))
    if writing:
        TABLE.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    known = orjson.loads(TABLE.read_bytes())
    assert known.keys() == asked.keys()
    assert found == {name: [scope for scope in known[name] if scope in scopes] for name, scopes in asked.items()}
    tally[f"scopes, every {share}."] = f"{sum(map(len, asked.values()))} cases"


@shared(24)
def test_it_tells_every_key_what_it_may_do(acme: Caller, share: int) -> None:
    turns = Turns(share)
    for scope in every_scope():
        caller = acme.with_scopes(scope)
        for route in routes():
            if "OPTIONS" not in route.actions or not takes(route, "key") or not turns.chosen():
                continue
            named = {route.contract.tenant_header: acme.tenant.slug, **route.named(acme.tenant)}
            assert caller("OPTIONS", route.at(ids.encode(route.view.prefix, ids.new())), **named).status == 200


def test_it_declares_a_scope_for_every_action() -> None:
    for route in routes():
        actions = set(route.actions.values()) - {"options"}
        assert actions <= route.view.required_scopes.keys(), route.path
