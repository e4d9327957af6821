"""A list of references: ids in their order, and the records themselves by `include`."""

from typing import Any

import pytest

from tenants import ids
from tests.conftest import Caller, seat
from tests.rest.test_statements import taken

pytestmark = pytest.mark.urls("tests.rest.staffed")


@pytest.fixture
def staffed(acme: Caller) -> Caller:
    return Caller(acme.tenant, acme.key, "/staffed")


@pytest.fixture
def team(acme: Caller) -> list[str]:
    """Return members, the newest first: not in the order of their ids."""
    return [ids.encode("usr", seat(acme.tenant, role).pk) for role in ("staff", "viewer", "admin")][::-1]


@pytest.fixture
def made(staffed: Caller, team: list[str]) -> Any:
    client = staffed.post("/clients", {"name": "Ada"}).data["id"]
    times = {"starts_at": "2026-03-02T09:00:00Z", "ends_at": "2026-03-02T10:00:00Z"}
    answer = staffed.post("/appointments", {"client_id": client, "worker_ids": team, **times})
    assert answer.status == 201, answer.body
    return answer.data


def test_it_keeps_their_order(staffed: Caller, team: list[str], made: Any) -> None:
    assert made["worker_ids"] == staffed.get(f"/appointments/{made['id']}").data["worker_ids"] == team
    assert staffed.get("/appointments?fields=worker_ids").data == [{"worker_ids": team}]


def test_it_includes_the_records_in_that_order(staffed: Caller, team: list[str], made: Any) -> None:
    one = staffed.get(f"/appointments/{made['id']}?include=workers").data
    roles = zip(team, ("admin", "viewer", "staff"), strict=True)
    workers = [{"id": public_id, "role": role} for public_id, role in roles]
    assert one == {**made, "workers": workers}
    assert staffed.get("/appointments?include=workers").data == [one]
    deep = staffed.get(f"/clients/{made['client_id']}?include=appointments.workers").data
    assert deep["appointments"] == [one]


def test_it_takes_no_more_statements(staffed: Caller, made: Any) -> None:
    assert len(taken(staffed, f"/appointments/{made['id']}?include=workers")) == 2


def test_it_describes_the_relation(staffed: Caller) -> None:
    told = staffed("OPTIONS", "/appointments").data
    assert told["relations"]["workers"] == {"type": "hasMany", "entity": "team", "foreign_key": "worker_ids"}
    assert (told["schema"]["worker_ids"]["type"], told["schema"]["worker_ids"]["maxLength"]) == ("array", 20)


def test_it_needs_the_scope_of_the_records(staffed: Caller, made: Any) -> None:
    reader = staffed.with_scopes("appointments:read")
    assert reader.get(f"/appointments/{made['id']}").data["worker_ids"] == made["worker_ids"]
    refused = reader.get(f"/appointments/{made['id']}?include=workers")
    assert (refused.status, refused.error["details"]) == (403, {"required_scope": "team:read"})


def test_it_names_a_booked_member_in_the_contracts_words(staffed: Caller, team: list[str], made: Any) -> None:
    times = {"starts_at": "2026-03-02T09:59:59Z", "ends_at": "2026-03-02T11:00:00Z"}
    refused = staffed.post("/appointments", {"client_id": made["client_id"], "worker_ids": team[1:2], **times})
    assert (refused.status, refused.error["details"]["field"]) == (409, "worker_ids")
    missing = staffed.patch(f"/appointments/{made['id']}", {"worker_ids": [team[0], "usr_01h455vb4pex5vsknk084sn02q"]})
    assert missing.error["details"]["fields"] == {"worker_ids.1": ["No such member."]}
