"""The intake of leads at a tenant's own address: whose it is, what it takes, and what browsers are told."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from crm.intake.site import decide, origin_of, slug_of
from tenants.actor import Actor
from tenants.routing import using
from tests.conftest import Answer, Caller, make_key
from tests.crowd import at_once

PATH = "/api/leads/intake"
SITE = "https://www.acme.example"
MISSING = {"error": "invalid_api_key", "message": "API key is missing or does not match."}
FORM = "application/x-www-form-urlencoded"


def host_of(caller: Caller) -> str:
    return f"{caller.tenant.slug}.localtest.me"


@pytest.fixture
def form(acme: Caller) -> Caller:
    """Return a caller of Acme's own address with a key that may only send leads."""
    caller = acme.with_scopes("leads:write")
    caller.headers["Host"] = host_of(acme)
    return caller


@pytest.fixture
def site(acme: Caller) -> None:
    """Let Acme's web site send, and lay a trap."""
    with using("admin"):
        actor = Actor.system(acme.tenant, "tests")
        decide(allowed_origins=[SITE, "http://localhost:9000"], honeypot_field="website_url", actor=actor)


def send(form: Caller, fields: dict[str, Any] | str, kind: str = FORM, method: str = "POST", **headers: str) -> Any:
    """Send a form as a browser does: no key in any header."""
    sent = {"Host": form.headers["Host"], **{name.replace("_", "-"): value for name, value in headers.items()}}
    content = fields if isinstance(fields, str) else urlencode(fields, doseq=True)
    return form.client.generic(method, PATH, content, content_type=kind, headers=sent)


def lead(acme: Caller, answer: Answer) -> Any:
    return acme.get(f"/leads/{answer.data['id']}").data


def test_it_takes_a_lead(acme: Caller, form: Caller) -> None:
    made = form.post(PATH, {"name": "Grace", "email": "grace@Example.com", "phone": "(415) 555-2671"})
    assert made.status == 201
    assert list(made.body) == ["data"] and list(made.data) == ["id", "status", "created_at"]
    assert made.data["status"] == "new" and "Location" not in made.headers
    stored = lead(acme, made)
    assert (stored["email"], stored["phone"], stored["source"]) == ("grace@example.com", "+14155552671", "website")


def test_it_keeps_fields_that_it_does_not_know(acme: Caller, form: Caller) -> None:
    more = {"budget": "8000", "status": "qualified", "owner_id": "x", "id": "mine", "rooms": [1, {"a": None}]}
    assert lead(acme, form.post(PATH, {"email": "grace@example.com", **more}))["fields"] == more


def test_it_keeps_what_led_the_person_here(acme: Caller, form: Caller) -> None:
    body = {"email": "grace@example.com", "utm_source": "google", "utm_campaign": "spring", "landing_page": f"{SITE}/a"}
    told = lead(acme, form.post(PATH, body, Referer=f"{SITE}/form"))["attribution"]
    assert (told["utm_source"], told["utm_campaign"], told["utm_term"]) == ("google", "spring", None)
    assert (told["referrer"], told["landing_page"]) == (f"{SITE}/form", f"{SITE}/a")
    assert told["submitted_at"].endswith("Z")
    given = {"email": "g@example.com", "referrer": "https://a.example/", "submitted_at": "2026-01-31T12:00:00+01:00"}
    told = lead(acme, form.post(PATH, given, Referer=f"{SITE}/form"))["attribution"]
    assert (told["referrer"], told["submitted_at"]) == ("https://a.example/", "2026-01-31T11:00:00Z")


@pytest.mark.parametrize(("body", "field"), [
    ({}, "email"), ({"name": "Grace"}, "email"), ({"email": "nope"}, "email"), ({"phone": "12"}, "phone"),
    ({"email": 1}, "email"), ({"email": "a@example.com", "message": "x" * 10_001}, "message"),
    ({"email": "a@example.com", "submitted_at": "soon"}, "submitted_at"),
])  # fmt: skip
def test_it_says_what_does_not_fit(form: Caller, body: Any, field: str) -> None:
    refused = form.post(PATH, body)
    assert (refused.status, list(refused.body)) == (400, ["error", "message", "details"])
    assert refused.error == "invalid_request"
    assert [list(item) for item in refused.body["details"]] == [["field", "message"]]
    assert refused.body["details"][0]["field"] == field


