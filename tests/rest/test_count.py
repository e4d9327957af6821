"""Lists without a count: no statement counts, and what follows is known all the same."""

from crm.contracts.registry import REGISTRY
from crm.registry import CONTRACTS, RESOURCES
from crm.rest.query import PARAMETERS
from crm.rest.router import bound_views
from tests.conftest import Caller
from tests.rest.test_statements import taken


def filled(acme: Caller, count: int = 5) -> None:
    operations = [{"op": "create", "data": {"name": f"Client {index}"}} for index in range(count)]
    acme.post("/clients/batch", {"operations": operations})


def test_it_counts_unless_told(acme: Caller) -> None:
    filled(acme)
    assert acme.get("/clients?limit=2").body["pagination"]["total"] == 5
    assert acme.get("/clients?limit=2&count=exact").body["pagination"]["total"] == 5


def test_it_counts_nothing_where_told(acme: Caller) -> None:
    filled(acme)
    page = acme.get("/clients?limit=2&offset=2&count=none").body["pagination"]
    assert (page["total"], page["offset"], page["has_more"]) == (None, 2, True)
    last = acme.get("/clients?limit=2&offset=4&count=none").body["pagination"]
    assert (last["total"], last["has_more"], last["next_cursor"]) == (None, False, None)
    assert len(taken(acme, "/clients?limit=2&count=exact")) == 3
    for query in ("count=none", "count=none&search=client", "count=none&offset=1"):
        assert not any("count(" in sql.lower() for sql in taken(acme, f"/clients?limit=2&{query}"))


def test_a_cursor_never_counts(acme: Caller) -> None:
    filled(acme)
    cursor = acme.get("/clients?limit=2&count=none").body["pagination"]["next_cursor"]
    for more in ("", "&count=none"):
        page = acme.get(f"/clients?limit=2&cursor={cursor}{more}")
        assert (page.status, page.body["pagination"]["total"], page.body["pagination"]["offset"]) == (200, None, None)
    assert len(taken(acme, f"/clients?limit=2&cursor={cursor}")) == 2
    refused = acme.get(f"/clients?limit=2&cursor={cursor}&count=exact")
    assert (refused.status, refused.error["details"]["field"]) == (400, "count")


def test_numbered_pages_leave_out_what_nobody_counted(acme: Caller) -> None:
    filled(acme)
    registry = acme.on(REGISTRY)
    answer = registry.get("/customers?limit=2&page=2&count=none")
    page = answer.body["pagination"]
    assert (page["total"], page["totalPages"], page["hasNext"], page["hasPrev"]) == (None, None, True, True)
    assert "X-Total-Count" not in answer.headers
    assert 'rel="last"' not in answer.headers["Link"]
    assert 'rel="next"' in answer.headers["Link"]
    counted = registry.get("/customers?limit=2")
    assert counted.headers["X-Total-Count"] == "5"
    assert 'rel="last"' in counted.headers["Link"]


def test_it_names_the_known_ways_to_count(acme: Caller) -> None:
    answer = acme.get("/clients?count=some")
    assert (answer.status, answer.error["details"]["field"]) == (400, "count")
    assert answer.error["message"] == "count: Must be one of: exact, none."


def test_no_filter_has_the_name_of_a_parameter() -> None:
    for contract in CONTRACTS:
        taken_names = {*map(contract.wire, PARAMETERS), *contract.paging.names}
        for view in bound_views(contract, RESOURCES).values():
            assert not taken_names & view.filters.keys(), view.__name__
