"""Rotating and revoking keys: each asks first, and the successor is shown once."""

from typing import Any

import pytest

from apikeys.models import ApiKey
from tenants.routing import using
from tests.admin.conftest import Person, events
from tests.admin.test_issue import KEY
from tests.conftest import ISSUED, Caller


def key_of(caller: Caller) -> ApiKey:
    with using("admin"):
        return ApiKey.objects.filter(tenant=caller.tenant).order_by("created_at")[0]


def page(key: ApiKey, name: str) -> str:
    return f"apikeys/apikey/{key.pk}/{name}/"


def rotate(person: Person, key: ApiKey, grace: str = "24") -> Any:
    answer = person.post(page(key, "rotate"), grace=grace)
    ISSUED.extend(KEY.findall(answer.content.decode()))
    return answer


def test_it_asks_before_it_rotates(seat: Any, acme: Caller) -> None:
    assert "shown once" in seat(acme).text(page(key_of(acme), "rotate"))
    assert key_of(acme).grace_until is None


def test_it_shows_the_successor_once(seat: Any, acme: Caller) -> None:
    answer = rotate(seat(acme), key_of(acme))
    assert answer["Cache-Control"].startswith("no-store, private")
    (fresh,) = set(KEY.findall(answer.content.decode()))
    old, acme.key = acme.key, fresh
    assert acme.get("/clients").status == 200
    acme.key = old
    assert acme.get("/clients").status == 200
    assert len(events(acme.tenant, "api_key.rotated")) == 1


def test_it_ends_the_old_key_at_once_when_asked(seat: Any, acme: Caller) -> None:
    rotate(seat(acme), key_of(acme), grace="0")
    assert acme.get("/clients").status == 401


def test_it_rotates_a_key_once(seat: Any, acme: Caller) -> None:
    person, key = seat(acme), key_of(acme)
    rotate(person, key)
    again = rotate(person, key)
    assert again.status_code == 302
    assert "has a successor already" in person.text(page(key, "change"))
    assert len(events(acme.tenant, "api_key.rotated")) == 1


def test_it_lets_nobody_renew_what_they_may_not_grant(seat: Any, acme: Caller) -> None:
    assert key_of(acme).scopes == ["*:admin"]
    assert rotate(seat(acme, "admin"), key_of(acme)).status_code == 403


def test_it_asks_before_it_revokes(seat: Any, acme: Caller) -> None:
    assert "never works again" in seat(acme).text(page(key_of(acme), "revoke"))
    assert acme.get("/clients").status == 200


def test_it_revokes(seat: Any, acme: Caller) -> None:
    person = seat(acme)
    assert person.post(page(key_of(acme), "revoke"), sure="yes").status_code == 302
    assert acme.get("/clients").status == 401
    assert events(acme.tenant, "api_key.revoked")[0].actor_id == str(person.user.pk)


def test_it_revokes_several_from_the_list(seat: Any, acme: Caller) -> None:
    other, person = acme.with_scopes("read"), seat(acme)
    with using("admin"):
        chosen = list(ApiKey.objects.filter(tenant=acme.tenant).values_list("pk", flat=True))
    asked = person.post("apikeys/apikey/", action="revoke_selected", _selected_action=chosen)
    assert "Revoke 2 keys" in asked.content.decode() and acme.get("/clients").status == 200
    person.post("apikeys/apikey/", action="revoke_selected", _selected_action=chosen, sure="yes")
    assert (acme.get("/clients").status, other.get("/clients").status) == (401, 401)


@pytest.mark.parametrize("name", ["rotate", "revoke"])
def test_it_asks_for_the_right_to_issue(seat: Any, acme: Caller, name: str) -> None:
    for role in ("staff", "viewer"):
        assert seat(acme, role).post(page(key_of(acme), name), sure="yes", grace="0").status_code == 403
    assert acme.get("/clients").status == 200