@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff", b'{"a":1,"a":2}'])
def test_it_lists_details_of_bodies_that_cannot_be_read(form: Caller, raw: bytes) -> None:
    refused = form.post(PATH, raw)
    assert (refused.status, refused.error) == (400, "invalid_request")
    assert refused.body["details"]


def test_it_wants_the_tenants_own_key(acme: Caller, globex: Caller, nobody: Caller) -> None:
    for key in ("", "nope", globex.key, f"{acme.key[:-1]}x"):
        for headers in ({"X_API_Key": key}, {"Authorization": f"Bearer {key}"}):
            caller = Caller(acme.tenant, key, headers={"Host": host_of(acme)})
            caller.headers |= {"Authorization": ""}
            refused = caller.post(PATH, {"email": "grace@example.com"}, **headers)
            assert (refused.status, refused.body) == (401, MISSING)
    assert acme.get("/leads").data == globex.get("/leads").data == []


@pytest.mark.parametrize("host", [
    "nope.localtest.me", "localhost", "localtest.me", "127.0.0.1:8000", "a.b.localtest.me", "admin.localtest.me",
])  # fmt: skip
def test_it_knows_no_tenant_elsewhere(acme: Caller, host: str) -> None:
    refused = acme.post(PATH, {"email": "grace@example.com"}, Host=host)
    assert (refused.status, refused.error) == (404, "tenant_not_found")
    assert list(refused.body) == ["error", "message"] and "<slug>.localtest.me" in refused.body["message"]


def test_it_stands_for_both_sides(acme: Caller) -> None:
    with using("admin"):
        sandbox = acme.tenant.sandbox
    caller = Caller(sandbox, make_key(sandbox), headers={"Host": f"{host_of(acme).upper()}:8000"})
    made = caller.post(PATH, {"email": "grace@example.com"})
    assert made.status == 201
    assert len(caller.get("/leads").data) == 1 and acme.get("/leads").data == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_it_takes_post_alone(form: Caller, method: str) -> None:
    for answer in (form(method, PATH), Caller(form.tenant, "", headers=dict(form.headers))(method, PATH)):
        assert answer.status == 405 and answer.headers["Allow"] == "POST, OPTIONS"
        assert method == "HEAD" or answer.error == "method_not_allowed"


@pytest.mark.parametrize("path", ["", "/", "/intake/", "/intake/x", "/intake/x/convert", "/intake/x/events", "/other"])
def test_it_has_one_path(form: Caller, path: str) -> None:
    answer = form.post(f"/api/leads{path}", {"email": "grace@example.com"})
    if path == "/intake/":
        assert answer.status == 201
        return
    assert (answer.status, answer.error, list(answer.body)) == (404, "not_found", ["error", "message"])


def test_it_needs_the_scope(acme: Caller) -> None:
    caller = acme.with_scopes("leads:read", "clients:write")
    refused = caller.post(PATH, {"email": "grace@example.com"}, Host=host_of(acme))
    assert (refused.status, refused.error) == (403, "invalid_scope")
    assert "leads:write" in refused.body["message"]


def test_it_makes_two_of_two(acme: Caller, form: Caller) -> None:
    for _ in range(2):
        assert form.post(PATH, {"email": "grace@example.com"}).status == 201
    assert len(acme.get("/leads").data) == 2


def test_it_makes_one_of_many_with_one_idempotency_key(acme: Caller, form: Caller) -> None:
    body = {"email": "grace@example.com"}
    answers = at_once(10, lambda _: form.post(PATH, body, Idempotency_Key="once").status)
    assert set(answers) <= {201, 409} and 201 in answers
    again = form.post(PATH, body, Idempotency_Key="once")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert form.post(PATH, {"email": "b@example.com"}, Idempotency_Key="once").error == "idempotency_mismatch"
    assert len(acme.get("/leads").data) == 1


