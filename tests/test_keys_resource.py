"""Keys on the wire: by session alone, the whole key once, masked ever after, and never more than its maker may."""

import re
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connections
from django.utils import timezone

from apikeys.issuing import revoke, rotate
from apikeys.models import ApiKey
from crm.contracts.v1 import V1
from crm.registry import RESOURCES
from crm.rest.router import bound_views
from tenants import ids
from tenants.actor import Actor
from tenants.models import Event
from tenants.routing import using
from tests.browsers import Browser, make_browser
from tests.conftest import ISSUED, Answer, Caller
from tests.isolation.matrix import seen

pytestmark = pytest.mark.urls("tests.browsers")
BASE = "/dashboard/v1"
KEY = re.compile(r"kith_(?:live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}")
BODY = {"name": "Mobile App Key", "scopes": ["read", "write"], "expiresAt": "2099-01-01T00:00:00Z"}


def browser_of(caller: Caller, role: str = "owner", *more: Caller) -> Browser:
    return make_browser(caller, role, *more, base=BASE)


def by_key(caller: Caller) -> Caller:
    return Caller(caller.tenant, caller.key, BASE)


def issue(browser: Browser, **fields: Any) -> Answer:
    made = browser.post("/keys", {**BODY, **fields})
    ISSUED.extend(KEY.findall(made.raw.decode()))
    return made


def events(caller: Caller, kind: str) -> list[Event]:
    with using("admin"):
        return list(Event.every_tenant.filter(tenant=caller.tenant, type=kind))


def test_it_shows_the_whole_key_once(acme: Caller) -> None:
    browser = browser_of(acme)
    made = issue(browser)
    assert made.status == 201, made.body
    assert made.body["warning"] == "Save this key securely. It will not be shown again."
    assert KEY.fullmatch(made.data["key"])
    assert made.headers["Cache-Control"] == "no-store"
    assert (made.data["name"], made.data["scopes"], made.data["environment"]) == (
        "Mobile App Key",
        ["read", "write"],
        "live",
    )
    assert made.data["expiresAt"].startswith("2099-01-01T00:00:00")
    (listed,) = [row for row in browser.get("/keys").data if row["id"] == made.data["id"]]
    assert listed == {**made.data, "key": f"{made.data['key'][:18]}…{made.data['key'][-4:]}"}
    assert not KEY.search(browser.get("/keys").raw.decode())


def test_it_makes_a_key_that_works(acme: Caller) -> None:
    made = issue(browser_of(acme), scopes=["customers:read"])
    caller = Caller(acme.tenant, made.data["key"], BASE)
    assert made.data["scopes"] == ["customers:read"]
    assert (caller.get("/customers").status, caller.get("/products").status) == (200, 403)


def test_it_writes_who_issued_and_who_revoked(acme: Caller) -> None:
    browser = browser_of(acme)
    made = issue(browser)
    browser.delete(f"/keys/{made.data['id']}")
    for kind in ("api_key.created", "api_key.revoked"):
        event = events(acme, kind)[-1]
        assert (event.actor_kind, event.actor_id, event.audience) == ("user", str(browser.user.pk), "audit")
        assert made.data["key"][-38:] not in orjson.dumps(event.data).decode()
    with using("admin"):
        assert ApiKey.objects.get(pk=ids.decode("key", made.data["id"])).created_by == browser.user


def test_it_lists_the_fields_of_the_document(acme: Caller) -> None:
    (row,) = browser_of(acme).get("/keys").data
    assert set(row) >= {"id", "name", "key", "scopes", "createdAt", "lastUsedAt", "expiresAt"}
    assert (row["lastUsedAt"], row["expiresAt"], row["scopes"]) == (None, None, ["admin"])
    assert row["key"] == f"{acme.key[:18]}…{acme.key[-4:]}"


def test_it_lists_by_pages_newest_first(acme: Caller) -> None:
    browser = browser_of(acme)
    made = [issue(browser, name=f"Key {number}").data["id"] for number in range(3)]
    page = browser.get("/keys?limit=2")
    assert [row["id"] for row in page.data] == made[:0:-1]
    assert page.body["pagination"]["totalPages"] == 2
    assert [row["name"] for row in browser.get("/keys?sort=name&limit=1").data] == ["Key 0"]
    assert browser.get("/keys?name=Key%201").data[0]["id"] == made[1]
    assert browser.get("/keys?fields=name,key").data[0].keys() == {"name", "key"}


