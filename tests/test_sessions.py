"""Sessions on the API: who is let in, for which tenant, with which rights, how often, and who is not any more."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.models import ApiKey, DailyUsage
from apikeys.usage import counter
from tenants.actor import Actor
from tenants.membership import change, give_seat, take_seat
from tenants.models import Event, Member
from tenants.routing import using
from tests.browsers import TOKEN, Browser, browse, make_browser, make_member
from tests.conftest import Answer, Caller, make_key
from tests.isolation.matrix import seen
from tests.test_faults import terminate

pytestmark = pytest.mark.urls("tests.browsers")
BASE = "/dashboard/v1"


def browser_of(caller: Caller, role: str = "owner", *more: Caller) -> Browser:
    return make_browser(caller, role, *more, base=BASE)


def refused(answer: Answer, status: int, code: str, *words: str) -> None:
    assert (answer.status, answer.body["code"]) == (status, code), answer.body
    assert [word for word in words if word not in answer.body["error"]] == []


def test_it_lets_a_member_in(acme: Caller) -> None:
    browser = browser_of(acme)
    made = browser.post("/customers", {"name": "Ada"})
    assert made.status == 201, made.body
    assert browser.get(f"/customers/{made.data['id']}").data == made.data
    assert [row["name"] for row in acme_rows(acme)] == ["Ada"]


def test_it_takes_no_session_where_the_contract_does_not(acme: Caller, settings: Any) -> None:
    settings.ROOT_URLCONF = "config.urls"
    answer = browser_of(acme).get("/v1/clients")
    assert (answer.status, answer.error["code"]) == (401, "UNAUTHORIZED")
    assert "/login/" not in answer.error["message"]


def test_it_says_both_ways_in_to_who_shows_nothing(nobody: Caller) -> None:
    nobody.base = BASE
    answer = nobody("GET", "/customers", Authorization="Basic abc")
    refused(answer, 401, "UNAUTHORIZED", "Bearer <key>", "/login/")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "bearer kith_live_00000000_" + "0" * 38])
def test_it_looks_at_no_cookie_beside_a_key(acme: Caller, header: str) -> None:
    refused(browser_of(acme).get("/customers", Authorization=header), 401, "UNAUTHORIZED", "API key")


def test_it_lets_the_key_count_where_both_come(acme: Caller, globex: Caller) -> None:
    made = Caller(globex.tenant, globex.key, BASE).post("/customers", {"name": "Hank"})
    answer = browser_of(acme).get("/customers", Authorization=f"Bearer {globex.key}")
    assert [row["id"] for row in answer.data] == [made.data["id"]]


# Forged requests.


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_it_refuses_a_write_without_the_token(acme: Caller, method: str) -> None:
    browser = browser_of(acme)
    known = browser.post("/customers", {"name": "Ada"}).data["id"]
    path = "/customers" if method == "POST" else f"/customers/{known}"
    for token in ("", "x" * 32):
        refused(browser(method, path, {"name": "Eve"}, X_CSRFToken=token), 403, "FORBIDDEN", "X-CSRFToken", "csrftoken")
    browser.client.cookies.pop("csrftoken")
    refused(browser(method, path, {"name": "Eve"}), 403, "FORBIDDEN", "X-CSRFToken")
    assert [row["name"] for row in acme_rows(acme)] == ["Ada"]


def acme_rows(acme: Caller) -> Any:
    return Caller(acme.tenant, acme.key, BASE).get("/customers").data


def test_it_refuses_a_write_from_another_site(acme: Caller) -> None:
    answer = browser_of(acme).post("/customers", {"name": "Eve"}, Origin="https://evil.example")
    refused(answer, 403, "FORBIDDEN", "evil.example")
    assert acme_rows(acme) == []


def test_it_takes_no_token_out_of_a_form(acme: Caller) -> None:
    browser = browser_of(acme)
    form = {"csrfmiddlewaretoken": TOKEN, "name": "Eve"}
    answer = browser.client.post(f"{BASE}/customers", form)
    assert answer.status_code == 403


def test_it_asks_keys_for_no_token(acme: Caller) -> None:
    browser = browser_of(acme)
    made = browser.post("/customers", {"name": "Ada"}, Authorization=f"Bearer {acme.key}", X_CSRFToken="")
    assert made.status == 201


# Which tenant.


def test_it_chooses_the_only_tenant(acme: Caller) -> None:
    browser = browser_of(acme)
    for name in (acme.tenant.slug, acme.tenant.public_id):
        assert browser.get("/customers", X_Organization_Id=name).status == 200


def test_it_asks_who_has_several_tenants_for_one(acme: Caller, globex: Caller) -> None:
    browser = browser_of(acme, "staff", globex)
    answer = browser.get("/customers")
    refused(answer, 400, "VALIDATION_ERROR", "X-Organization-Id", acme.tenant.slug, globex.tenant.slug)
    assert answer.body["details"]["organizations"] == sorted([acme.tenant.slug, globex.tenant.slug])
    for caller in (acme, globex):
        made = browser.post("/customers", {"name": caller.tenant.slug}, X_Organization_Id=caller.tenant.slug)
        assert made.status == 201
        assert [row["name"] for row in acme_rows(caller)] == [caller.tenant.slug]


def test_it_lets_the_header_choose_among_own_tenants_only(acme: Caller, globex: Caller) -> None:
    browser = browser_of(acme)
    for name, unknown in ((globex.tenant.slug, "no-such-tenant"), (globex.tenant.public_id, "org_" + "0" * 26)):
        foreign = browser.get("/customers", X_Organization_Id=name)
        refused(foreign, 403, "FORBIDDEN", "X-Organization-Id")
        assert seen(foreign) == seen(browser.get("/customers", X_Organization_Id=unknown))


def test_it_is_for_the_live_side(acme: Caller) -> None:
    browser = browser_of(acme)
    made = browser.post("/customers", {"name": "Ada"}).data["id"]
    with using("admin"):
        sandbox = acme.tenant.sandbox
    assert acme.tenant.environment == "live"
    assert browser.get(f"/customers/{made}", X_Organization_Id=f"{sandbox.public_id}").status == 200


def test_it_shows_nothing_of_others(acme: Caller, globex: Caller) -> None:
    theirs = Caller(globex.tenant, globex.key, BASE).post("/customers", {"name": "Hank"}).data["id"]
    browser = browser_of(acme)
    assert browser.get("/customers").data == []
    for method in ("GET", "PATCH", "DELETE"):
        assert browser(method, f"/customers/{theirs}", {"name": "Eve"} if method == "PATCH" else None).status == 404


# What a role allows.


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("viewer", {"read": True, "write": False, "delete": False}),
        ("staff", {"read": True, "write": True, "delete": False}),
        ("admin", {"read": True, "write": True, "delete": True}),
        ("owner", {"read": True, "write": True, "delete": True}),
    ],
)
def test_it_allows_what_the_role_allows(acme: Caller, role: str, allowed: dict[str, bool]) -> None:
    known = Caller(acme.tenant, acme.key, BASE).post("/customers", {"name": "Ada"}).data["id"]
    browser = browser_of(acme, role)
    done = {
        "read": browser.get(f"/customers/{known}"),
        "write": browser.patch(f"/customers/{known}", {"name": "Bob"}),
        "delete": browser.delete(f"/customers/{known}"),
    }
    assert {name: answer.status == 200 for name, answer in done.items()} == allowed
    assert browser("OPTIONS", "/customers").data["permissions"] == allowed
    for name, answer in done.items():
        if not allowed[name]:
            refused(answer, 403, "INVALID_SCOPE", f"customers:{name}")


def test_it_gives_superusers_nothing_without_a_seat(acme: Caller) -> None:
    root = browse(make_member(is_staff=True, is_superuser=True), acme.tenant, BASE)
    refused(root.get("/customers"), 401, "UNAUTHORIZED", "no organization")
    refused(root.get("/customers", X_Organization_Id=acme.tenant.slug), 401, "UNAUTHORIZED")


# Who is let in no more.


def test_it_ends_with_the_log_out(acme: Caller) -> None:
    browser = browser_of(acme)
    assert browser.get("/customers").status == 200
    with using("admin"):
        Session.objects.filter(session_key=browser.client.cookies["sessionid"].value).delete()
    refused(browser.get("/customers"), 401, "UNAUTHORIZED", "/login/")


def seat_of(browser: Browser) -> Member:
    # The last owner cannot go.
    give_seat(user=make_member(), role="owner", actor=Actor.system(browser.tenant, "tests"))
    return Member.every_tenant.get(user=browser.user)


@pytest.mark.parametrize("loss", ["inactive", "password", "seat", "switched off"])
def test_it_ends_at_once(acme: Caller, loss: str) -> None:
    browser = browser_of(acme)
    assert browser.get("/customers").status == 200
    with using("admin"):
        if loss == "inactive":
            browser.user.is_active = False
        if loss == "password":
            browser.user.password = "another"
        browser.user.save()
        if loss == "seat":
            take_seat(seat_of(browser), actor=Actor.system(acme.tenant, "tests"))
        if loss == "switched off":
            change(seat_of(browser), {"active": False}, actor=Actor.system(acme.tenant, "tests"))
    refused(browser.get("/customers"), 401, "UNAUTHORIZED")


def test_it_changes_with_the_role(acme: Caller) -> None:
    browser = browser_of(acme)
    with using("admin"):
        change(seat_of(browser), {"role": "viewer"}, actor=Actor.system(acme.tenant, "tests"))
    refused(browser.post("/customers", {"name": "Ada"}), 403, "INVALID_SCOPE")


def test_it_ends_half_an_hour_after_the_last_call(acme: Caller) -> None:
    browser, started = browser_of(acme), timezone.now()
    for minutes, status in ((20, 200), (40, 200), (71, 401)):
        with time_machine.travel(started + timedelta(minutes=minutes)):
            assert browser.get("/customers").status == status, minutes
            if status == 200:
                assert browser.client.cookies["sessionid"]["max-age"] == 1800


# How often.


def test_it_lets_a_user_call_a_hundred_times_an_hour(acme: Caller, globex: Caller) -> None:
    browser = browser_of(acme, "staff", globex)
    first = browser.get("/customers", X_Organization_Id=acme.tenant.slug)
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("100", "99")
    assert browser("OPTIONS", "/customers", X_Organization_Id=acme.tenant.slug).data["rateLimit"] == {
        "limit": 100,
        "window": "1h",
    }
    # The user is limited, not the session or the tenant.
    again = browse(browser.user, globex.tenant, BASE).get("/customers", X_Organization_Id=globex.tenant.slug)
    assert again.headers["X-RateLimit-Remaining"] == "97"
    answers = [browser.get("/customers", X_Organization_Id=acme.tenant.slug) for _ in range(98)]
    assert {answer.status for answer in answers[:97]} == {200}
    assert answers[97].status == 429
    usual = Caller(acme.tenant, make_key(acme.tenant, per_hour=None), BASE)
    assert usual.get("/customers").headers["X-RateLimit-Limit"] == "1000"


def test_it_counts_no_failed_session_as_a_guess(acme: Caller) -> None:
    browser = browser_of(acme)
    browser.client.cookies["sessionid"] = "x" * 32
    answers = [browser.get("/customers") for _ in range(30)]
    assert {answer.status for answer in answers} == {401}
    assert {answer.headers["X-RateLimit-Remaining"] for answer in answers} == {"20"}


def test_it_answers_unknown_paths_to_every_session(acme: Caller, globex: Caller) -> None:
    browser = browser_of(acme, "staff", globex)
    for method in ("GET", "POST"):
        assert browser(method, "/nowhere", X_CSRFToken="").status == 404


# What is left behind.


def test_it_writes_who_it_was(acme: Caller) -> None:
    browser = browser_of(acme)
    made = browser.post("/customers", {"name": "Ada"})
    event = browser.get(f"/customers/{made.data['id']}/events").data[0]
    assert (event["actorKind"], event["actorId"], event["actorLabel"]) == (
        "user",
        str(browser.user.pk),
        browser.user.username,
    )
    with using("admin"):
        assert Event.every_tenant.get(tenant=acme.tenant, type="client.created").address


def test_it_keeps_idempotency_keys_apart(acme: Caller) -> None:
    one, two = browser_of(acme), browser_of(acme)
    first = one.post("/customers", {"name": "Ada"}, Idempotency_Key="same")
    again = one.post("/customers", {"name": "Ada"}, Idempotency_Key="same")
    other = two.post("/customers", {"name": "Ada"}, Idempotency_Key="same")
    by_key = Caller(acme.tenant, acme.key, BASE).post("/customers", {"name": "Ada"}, Idempotency_Key="same")
    assert again.headers["Idempotent-Replayed"] == "true" and again.data == first.data
    assert len({answer.data["id"] for answer in (first, other, by_key)}) == 3


def test_it_counts_no_key_as_used(acme: Caller) -> None:
    browser_of(acme).get("/customers")
    counter.flush()
    with using("admin"):
        assert not DailyUsage.every_tenant.filter(tenant=acme.tenant).exists()
        assert not ApiKey.objects.filter(tenant=acme.tenant, last_used_at__isnull=False).exists()


@contextmanager
def counted(name: str) -> Iterator[list[str]]:
    """Collect the statements of the block on one connection, apart from those that open and close transactions."""
    found: list[str] = []
    with CaptureQueriesContext(connections[name]) as captured:
        yield found
    statements = [query["sql"].strip() for query in captured.captured_queries]
    found += [sql for sql in statements if sql.startswith(("SELECT", "UPDATE"))]


def test_it_reads_the_session_beside_the_request(acme: Caller) -> None:
    browser = browser_of(acme)
    known = browser.post("/customers", {"name": "Ada"}).data["id"]
    with counted("default") as requested, counted("admin") as beside:
        assert browser.get(f"/customers/{known}").status == 200
    assert len(requested) == 2, requested
    # The session, the account, its seats; then the session's new end.
    assert [sql.split()[0] for sql in beside] == ["SELECT"] * 3 + ["UPDATE"], beside


def test_it_asks_nothing_of_the_staffs_connection_for_a_key(acme: Caller) -> None:
    browser = browser_of(acme)
    known = browser.post("/customers", {"name": "Ada"}).data["id"]
    by_key = {"Authorization": f"Bearer {acme.key}"}
    browser.get(f"/customers/{known}", **by_key)
    with counted("default") as requested, counted("admin") as beside:
        assert browser.get(f"/customers/{known}", **by_key).status == 200
    assert (len(requested), beside) == (2, [])


def test_the_api_cannot_read_sessions_and_accounts() -> None:
    for table in ("django_session", "auth_user"):
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT has_table_privilege('kith_app', %s, 'SELECT')", [table])
            assert cursor.fetchone() == (False,)


def test_it_survives_a_lost_staff_connection(acme: Caller) -> None:
    browser = browser_of(acme)
    assert browser.get("/customers").status == 200
    terminate("admin")
    assert browser.get("/customers").status == 200
