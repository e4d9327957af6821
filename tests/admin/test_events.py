"""The audit log: readable, filtered, and closed to every change."""

from typing import Any

import pytest

from tests.admin.conftest import events
from tests.conftest import Caller

LIST = "tenants/event/"


@pytest.fixture
def changed(acme: Caller) -> str:
    made = acme.post("/clients", {"name": "Ada"}).data["id"]
    acme.patch(f"/clients/{made}", {"name": "Ada L", "tags": ["vip"]})
    return str(made)


def test_it_shows_what_was_before_and_after(seat: Any, acme: Caller, changed: str) -> None:
    (event,) = events(acme.tenant, "client.updated")
    page = seat(acme).text(f"{LIST}{event.pk}/change/")
    assert '<td class="kith-before">Ada</td><td class="kith-after">Ada L</td>' in page
    assert changed in page and str(event.address) in page and event.request_id in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"what": "client.updated"}, ["client.updated"]),
        ({"to": "client"}, ["client.updated", "client.created"]),
        ({"what": "nothing"}, []),
        ({"q": "client.u"}, ["client.updated"]),
        ({"occurred_at_from": "2020-01-01", "occurred_at_to": "2020-01-01"}, []),
        ({"occurred_at_from": "2020-01-01", "occurred_at_to": "nonsense"}, ["client.updated", "client.created"]),
    ],
)
def test_it_filters(seat: Any, acme: Caller, changed: str, query: dict[str, str], found: list[str]) -> None:
    page = seat(acme).text(LIST, **query)
    rows = page.partition('id="result_list"')[2]
    assert [kind for kind in ("client.updated", "client.created") if f'">{kind}</span>' in rows] == found


def test_it_filters_by_record_and_actor(seat: Any, acme: Caller, changed: str) -> None:
    person = seat(acme)
    (event,) = events(acme.tenant, "client.updated")
    for query in ({"record": changed}, {"record": event.record_id}, {"actor": event.actor_id}):
        assert '">client.updated</span>' in person.text(LIST, **query), query
    for query in ({"record": "cli_none"}, {"record": "no id"}, {"actor": "Eve"}):
        assert '">client.updated</span>' not in person.text(LIST, **query).partition('id="result_list"')[2], query


def test_it_is_the_history_of_a_record(seat: Any, acme: Caller, changed: str) -> None:
    (event,) = events(acme.tenant, "client.updated")
    answer = seat(acme).get(f"crm/client/{event.record_id}/history/")
    assert answer["Location"] == f"/admin/{LIST}?record={event.record_id}"


def test_it_changes_for_nobody(root: Any, acme: Caller, changed: str) -> None:
    (event,) = events(acme.tenant, "client.updated")
    assert root.get(f"{LIST}add/").status_code == 403
    assert root.post(f"{LIST}{event.pk}/change/", type="nothing").status_code == 403
    assert root.post(f"{LIST}{event.pk}/delete/", post="yes").status_code == 403
    root.post(LIST, action="delete_selected", _selected_action=[event.pk], post="yes")
    assert len(events(acme.tenant, "client.updated")) == 1