def test_it_makes_keys_of_both_sides(acme: Caller) -> None:
    browser = browser_of(acme)
    made = issue(browser, environment="test")
    assert made.data["key"].startswith("kith_test_")
    assert {row["environment"] for row in browser.get("/keys").data} == {"live", "test"}
    assert [row["id"] for row in browser.get("/keys?environment=test").data] == [made.data["id"]]
    with using("admin"):
        event = Event.every_tenant.filter(tenant=acme.tenant.sandbox, type="api_key.created").get()
    assert event.actor_id == str(browser.user.pk)
    test = Caller(acme.tenant, made.data["key"], BASE)
    by_key(acme).post("/customers", {"name": "Live"})
    assert test.get("/customers").data == []
    assert browser.delete(f"/keys/{made.data['id']}").status == 200
    assert test.get("/customers").status == 401


def test_it_revokes(acme: Caller) -> None:
    browser = browser_of(acme)
    made = issue(browser)
    caller = Caller(acme.tenant, made.data["key"], BASE)
    assert caller.get("/customers").status == 200
    gone = browser.delete(f"/keys/{made.data['id']}")
    assert (gone.status, gone.body) == (200, {"success": True, "message": "API key revoked successfully"})
    assert caller.get("/customers").status == 401
    assert made.data["id"] not in browser.get("/keys").raw.decode()
    assert browser.delete(f"/keys/{made.data['id']}").status == 404


def test_it_lists_no_key_whose_grace_is_over(acme: Caller) -> None:
    actor = Actor.system(acme.tenant, "tests")
    with using("admin"):
        old = ApiKey.objects.get(tenant=acme.tenant)
        one, _ = rotate(old, actor=actor, grace=timedelta(0))
        two, _ = rotate(one, actor=actor)
        revoke(two, actor=actor)
    assert [row["id"] for row in browser_of(acme).get("/keys").data] == [one.public_id]


# Who.


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_it_refuses_every_key(acme: Caller, method: str) -> None:
    own = ids.encode("key", ApiKey.objects.get(tenant=acme.tenant).pk)
    path = f"/keys/{own}" if method == "DELETE" else "/keys"
    answer = by_key(acme)(method, path, BODY if method == "POST" else None)
    assert (answer.status, answer.body["code"]) == (401, "UNAUTHORIZED")
    assert "session" in answer.body["error"]
    # It was counted all the same.
    assert int(answer.headers["X-RateLimit-Remaining"]) == int(answer.headers["X-RateLimit-Limit"]) - 1
    assert by_key(acme).get("/customers").status == 200


def test_it_refuses_a_key_beside_a_session(acme: Caller) -> None:
    assert browser_of(acme).get("/keys", Authorization=f"Bearer {acme.key}").status == 401


def test_it_asks_for_a_session(nobody: Caller) -> None:
    nobody.base = BASE
    assert nobody("GET", "/keys", Authorization="").status == 401


@pytest.mark.parametrize(
    ("role", "statuses"),
    [("viewer", (200, 403, 403)), ("staff", (200, 403, 403)), ("admin", (200, 201, 200)), ("owner", (200, 201, 200))],
)
def test_it_is_managed_by_owners_and_admins(acme: Caller, role: str, statuses: tuple[int, ...]) -> None:
    browser = browser_of(acme, role)
    victim = issue(browser_of(acme)).data["id"]
    answers = [browser.get("/keys"), issue(browser, scopes=["read"]), browser.delete(f"/keys/{victim}")]
    assert tuple(answer.status for answer in answers) == statuses
    may = statuses[1] == 201
    assert browser("OPTIONS", "/keys").data["permissions"] == {"read": True, "write": may, "delete": may}


def test_it_knows_no_scope_of_keys(acme: Caller) -> None:
    answer = issue(browser_of(acme), scopes=["keys:read"])
    assert answer.status == 400


def test_it_is_in_no_contract_without_sessions() -> None:
    assert "keys" not in bound_views(V1, RESOURCES)


# What.


@pytest.mark.parametrize("scopes", [["admin"], ["read", "customers:admin"], ["*"]])
def test_it_grants_no_more_than_the_maker_holds(acme: Caller, scopes: list[str]) -> None:
    refused = issue(browser_of(acme, "admin"), scopes=scopes)
    assert (refused.status, refused.body["code"]) == (403, "INVALID_SCOPE")
    assert refused.body["details"]["requiredScope"] in ("admin", "customers:admin")
    assert refused.body["details"]["requiredScope"] in refused.body["error"]
    assert issue(browser_of(acme, "owner"), scopes=scopes).status == 201


