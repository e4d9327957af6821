"""Activities, and the feed in which a client's activities and events stand together."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.db.models import Q

from crm.resources.activities.feed import entries
from crm.resources.clients.models import Client
from crm.rest import writes
from tenants import ids
from tenants.actor import Actor
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.rest.test_statements import taken


@pytest.fixture
def client(acme: Caller) -> str:
    return str(acme.post("/clients", {"name": "Ada", "currency": "EUR"}).data["id"])


def log(caller: Caller, record_id: str, **more: Any) -> Any:
    made = caller.post("/activities", {"subject": "Called back", "record_id": record_id, **more})
    assert made.status == 201, made.body
    return made.data


def feed(caller: Caller, client: str, query: str = "") -> Any:
    found = caller.get(f"/clients/{client}/activity{query}")
    assert found.status == 200, found.body
    return found.body


def bill(caller: Caller, client: str) -> str:
    lines = [{"description": "Work", "rate": "10"}]
    return str(caller.post("/invoices", {"client_id": client, "line_items": lines}).data["id"])


def test_it_knows_who_logged_it_and_when(acme: Caller, client: str) -> None:
    note = log(acme, client)
    assert (note["kind"], note["record_id"], note["direction"]) == ("note", client, None)
    assert note["author"].startswith("test (kith_live_")
    assert note["author_id"].startswith("key_")
    assert datetime.now(UTC) - datetime.fromisoformat(note["occurred_at"]) < timedelta(minutes=1)
    assert log(acme, client, author="Eve", author_id="key_1")["author"] == note["author"]


def test_it_keeps_a_call_whole(acme: Caller, client: str) -> None:
    call = log(
        acme, client, kind="call", body="Wants a quote.", occurred_at="2026-01-31T10:00:00+01:00", duration_minutes=12,
        direction="in",
    )  # fmt: skip
    assert call["occurred_at"] == "2026-01-31T09:00:00Z"
    assert acme.get(f"/activities/{call['id']}").data == call
    changed = acme.patch(f"/activities/{call['id']}", {"duration_minutes": 15, "direction": None}).data
    assert (changed["duration_minutes"], changed["direction"]) == (15, None)
    assert acme.delete(f"/activities/{call['id']}").status == 200
    types = [event["type"] for event in acme.get(f"/activities/{call['id']}/events").data]
    assert types == ["activity.created", "activity.updated", "activity.deleted"]


@pytest.mark.parametrize("value", ["nope", 5, None, "inv_01kb1z5dpgf8fst3kabe67tkh1", "01kb1z5dpgf8fst3kabe67tkh1", ""])
def test_it_takes_only_ids_of_its_kinds(acme: Caller, value: Any) -> None:
    refused = acme.post("/activities", {"subject": "x", "record_id": value})
    assert (refused.status, refused.error["details"]["field"]) == (400, "record_id")


def test_it_refuses_a_record_that_is_not_there(acme: Caller, globex: Caller) -> None:
    foreign = globex.post("/clients", {"name": "Gil"}).data["id"]
    for value in (foreign, ids.encode("cli", ids.new())):
        refused = acme.post("/activities", {"subject": "x", "record_id": value})
        assert refused.error["message"] == "record_id: No such client."
    for value in (str(ids.decode("cli", foreign)), str(uuid4())):
        refused = acme.post("/activities", {"subject": "x", "record_id": value})
        assert refused.error["message"] == "record_id: No such record."


def test_it_takes_a_bare_uuid_and_shows_the_whole_id(acme: Caller, client: str) -> None:
    uuid = str(ids.decode("cli", client))
    assert log(acme, uuid)["record_id"] == client
    for value in (client, uuid):
        assert len(acme.get(f"/activities?record_id={value}").data) == 1
        assert len(acme.get(f"/activities?record_id[in]={value},{client}").data) == 1
        assert acme.get(f"/activities?record_id[ne]={value}").data == []


def test_it_stays_when_the_client_goes(acme: Caller, client: str) -> None:
    note = log(acme, client)
    assert acme.delete(f"/clients/{client}").status == 200
    assert acme.get(f"/activities/{note['id']}").data == note
    assert [item["id"] for item in acme.get(f"/activities?record_id={client}").data] == [note["id"]]
    assert acme.get(f"/clients/{client}/activity").status == 404


def test_a_feed_joins_what_was_logged_and_what_happened(acme: Caller, client: str) -> None:
    invoice = bill(acme, client)
    acme.post(f"/invoices/{invoice}/send")
    call = log(acme, client, kind="call", subject="Thanked us", direction="in", duration_minutes=3)
    acme.patch(f"/clients/{client}", {"phone": "+43 1 2345678", "tags": ["vip"]})
    number = acme.get(f"/invoices/{invoice}").data["number"]
    found = feed(acme, client)["data"]
    assert [(item["type"], item["title"], item["record_id"]) for item in found] == [
        ("client.updated", "Client Ada updated", client),
        ("call", "Thanked us", client),
        ("invoice.sent", f"Invoice {number} sent", invoice),
        ("invoice.created", "Invoice created", invoice),
        ("client.created", "Client Ada created", client),
    ]
    assert found[0]["data"] == {"changed": ["phone", "tags"]}
    assert found[1]["id"] == call["id"]
    assert found[1]["data"] == {"body": None, "direction": "in", "duration_minutes": 3}
    assert {item["actor"] for item in found} == {call["author"]}
    assert acme.get(f"/events/{found[0]['id']}").data["type"] == "client.updated"


def test_a_feed_has_nothing_of_others(acme: Caller, globex: Caller, client: str) -> None:
    other = acme.post("/clients", {"name": "Other"}).data["id"]
    log(acme, other)
    bill(acme, other)
    assert [item["type"] for item in feed(acme, client)["data"]] == ["client.created"]
    assert globex.get(f"/clients/{client}/activity").status == 404


def test_a_feed_shows_what_the_key_may_read(acme: Caller, client: str) -> None:
    bill(acme, client)
    log(acme, client)
    both = acme.with_scopes("clients:read", "activities:read")
    assert [item["type"] for item in feed(both, client)["data"]] == ["note", "client.created"]
    for scope, missing in (("clients:read", "activities:read"), ("activities:read", "clients:read")):
        refused = acme.with_scopes(scope).get(f"/clients/{client}/activity")
        assert (refused.status, refused.error["details"]["required_scope"]) == (403, missing)


def test_a_feed_is_read_page_by_page_while_it_grows(acme: Caller, client: str) -> None:
    # Many at one moment: the id alone tells them apart.
    moment = "2026-01-31T09:00:00Z"
    logged = [log(acme, client, occurred_at=moment)["id"] for _ in range(5)]
    bill(acme, client)
    whole = [item["id"] for item in feed(acme, client)["data"]]
    assert whole[-5:] == logged[::-1]
    page: Any = None
    read, query = [], "?limit=2"
    for _ in range(10):
        page = feed(acme, client, query)
        read += [item["id"] for item in page["data"]]
        log(acme, client, subject="Came in between")
        if not page["pagination"]["has_more"]:
            break
        query = f"?limit=2&cursor={page['pagination']['next_cursor']}"
    assert read == whole
    assert page["pagination"] == {"limit": 2, "has_more": False, "next_cursor": None}


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "cursor=x", "offset=1", "sort=at", "limit=1&limit=2"])
def test_a_feed_refuses_what_it_does_not_know(acme: Caller, client: str, query: str) -> None:
    refused = acme.get(f"/clients/{client}/activity?{query}")
    assert (refused.status, refused.error["details"]["field"]) == (400, query.partition("=")[0])


def test_a_cursor_belongs_to_its_feed(acme: Caller, client: str) -> None:
    other = acme.post("/clients", {"name": "Other"}).data["id"]
    acme.patch(f"/clients/{client}", {"name": "Ada L."})
    cursor = feed(acme, client, "?limit=1")["pagination"]["next_cursor"]
    assert acme.get(f"/clients/{other}/activity?cursor={cursor}").status == 400
    assert feed(acme, client, "?limit=1000")["pagination"]["limit"] == 100


def test_a_feed_takes_three_statements(acme: Caller, client: str) -> None:
    for _ in range(30):
        log(acme, client)
        bill(acme, client)
    cursor = feed(acme, client, "?limit=30")["pagination"]["next_cursor"]
    assert len(taken(acme, f"/clients/{client}/activity?limit=100")) == 3
    assert len(taken(acme, f"/clients/{client}/activity?limit=20&cursor={cursor}")) == 3


def test_a_feed_finds_its_events_by_their_index(acme: Caller, client: str) -> None:
    log(acme, client)
    with tenant_scope(acme.tenant.id):
        for number in range(300):
            writes.create(Client(name=f"Client {number}"), actor=Actor.system(acme.tenant, "tests"))
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE tenants_event, crm_activity")
    with tenant_scope(acme.tenant.id), connections["default"].execute_wrapper(explained := Explainer()):
        assert len(entries(acme.tenant, [client], None, 10, Q(resource__in=["client"]))) == 2
    assert "event_about" in explained.plan
    # It has the order too: a page costs a page, however long the story is.
    assert "Sort Key: tenants_event" not in explained.plan


class Explainer:
    """Keeps the plan of the last statement."""

    plan = ""

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        context["cursor"].cursor.execute(f"EXPLAIN {sql}", params)
        self.plan = "\n".join(row[0] for row in context["cursor"].cursor.fetchall())
        return execute(sql, params, many, context)