@pytest.mark.parametrize("size", [64 * 1024 + 1, 2 * 1024 * 1024])
def test_it_takes_no_more_than_64_kb(form: Caller, site: None, size: int) -> None:
    for answer in (
        form.post(PATH, b'{"email": "' + b"a" * size + b'"}'),
        form("POST", PATH, b"email=" + b"a" * size),
    ):
        assert (answer.status, answer.error) == (413, "payload_too_large")
    assert send(form, "email=" + "a" * size).status_code == 413


def test_it_takes_other_media_types_for_none(form: Caller) -> None:
    answer = form.client.generic(
        "POST", PATH, "x", content_type="text/plain", headers={"Host": form.headers["Host"], "X-API-Key": form.key}
    )
    assert (answer.status_code, answer.json()["error"]) == (415, "unsupported_media_type")


def test_it_takes_forms_with_the_key_in_a_header(acme: Caller, form: Caller) -> None:
    fields = {"email": "grace@example.com", "message": "Ünï\r\ncode", "topics": ["a", "b"], "empty": ""}
    answer = send(form, fields, X_API_Key=form.key)
    assert answer.status_code == 201
    stored = acme.get(f"/leads/{answer.json()['data']['id']}").data
    assert (stored["message"], stored["fields"]) == ("Ünï\r\ncode", {"topics": ["a", "b"], "empty": ""})


def test_it_takes_fields_that_nobody_has_filled_in(acme: Caller, form: Caller) -> None:
    names = ("name", "phone", "company", "message", "source", "utm_source", "referrer", "landing_page", "submitted_at")
    answer = send(form, {"email": "grace@example.com", **dict.fromkeys(names, "")}, X_API_Key=form.key)
    assert answer.status_code == 201, answer.content
    stored = acme.get(f"/leads/{answer.json()['data']['id']}").data
    assert (stored["name"], stored["phone"], stored["fields"]) == (None, None, {})
    assert stored["attribution"]["submitted_at"] is not None


def test_it_takes_forms_in_parts_and_no_files(acme: Caller, form: Caller) -> None:
    head = {"Host": form.headers["Host"], "X-API-Key": form.key}
    assert form.client.post(PATH, {"email": "grace@example.com", "note": "x"}, headers=head).status_code == 201
    assert acme.get("/leads").data[0]["fields"] == {"note": "x"}
    with Path(__file__).open("rb") as file:
        refused = form.client.post(PATH, {"email": "grace@example.com", "cv": file}, headers=head)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    broken = form.client.generic("POST", PATH, b"--x", content_type="multipart/form-data", headers=head)
    assert broken.status_code == 400


def test_it_takes_a_weak_key_in_the_form(acme: Caller, form: Caller, site: None) -> None:
    fields = {"api_key": form.key, "email": "grace@example.com", "name": "Grace"}
    answer = send(form, fields, Origin=SITE)
    assert answer.status_code == 201
    assert answer["Access-Control-Allow-Origin"] == SITE
    stored = acme.get(f"/leads/{answer.json()['data']['id']}").data
    assert (stored["name"], stored["fields"]) == ("Grace", {})


@pytest.mark.parametrize("origin", [
    "https://evil.example", "null", "", "http://www.acme.example", f"{SITE}.evil.example",
])  # fmt: skip
def test_it_takes_no_form_from_other_sites(acme: Caller, form: Caller, site: None, origin: str) -> None:
    answer = send(form, {"api_key": form.key, "email": "grace@example.com"}, **({"Origin": origin} if origin else {}))
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    assert "Access-Control-Allow-Origin" not in answer
    assert acme.get("/leads").data == []


@pytest.mark.parametrize("scopes", [["admin"], ["leads:write", "leads:read"], ["leads:admin"], ["write"]])
def test_it_takes_no_strong_key_in_the_form(acme: Caller, form: Caller, site: None, scopes: list[str]) -> None:
    strong = acme.with_scopes(*scopes).key
    answer = send(form, {"api_key": strong, "email": "grace@example.com"}, Origin=SITE)
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    assert "revoke" in answer.json()["message"]
    assert strong not in answer.content.decode()


def test_it_takes_no_wrong_key_in_the_form(form: Caller, globex: Caller, site: None) -> None:
    for key in ("nope", "", globex.with_scopes("leads:write").key):
        answer = send(form, {"api_key": key, "email": "grace@example.com"}, Origin=SITE)
        assert (answer.status_code, answer.json()) == (401, MISSING)
    in_url = form.client.post(f"{PATH}?api_key={form.key}", headers={"Host": form.headers["Host"]})
    assert in_url.status_code == 400


