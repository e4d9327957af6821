"""Issuing a key: it is shown once and in one place, and holds nothing that its issuer may not grant."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from apikeys.models import ApiKey
from tenants.routing import using
from tests.admin.conftest import Person, events
from tests.conftest import ISSUED, Caller

ADD = "apikeys/apikey/add/"
KEY = re.compile(r"kith_(?:live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}")


def form(person: Person, caller: Caller, **fields: Any) -> dict[str, Any]:
    """Return the filled-in form of a page."""
    ticket = re.search(r'name="ticket" value="([^"]+)"', person.text(ADD))
    assert ticket
    plain = {"name": "Shop", "tenant": caller.tenant.pk, "environment": "live", "scopes": ["clients:read"]}
    return {**plain, "expiry": "90", "networks": "", "ticket": ticket[1], **fields}


def send(person: Person, caller: Caller, **fields: Any) -> Any:
    response = person.post(ADD, **form(person, caller, **fields))
    ISSUED.extend(KEY.findall(response.content.decode()))
    return response


def keys(caller: Caller) -> list[ApiKey]:
    with using("admin"):
        return list(ApiKey.objects.filter(tenant__slug=caller.tenant.slug).exclude(name="test"))


def test_it_shows_the_key_once(seat: Any, acme: Caller) -> None:
    person = seat(acme)
    answer = send(person, acme)
    shown = set(KEY.findall(answer.content.decode()))
    assert len(shown) == 1
    assert answer["Cache-Control"].startswith("no-store, private")
    (key,) = keys(acme)
    page = person.text(f"apikeys/apikey/{key.pk}/change/")
    assert key.masked in page and not KEY.search(page)
    for path in (
        "",
        "apikeys/apikey/",
        "tenants/event/",
        f"tenants/event/{events(acme.tenant, 'api_key.created')[-1].pk}/change/",
    ):
        assert not KEY.search(person.text(path)), path


def test_it_makes_a_key_that_works(seat: Any, acme: Caller) -> None:
    answer = send(seat(acme), acme)
    acme.key = KEY.findall(answer.content.decode())[0]
    assert acme.get("/clients").status == 200
    assert f'-H "Authorization: Bearer {acme.key}"'.replace('"', "&quot;") in answer.content.decode()
    assert acme.post("/clients", {"name": "Ada"}).status == 403


def test_it_keeps_the_key_out_of_session_cookies_and_messages(seat: Any, acme: Caller) -> None:
    person = seat(acme)
    answer = send(person, acme)
    assert not any(KEY.search(str(morsel)) for morsel in answer.cookies.values())
    with using("admin"):
        sessions = [session.get_decoded() for session in Session.objects.all()]
    assert not KEY.search(str(sessions))


def test_it_makes_one_key_of_a_form_sent_twice(seat: Any, acme: Caller) -> None:
    person = seat(acme)
    filled = form(person, acme)
    first = person.post(ADD, **filled)
    again = person.post(ADD, **filled)
    ISSUED.extend(KEY.findall(first.content.decode()))
    assert again.status_code == 302 and "/apikeys/apikey/" in again["Location"]
    assert len(keys(acme)) == 1


def test_it_refuses_a_ticket_of_its_own_making(seat: Any, acme: Caller) -> None:
    answer = send(seat(acme), acme, ticket="01a20f06-0000-7000-8000-000000000000")
    assert "too old" in answer.content.decode() and keys(acme) == []


def test_it_writes_who_issued(seat: Any, acme: Caller) -> None:
    person = seat(acme)
    send(person, acme)
    event = events(acme.tenant, "api_key.created")[-1]
    assert (event.actor_kind, event.actor_id, event.actor_label) == ("user", str(person.user.pk), person.user.username)
    assert event.request_id.startswith("req_") and event.address


def test_it_takes_the_side_end_limits_and_networks(seat: Any, acme: Caller) -> None:
    own = {"per_minute": "5", "per_hour": "", "per_day": "700", "networks": "203.0.113.7\n2001:db8::/32"}
    send(seat(acme), acme, environment="test", expiry="30", **own)
    (key,) = keys(acme)
    assert (key.environment, key.tenant.environment) == ("test", "test")
    assert (key.per_minute, key.per_hour, key.per_day) == (5, None, 700)
    assert key.allowed_networks == ["203.0.113.7/32", "2001:db8::/32"]
    assert key.expires_at
    assert timedelta(days=29) < key.expires_at - timezone.now() < timedelta(days=31)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"networks": "300.1.1.1"}, "is no network"),
        ({"expiry": "custom"}, "not over"),
        ({"expiry": "custom", "last_day": "2020-01-01"}, "not over"),
        ({"scopes": []}, "can do nothing"),
        ({"scopes": ["zebras:read"]}, "not one of the available choices"),
        ({"scopes": ["admin"]}, "Tick this too"),
        ({"name": " "}, "required"),
        ({"per_minute": "0"}, "greater than or equal to 1"),
    ],
)
def test_it_refuses_with_a_reason(seat: Any, acme: Caller, fields: dict[str, Any], message: str) -> None:
    answer = send(seat(acme), acme, **fields)
    assert answer.status_code == 200 and message in answer.content.decode()
    assert keys(acme) == []


def test_it_ends_a_key_after_its_last_day(seat: Any, acme: Caller) -> None:
    last = timezone.now().date() + timedelta(days=3)
    send(seat(acme), acme, expiry="custom", last_day=last.isoformat())
    (key,) = keys(acme)
    assert key.expires_at and key.expires_at.date() == last + timedelta(days=1)


def test_it_grants_everything_only_with_a_second_tick(seat: Any, acme: Caller) -> None:
    send(seat(acme, "owner"), acme, scopes=["admin"], sure="on")
    assert keys(acme)[0].scopes == ["*:admin"]


def test_it_lets_nobody_grant_more_than_they_may(seat: Any, acme: Caller) -> None:
    answer = send(seat(acme, "admin"), acme, scopes=["admin"], sure="on")
    assert "You may not grant admin" in answer.content.decode() and keys(acme) == []
    send(seat(acme, "admin", "apikeys.grant_admin"), acme, scopes=["admin"], sure="on")
    assert keys(acme)[0].scopes == ["*:admin"]


@pytest.mark.parametrize("role", ["staff", "viewer"])
def test_it_asks_for_the_right_to_issue(seat: Any, acme: Caller, role: str) -> None:
    assert seat(acme, role).get(ADD).status_code == 403
    permitted = seat(acme, role, "apikeys.issue_apikey")
    send(permitted, acme)
    assert len(keys(acme)) == 1


def test_it_issues_for_own_tenants_only(seat: Any, acme: Caller, globex: Caller) -> None:
    answer = send(seat(acme, "owner", "apikeys.issue_apikey"), globex)
    assert "not one of the available choices" in answer.content.decode()
    assert keys(globex) == []
