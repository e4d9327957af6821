"""Leads: who may be reached, the states they go through, and how they become clients, once."""

from typing import Any
from uuid import uuid4

import pytest

from tenants import ids
from tests.conftest import Caller, seat
from tests.crowd import at_once


def lead(caller: Caller, **fields: Any) -> Any:
    made = caller.post("/leads", {"email": "grace@example.com", **fields})
    assert made.status == 201, made.body
    return made.data


def test_it_keeps_what_a_lead_says(acme: Caller) -> None:
    body = {
        "name": "Grace Hopper", "phone": "(415) 555-2671", "company": "Navy", "message": "The tap drips.",
        "source": "website", "score": 80, "fields": {"client_id": "mine"},
        "attribution": {"utm_source": "google", "referrer": "a page"},
    }  # fmt: skip
    made = lead(acme, **body)
    assert (made["status"], made["phone"], made["fields"]) == ("new", "+14155552671", {"client_id": "mine"})
    assert made["attribution"]["utm_source"] == "google" and made["attribution"]["landing_page"] is None
    assert (made["client_id"], made["client_found"], made["converted_at"]) == (None, None, None)
    assert acme.get(f"/leads/{made['id']}").data == made
    assert acme.get("/leads?search=hopper&status=new&source=website&score[gte]=80").data == [made]


def test_it_wants_an_address_or_a_number(acme: Caller) -> None:
    for body in ({}, {"name": "Grace"}, {"email": None}, {"email": " ", "phone": ""}):
        refused = acme.post("/leads", body)
        assert (refused.status, refused.error["details"]["field"]) == (400, "email"), body
        assert "At least one is required: email or phone." in refused.error["message"]
    path = f"/leads/{lead(acme)['id']}"
    assert acme.patch(path, {"email": None}).status == 400
    assert acme.patch(path, {"email": None, "phone": "+14155552671"}).status == 200
    assert acme.patch(path, {"name": "Grace"}).status == 200


@pytest.mark.parametrize(
    "body", [{"score": 101}, {"score": -1}, {"status": "converted"}, {"client_id": "x", "owner_id": "x"}]
)
def test_it_refuses_what_does_not_fit(acme: Caller, body: dict[str, Any]) -> None:
    assert acme.post("/leads", {"email": "grace@example.com", **body}).status == 400


def test_it_moves_along_its_table(acme: Caller) -> None:
    path = f"/leads/{lead(acme)['id']}"
    for status in ("contacted", "qualified", "lost", "contacted", "spam", "new"):
        assert acme.patch(path, {"status": status}).data["status"] == status
    refused = acme.patch(path, {"status": "converted"})
    assert (refused.status, refused.error["code"]) == (409, "INVALID_TRANSITION")
    assert refused.error["details"]["allowed"] == ["contacted", "qualified", "lost", "spam"]


def test_it_belongs_to_a_member_of_its_tenant(acme: Caller, globex: Caller) -> None:
    owner = ids.encode("usr", seat(acme.tenant).pk)
    made = lead(acme, owner_id=owner)
    assert made["owner_id"] == owner
    assert acme.get(f"/leads?owner_id={owner}").data == [made]
    refused = acme.patch(f"/leads/{made['id']}", {"owner_id": ids.encode("usr", seat(globex.tenant).pk)})
    assert (refused.status, refused.error["details"]["field"]) == (400, "owner_id")


def test_it_makes_a_client(acme: Caller) -> None:
    made = lead(acme, name="Grace Hopper", phone="+14155552671", company="Navy", message="The tap drips.")
    converted = acme.post(f"/leads/{made['id']}/convert").data
    assert (converted["status"], converted["client_found"]) == ("converted", False)
    assert converted["converted_at"] is not None
    client = acme.get(f"/leads/{made['id']}?include=client").data["client"]
    assert client["id"] == converted["client_id"]
    names = ("name", "type", "company_name", "email", "phone", "notes")
    expected = ["Grace Hopper", "person", "Navy", "grace@example.com", "+14155552671", "The tap drips."]
    assert [client[name] for name in names] == expected
    assert [event["type"] for event in acme.get("/events").data if event["resource"] != "api_key"] == [
        "lead.created", "client.created", "lead.converted",
    ]  # fmt: skip


