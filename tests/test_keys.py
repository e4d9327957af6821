"""Keys: their form, what is stored, scopes, environments, rotation, revocation, expiry, networks."""

import string
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apikeys import secrets
from apikeys.issuing import issue, revoke, rotate
from apikeys.models import ApiKey
from apikeys.scopes import UnknownScope, allows, canonical, normalise
from tenants.actor import Actor
from tenants.models import Event, Tenant
from tenants.routing import using
from tests.conftest import Caller, make_key


def key_of(caller: Caller) -> ApiKey:
    return ApiKey.objects.select_related("tenant").get(digest=secrets.digest(caller.key))


def test_it_has_the_documented_form() -> None:
    secret = secrets.make_secret("live")
    assert secrets.PATTERN.fullmatch(secret.plaintext)
    assert len(secret.plaintext) == 57
    assert secret.plaintext.startswith(secret.prefix)
    assert secrets.is_wellformed(secret.plaintext)


def test_it_tells_every_single_typo() -> None:
    plaintext = secrets.make_secret("test").plaintext
    alphabet = string.ascii_letters + string.digits
    altered = (
        plaintext[:at] + char + plaintext[at + 1 :] for at in range(57) for char in alphabet if char != plaintext[at]
    )
    assert not any(map(secrets.is_wellformed, altered))


def test_it_stores_no_plaintext(acme: Caller) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT to_jsonb(k)::text FROM apikeys_apikey k WHERE tenant_id = %s", [acme.tenant.id])
        rows = " ".join(row[0] for row in cursor.fetchall())
    assert acme.key[-38:] not in rows
    assert key_of(acme).masked == f"{acme.key[:18]}…{acme.key[-4:]}"


def test_it_answers_both_headers_and_refuses_two_different_ones(acme: Caller, globex: Caller) -> None:
    plain = Caller(acme.tenant, "")
    assert plain("GET", "/clients", Authorization="", X_API_Key=acme.key).status == 200
    both = acme.get("/clients", X_API_Key=globex.key)
    assert (both.status, both.error["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer nonsense", "Basic abc", "Bearer kith_live_00000000_" + "0" * 38]
)
def test_it_gives_one_answer_to_every_wrong_key(nobody: Caller, header: str) -> None:
    answer = nobody("GET", "/clients", Authorization=header)
    assert (answer.status, answer.error["code"]) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_it_refuses_a_key_in_the_url(acme: Caller) -> None:
    answer = acme.get(f"/clients?api_key={acme.key}")
    assert answer.status == 400
    assert acme.key not in answer.raw.decode()


def test_it_dies_at_once_when_revoked(acme: Caller) -> None:
    with using("admin"):
        revoke(key_of(acme), actor=Actor.system(acme.tenant, "tests"))
    assert acme.get("/clients").error["code"] == "UNAUTHORIZED"


def test_it_says_when_it_has_expired(acme: Caller) -> None:
    caller = acme.with_scopes("admin", expires_at=timezone.now() + timedelta(minutes=5))
    assert caller.get("/clients").status == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert caller.get("/clients").error["code"] == "EXPIRED_KEY"


def test_it_lives_on_for_its_grace_after_rotation(acme: Caller) -> None:
    with using("admin"):
        successor, plaintext = rotate(key_of(acme), actor=Actor.system(acme.tenant, "tests"), grace=timedelta(hours=1))
    assert Caller(acme.tenant, plaintext).get("/clients").status == 200
    assert acme.get("/clients").status == 200
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert acme.get("/clients").status == 401
        assert Caller(acme.tenant, plaintext).get("/clients").status == 200
    assert successor.rotated_from_id == key_of(acme).id


def test_it_leaves_audit_events(acme: Caller) -> None:
    actor = Actor.system(acme.tenant, "tests")
    with using("admin"):
        key, _ = issue(tenant=acme.tenant, name="x", scopes=["read"], actor=actor)
        rotate(key, actor=actor)
        revoke(key, actor=actor)
        events = Event.every_tenant.filter(tenant=acme.tenant, audience="audit").order_by("txid", "id")
        assert [event.type for event in events][-3:] == ["api_key.created", "api_key.rotated", "api_key.revoked"]
    assert acme.get("/events").data == []


