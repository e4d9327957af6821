"""The cross-tenant matrix: every route, method, reference, filter and header, under both guards and each alone."""

import pytest
from django.http import HttpResponse
from django.urls import include, path

from tests.conftest import Caller
from tests.isolation.claims import ask_claims
from tests.isolation.guards import GUARDS, policies_alone, querysets_alone
from tests.isolation.lists import ask_lists
from tests.isolation.matrix import Matrix
from tests.isolation.paths import ask_paths
from tests.isolation.references import ask_references
from tests.isolation.world import World, fingerprint
from tests.routes import routes
from tests.shares import Turns, shared


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("guard", GUARDS)
@shared(96)
def test_it_leaks_nothing(acme: Caller, globex: Caller, guard: str, share: int, tally: dict[str, str]) -> None:
    matrix = Matrix(World(acme, globex), Turns(share))
    before = fingerprint(globex.tenant)
    with GUARDS[guard]():
        for ask in (ask_lists, ask_paths, ask_references, ask_claims):
            ask(matrix)
    changed = [table for table, mark in fingerprint(globex.tenant).items() if mark != before[table]]
    tally[f"cross-tenant matrix, {guard}, every {share}."] = (
        f"{matrix.cases} cases, {len(matrix.leaks) + len(changed)} leaks"
    )
    assert (matrix.leaks[:20], changed) == ([], [])
    assert matrix.reached >= {(route.path, method) for route in matrix.routes for method in route.actions}
    assert matrix.cases >= 1000


def test_it_misses_no_route() -> None:
    stray = (path("v1/", include([path("stray", lambda request: HttpResponse())])),)
    with pytest.raises(AssertionError, match="v1/stray is not in the cross-tenant matrix"):
        routes(stray)


@pytest.mark.usefixtures("quiet")
def test_it_would_see_leaks(acme: Caller, globex: Caller) -> None:
    matrix = Matrix(World(acme, globex), Turns(64))
    with querysets_alone(), policies_alone():
        for ask in (ask_lists, ask_paths):
            ask(matrix)
    assert len(matrix.leaks) > 200
