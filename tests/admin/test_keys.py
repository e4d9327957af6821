"""The pages of keys: what they show, and what they never tell."""

from typing import Any

import pytest

from apikeys.models import ApiKey
from apikeys.usage import counter
from tenants.routing import using
from tests.conftest import Caller


def key_of(caller: Caller) -> ApiKey:
    with using("admin"):
        return ApiKey.objects.filter(tenant=caller.tenant)[0]


def test_it_lists_keys_masked(seat: Any, acme: Caller) -> None:
    page, key = seat(acme).text("apikeys/apikey/"), key_of(acme)
    assert key.masked in page and "*:admin" in page and "active" in page
    assert acme.key not in page


def test_it_never_shows_a_digest(seat: Any, acme: Caller) -> None:
    person, key = seat(acme), key_of(acme)
    for path in ("apikeys/apikey/", f"apikeys/apikey/{key.pk}/change/"):
        page = person.text(path)
        assert "digest" not in page.lower() and bytes(key.digest).hex() not in page


@pytest.mark.parametrize("lookup", ["digest", "digest__startswith", "last4__gt", "created_by__password__startswith"])
def test_it_refuses_to_filter_by_columns(seat: Any, acme: Caller, lookup: str) -> None:
    person = seat(acme)
    person.client.raise_request_exception = False
    assert person.get("apikeys/apikey/", **{lookup: "a"}).status_code == 400


@pytest.mark.parametrize("state", ["active", "rotated", "expired", "revoked"])
def test_it_filters_by_state(seat: Any, acme: Caller, state: str) -> None:
    page = seat(acme).text("apikeys/apikey/", state=state)
    assert (key_of(acme).masked in page) == (state == "active")


def test_it_shows_what_a_key_did(seat: Any, acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"})
    acme.get("/clients/nothing")
    counter.flush()
    page = seat(acme).text(f"apikeys/apikey/{key_of(acme).pk}/change/")
    assert "client.created" in page and made.data["id"] in page
    assert "2 requests" in page and "1 refused" in page


def test_it_offers_no_form(seat: Any, acme: Caller) -> None:
    person, key = seat(acme), key_of(acme)
    assert person.post(f"apikeys/apikey/{key.pk}/change/", name="Other").status_code == 403
    assert person.post(f"apikeys/apikey/{key.pk}/delete/", post="yes").status_code == 403