@pytest.mark.parametrize("known", [{"email": "GRACE@Example.com"}, {"phone": "+14155552671"}])
def test_it_finds_the_client_with_the_same_address_or_number(acme: Caller, globex: Caller, known: Any) -> None:
    globex.post("/clients", {"name": "Not ours", **known})
    client = acme.post("/clients", {"name": "Grace", **known}).data
    made = lead(acme, phone="+1 415 555 2671")
    converted = acme.post(f"/leads/{made['id']}/convert", {}).data
    assert (converted["client_id"], converted["client_found"]) == (client["id"], True)
    assert acme.get("/clients").body["pagination"]["total"] == 1


def test_it_takes_the_client_that_is_chosen(acme: Caller, globex: Caller) -> None:
    acme.post("/clients", {"name": "Grace", "email": "grace@example.com"})
    other = acme.post("/clients", {"name": "Her firm"}).data["id"]
    path = f"/leads/{lead(acme)['id']}/convert"
    foreign = globex.post("/clients", {"name": "Hank"}).data["id"]
    assert acme.post(path, {"client_id": foreign}).status == 400
    converted = acme.post(path, {"client_id": other}).data
    assert (converted["client_id"], converted["client_found"]) == (other, True)
    refused = acme.delete(f"/clients/{other}")
    assert (refused.status, refused.error["details"]["referenced_by"]) == (409, {"leads": 1})


def test_it_converts_no_spam_and_nothing_twice(acme: Caller) -> None:
    made = lead(acme)
    path = f"/leads/{made['id']}"
    acme.patch(path, {"status": "spam"})
    refused = acme.post(f"{path}/convert")
    assert (refused.status, refused.error["details"]) == (409, {"status": "spam", "allowed": ["new"]})
    acme.patch(path, {"status": "new"})
    assert acme.post(f"{path}/convert").status == 200
    again = acme.post(f"{path}/convert")
    assert (again.status, again.error["code"], again.error["details"]["allowed"]) == (409, "INVALID_TRANSITION", [])
    assert acme.patch(path, {"status": "new"}).status == 409
    assert acme.patch(path, {"name": "Grace"}).status == 200


def test_it_converts_one_lead_once_under_twenty(acme: Caller) -> None:
    made = lead(acme)
    answers = at_once(20, lambda _: acme.post(f"/leads/{made['id']}/convert").status)
    assert sorted(answers) == [200] + [409] * 19
    assert acme.get("/clients").body["pagination"]["total"] == 1


def test_it_makes_one_client_of_twenty_leads_of_one_person(acme: Caller) -> None:
    numbers = ["+14155552671", None]
    made = [
        lead(acme, email=("GRACE@example.com", "grace@example.com")[index % 2], phone=numbers[index % 2])["id"]
        for index in range(20)
    ]
    answers = at_once(20, lambda index: acme.post(f"/leads/{made[index]}/convert"))
    assert [answer.status for answer in answers] == [200] * 20
    assert len({answer.data["client_id"] for answer in answers}) == 1
    assert sorted(answer.data["client_found"] for answer in answers) == [False] + [True] * 19
    assert acme.get("/clients").body["pagination"]["total"] == 1


def test_it_does_not_lock_itself_in(acme: Caller) -> None:
    """Addresses and numbers crosswise: whoever held one and waited for the other would wait for ever."""
    pairs = [("a@example.com", "+14155552671"), ("b@example.com", "+14155552672")]
    made = [
        lead(acme, email=pairs[index % 2][0], phone=pairs[(index // 2) % 2][1], name=uuid4().hex)["id"]
        for index in range(16)
    ]
    answers = at_once(16, lambda index: acme.post(f"/leads/{made[index]}/convert").status)
    assert answers == [200] * 16