def test_it_lists_every_scope_that_is_none(acme: Caller) -> None:
    refused = issue(browser_of(acme), scopes=["read", "fly", "customers:dance"])
    assert (refused.status, refused.body["code"]) == (400, "VALIDATION_ERROR")
    told = refused.body["details"]["scopes"]
    assert "fly, customers:dance" in told and "customers:read" in told and "clients" not in told


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"scopes": [1]}, "scopes.0"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "soon"}, "expiresAt"),
        ({"environment": "moon"}, "environment"),
        ({"allowedNetworks": ["300.1.1.1"]}, "allowedNetworks.0"),
        ({"key": "kith_live_mine"}, "key"),
        ({"tenant": "x"}, "tenant"),
        ({"perMinute": 1}, "perMinute"),
    ],
)
def test_it_refuses_with_the_field(acme: Caller, fields: dict[str, Any], name: str) -> None:
    refused = issue(browser_of(acme), **fields)
    if name == "key":
        # Read-only, as everywhere: what the server makes is not taken from a body.
        assert refused.data["key"] != "kith_live_mine"
        return
    assert (refused.status, refused.body["code"]) == (400, "VALIDATION_ERROR"), refused.body
    assert name in refused.body["details"]


def test_it_takes_null_for_never(acme: Caller) -> None:
    assert issue(browser_of(acme), expiresAt=None).data["expiresAt"] is None


def test_it_takes_networks(acme: Caller) -> None:
    made = issue(browser_of(acme), allowedNetworks=["203.0.113.7", "2001:db8::/32"])
    assert made.data["allowedNetworks"] == ["203.0.113.7/32", "2001:db8::/32"]
    assert Caller(acme.tenant, made.data["key"], BASE).get("/customers").status == 403


def test_it_keeps_no_new_key_for_a_replay(acme: Caller) -> None:
    browser = browser_of(acme)
    refused = browser.post("/keys", BODY, Idempotency_Key="one")
    assert (refused.status, refused.body["code"]) == (400, "VALIDATION_ERROR")
    assert "Idempotency-Key" in refused.body["error"]
    assert len(browser.get("/keys").data) == 1


# Of others.


def test_it_has_none_of_anothers_keys(acme: Caller, globex: Caller) -> None:
    browser, foreign = browser_of(acme), issue(browser_of(globex)).data
    unknown = ids.encode("key", ids.new())
    assert [row["id"] for row in browser.get("/keys").data] == [
        ids.encode("key", ApiKey.objects.get(tenant=acme.tenant).pk)
    ]
    assert browser.get(f"/keys?id={foreign['id']}").data == []
    assert seen(browser.delete(f"/keys/{foreign['id']}")) == seen(browser.delete(f"/keys/{unknown}"))
    assert Caller(globex.tenant, foreign["key"], BASE).get("/customers").status == 200
    assert browser.get("/keys", X_Organization_Id=globex.tenant.slug).status == 403


def test_it_works_for_the_tenant_that_is_named(acme: Caller, globex: Caller) -> None:
    browser = browser_of(acme, "owner", globex)
    assert browser.post("/keys", BODY).status == 400
    made = browser.post("/keys", BODY, X_Organization_Id=globex.tenant.slug)
    ISSUED.append(made.data["key"])
    assert Caller(globex.tenant, made.data["key"], BASE).get("/customers").status == 200
    assert browser.delete(f"/keys/{made.data['id']}", X_Organization_Id=acme.tenant.slug).status == 404
    assert browser.delete(f"/keys/{made.data['id']}", X_Organization_Id=globex.tenant.slug).status == 200


def test_the_api_cannot_make_keys_by_itself() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('kith_app', 'apikeys_apikey', 'INSERT')")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT has_column_privilege('kith_app', 'apikeys_apikey', 'revoked_at', 'UPDATE')")
        assert cursor.fetchone() == (False,)


def test_it_notes_the_last_use(acme: Caller) -> None:
    by_key(acme).get("/customers")
    (row,) = browser_of(acme).get("/keys").data
    assert row["lastUsedAt"][:10] == timezone.now().date().isoformat()