def test_it_belongs_to_one_side(acme: Caller) -> None:
    sandbox = Tenant.objects.get(slug=acme.tenant.slug, environment="test")
    test = Caller(sandbox, make_key(sandbox))
    assert test.key.startswith("kith_test_")
    made = test.post("/clients", {"name": "Only here"}).data
    assert acme.get("/clients").data == []
    assert acme.get(f"/clients/{made['id']}").status == 404
    assert test.get("/clients", X_Organization_Id=acme.tenant.public_id).status == 200


def test_it_lets_a_tenant_header_confirm_but_never_choose(acme: Caller, globex: Caller) -> None:
    assert acme.get("/clients", X_Organization_Id=acme.tenant.slug).status == 200
    foreign = acme.get("/clients", X_Organization_Id=globex.tenant.slug)
    unknown = acme.get("/clients", X_Organization_Id="no-such-tenant")
    assert (foreign.status, foreign.error["code"]) == (403, "FORBIDDEN")
    assert foreign.error["message"] == unknown.error["message"]


def test_it_admits_only_its_networks(acme: Caller) -> None:
    caller = acme.with_scopes("admin", allowed_networks=["203.0.113.0/24"])
    assert caller.get("/clients").status == 403
    caller.client.defaults["REMOTE_ADDR"] = "203.0.113.9"
    assert caller.get("/clients").status == 200


def test_it_notes_its_last_use_at_most_once_a_minute(acme: Caller) -> None:
    acme.get("/clients")
    first = key_of(acme).last_used_at
    acme.get("/clients")
    assert first is not None
    assert key_of(acme).last_used_at == first
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        acme.get("/clients")
    assert key_of(acme).last_used_at > first  # type: ignore[operator]


def test_it_names_the_missing_scope(acme: Caller) -> None:
    refused = acme.with_scopes("clients:read").post("/clients", {"name": "Ada"})
    assert (refused.status, refused.error["code"]) == (403, "INVALID_SCOPE")
    assert refused.error["details"] == {"required_scope": "clients:write"}


@pytest.mark.parametrize(("given_names", "stored"), [
    ("read:customers", ["clients:read"]), ("manage:webhooks", ["webhooks:admin"]),
    ("write:estimates", ["quotes:write"]),
    ("services:read", ["products:read"]), ("read,write", ["*:read", "*:write"]),
    ("admin", ["*:admin"]), ("*", ["*:admin"]),
    ("marketing:write", ["marketing:write"]), ("clients:read,read:customers", ["clients:read"]),
])  # fmt: skip
def test_it_stores_aliases_in_one_form(given_names: str, stored: list[str]) -> None:
    assert normalise(given_names.split(",")) == stored


@pytest.mark.parametrize(
    "name", ["clients:fly", "nothing:read", "READ", "clients:", ":read", "clients:read:write", "*:fly"]
)
def test_it_refuses_unknown_scopes(name: str) -> None:
    with pytest.raises(UnknownScope, match="Known scopes"):
        normalise([name])


SCOPES = st.sampled_from(
    ["clients:read", "clients:write", "invoices:delete", "*:read", "*:write", "clients:admin", "*:admin", "quotes:read"]
)


@given(st.sets(SCOPES), st.sets(SCOPES), SCOPES.filter(lambda scope: "*" not in scope))
def test_it_allows_more_with_more(some: set[str], more: set[str], needed: str) -> None:
    assert not allows(some, needed) or allows(some | more, needed)


@given(SCOPES)
def test_it_has_one_form_for_each(scope: str) -> None:
    assert canonical(canonical(scope)) == canonical(scope)


def test_it_gives_no_right_by_another() -> None:
    assert not allows({"clients:write"}, "clients:read")
    assert not allows({"clients:write"}, "clients:delete")
    assert allows({"clients:admin"}, "clients:delete")