def test_it_sends_the_browser_on(acme: Caller, form: Caller, site: None) -> None:
    fields = {"api_key": form.key, "email": "grace@example.com"}
    answer = send(form, {**fields, "redirect_to": f"{SITE}/thanks?a=1"}, Origin=SITE)
    assert (answer.status_code, answer["Location"]) == (303, f"{SITE}/thanks?a=1")
    assert acme.get("/leads").data[0]["fields"] == {}


@pytest.mark.parametrize("url", [
    "https://evil.example/", "//evil.example", "/thanks", "javascript:alert(1)", f"{SITE}@evil.example/",
    "https://user@www.acme.example/", f"{SITE}/\r\nX: y", f"{SITE}:444/", "http://[",
])  # fmt: skip
def test_it_sends_nobody_elsewhere(acme: Caller, form: Caller, site: None, url: str) -> None:
    answer = send(form, {"api_key": form.key, "email": "g@example.com", "redirect_to": url}, Origin=SITE)
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "redirect_to")
    assert acme.get("/leads").data == []


def test_it_does_not_tell_robots_that_it_sees_them(acme: Caller, form: Caller, site: None) -> None:
    body = {"email": "bot@example.com", "website_url": "https://spam.example"}
    caught = form.post(PATH, body)
    passed = form.post(PATH, {**body, "website_url": ""})
    assert (caught.status, passed.status) == (201, 201)
    assert caught.data.keys() == passed.data.keys() and caught.data["status"] == passed.data["status"] == "new"
    assert (lead(acme, caught)["status"], lead(acme, passed)["status"]) == ("spam", "new")
    assert lead(acme, caught)["fields"] == lead(acme, passed)["fields"] == {}


def preflight(client: Client, host: str, origin: str) -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    return client.options(PATH, headers={"Host": host, **asked})


def test_it_lets_its_sites_ask_first(form: Caller, globex: Caller, site: None) -> None:
    welcome = preflight(form.client, form.headers["Host"], SITE)
    assert (welcome.status_code, welcome.content) == (204, b"")
    assert welcome["Access-Control-Allow-Origin"] == SITE and welcome["Vary"] == "Origin"
    assert "X-API-Key" in welcome["Access-Control-Allow-Headers"]
    for host, origin in ((form.headers["Host"], "https://evil.example"), (host_of(globex), SITE)):
        refused = preflight(form.client, host, origin)
        assert refused.status_code == 204
        assert not [name for name in refused.headers if name.startswith("Access-Control")]
    assert preflight(form.client, "nope.localtest.me", SITE).status_code == 404


def test_it_lets_its_sites_read_failures(form: Caller, site: None) -> None:
    for answer in (form.post(PATH, {}, Origin=SITE), send(form, {}, Origin=SITE)):
        headers: Any = answer.headers
        assert headers["Access-Control-Allow-Origin"] == SITE
        assert "X-Request-ID" in headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in form.post(PATH, {}, Origin="https://evil.example").headers


def test_it_confirms_nobody_elses_address_on_other_contracts(acme: Caller) -> None:
    assert acme.get("/clients", Host=host_of(acme)).status == 200


@pytest.mark.parametrize(("url", "origin"), [
    ("https://A.example/x?y", "https://a.example"), ("http://a.example:80/", "http://a.example"),
    ("https://a.example:8443", "https://a.example:8443"), ("http://[::1]:9000/", "http://[::1]:9000"),
    ("ftp://a.example", ""), ("a.example", ""), ("https://", ""), ("https://a.example:x", ""),
])  # fmt: skip
def test_it_reads_origins_as_browsers_do(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(("host", "slug"), [
    ("acme.localtest.me", "acme"), ("ACME.localtest.me:8000", "acme"), ("acme.localtest.me.", "acme"),
    ("localtest.me", ""), ("acme.localtest.me.evil.example", ""), ("[::1]:8000", ""),
])  # fmt: skip
def test_it_reads_tenants_off_hosts(host: str, slug: str) -> None:
    assert slug_of(host) == slug
