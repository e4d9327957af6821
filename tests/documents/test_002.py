"""Document 002, the overview of the intake: one address a tenant, to which forms and programs send leads."""

import json
import re
from dataclasses import replace
from hashlib import sha256
from io import StringIO
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.core.management import call_command

from apikeys.models import ApiKey
from apikeys.secrets import PATTERN
from crm.contracts.intake import INTAKE
from crm.docs.document import document_path
from crm.registry import RESOURCES
from crm.rest.router import mount
from tenants.routing import using
from tests.admin.conftest import make_person
from tests.browsers import make_member
from tests.conftest import ISSUED, Caller, make_key
from tests.documents import holds
from tests.routes import routes
from tests.test_settings_pages import KEYS, act, client_of, key_of

PATH = "/api/leads/intake"
LEAD = {"name": "Grace", "email": "grace@example.com", "phone": "(415) 555-2671", "message": "The drain is slow."}
MISSING = {"error": "invalid_api_key", "message": "API key is missing or does not match."}

# The day after a breaking change: a second version of the intake, and the first under its address.
NEXT = replace(INTAKE, name="intake2", version="2.0.0", mounts=("api/v2/leads/",))
urlpatterns = [
    pattern for contract in (INTAKE, NEXT) for pattern in mount(contract, RESOURCES, [document_path(contract)])
]


@pytest.fixture
def site(acme: Caller) -> Caller:
    """Return who sends to Acme's own address, as the document writes it for development."""
    return Caller(acme.tenant, acme.key, headers=at(acme))


def at(caller: Caller, host: str = "") -> dict[str, str]:
    """Return the headers of a request to an address; Authorization stays away, the key is X-API-Key."""
    return {"Host": host or f"{caller.tenant.slug}.localtest.me:3001", "Authorization": "", "X-API-Key": caller.key}


def provisioned() -> tuple[str, str]:
    """Provision a tenant and return its slug and what the terminal shows."""
    slug, out = f"shop-{uuid4().hex[:10]}", StringIO()
    call_command("provision", slug, stdout=out)
    ISSUED.extend(PATTERN.findall(out.getvalue()))
    return slug, out.getvalue()


def explode(*_: object, **__: object) -> None:
    raise RuntimeError("a secret detail")


# Address.


@holds("S2-1")
def test_it_is_one_endpoint(site: Caller) -> None:
    (route,) = [route for route in routes() if route.contract is INTAKE]
    assert (route.path, {*route.actions} - {"OPTIONS"}) == (PATH, {"POST"})
    assert site.get(PATH).status == 405


@holds("S2-2")
def test_it_takes_forms_and_json(acme: Caller, site: Caller) -> None:
    assert site.post(PATH, LEAD).status == 201
    form: Any = {"data": urlencode(LEAD), "content_type": "application/x-www-form-urlencoded", "headers": at(acme)}
    assert acme.client.post(PATH, **form).status_code == 201
    first, second = acme.get("/leads").data
    assert first["email"] == second["email"] == LEAD["email"]


@holds("S2-3")
def test_the_subdomain_is_the_tenant(acme: Caller, globex: Caller, settings: Any) -> None:
    settings.TENANT_DOMAIN, settings.ALLOWED_HOSTS = "crm.example", [".crm.example"]
    for caller in (acme, globex):
        host = f"{caller.tenant.slug}.crm.example"
        assert caller.post(PATH, LEAD, Host=host).status == 201
        assert len(caller.get("/leads", Host=host).data) == 1


@holds("S2-4")
def test_the_slug_is_set_at_provisioning_and_stays(acme: Caller) -> None:
    admin, tenant, slug = make_person(is_superuser=True), acme.tenant, acme.tenant.slug
    form = {"slug": "other-slug", "name": "Other Name", "plan": "pro", "country": "AT", "currency": "EUR"}
    assert admin.post(f"tenants/tenant/{tenant.pk}/change/", **form).status_code == 302
    with using("admin"):
        tenant.refresh_from_db()
    assert (tenant.name, tenant.slug) == ("Other Name", slug)
    assert acme.post(PATH, LEAD, Host=f"{slug}.localtest.me").status == 201
    assert acme.post(PATH, LEAD, Host="other-slug.localtest.me").status == 404


@holds("S2-5")
@pytest.mark.parametrize("port", ["", ":3001", ":8000"])
def test_it_is_at_localtest_me_in_development(acme: Caller, port: str) -> None:
    assert acme.post(PATH, LEAD, Host=f"{acme.tenant.slug}.localtest.me{port}").status == 201


# Keys.


@holds("S2-6", "S2-22", "S2-27")
@pytest.mark.parametrize("key", [None, "", "hcrm_wrong"])
def test_every_request_carries_a_key_of_the_tenant(acme: Caller, key: str | None) -> None:
    headers = {name: value for name, value in at(acme).items() if name == "Host"}
    headers |= {} if key is None else {"X-API-Key": key}
    refused = acme.client.post(PATH, json.dumps(LEAD), content_type="application/json", headers=headers)
    assert (refused.status_code, refused.json()) == (401, MISSING)


@holds("S2-7")
def test_a_key_is_a_prefix_and_chance(acme: Caller) -> None:
    keys = [make_key(acme.tenant) for _ in range(2)]
    assert all(re.fullmatch(r"kith_live_\w{8}_\w{38}", key) for key in keys)
    assert keys[0][-38:] != keys[1][-38:]


@holds("S2-8")
def test_a_key_of_one_tenant_posts_to_no_other(acme: Caller, globex: Caller) -> None:
    for caller, status in ((globex, 201), (acme, 401)):
        assert caller.post(PATH, LEAD, Host=at(globex)["Host"]).status == status
    assert acme.get("/leads").data == [] and len(globex.get("/leads").data) == 1


@holds("S2-9", "S2-10")
def test_provisioning_prints_the_key_once(acme: Caller) -> None:
    slug, told = provisioned()
    live, test = PATTERN.findall(told)
    assert (live[:10], test[:10]) == ("kith_live_", "kith_test_") and "shown this once" in told
    headers = {"Host": f"{slug}.localtest.me", "X-API-Key": live}
    made = acme.client.post(PATH, json.dumps(LEAD), content_type="application/json", headers=headers)
    assert made.status_code == 201


@holds("S2-11", "S2-12")
def test_of_a_key_its_sha256_is_stored_and_nothing_that_opens(acme: Caller) -> None:
    with using("admin"):
        (row,) = ApiKey.objects.filter(tenant=acme.tenant).values()
    assert bytes(row["digest"]) == sha256(acme.key.encode()).digest()
    assert acme.key not in repr(row) and acme.key[19:] not in repr(row)


@holds("S2-13")
def test_a_lost_key_is_rotated_in_the_settings(acme: Caller, site: Caller) -> None:
    owner, key = client_of(make_member(acme.tenant)), key_of(acme)
    assert act(key, "rotate") in owner.get(KEYS).content.decode()
    ticket = re.search(r'name="ticket" value="([^"]+)"', owner.get(act(key, "rotate")).content.decode())
    page = owner.post(act(key, "rotate"), {"ticket": ticket[1] if ticket else "", "grace": "0"}).content.decode()
    (fresh,) = set(PATTERN.findall(page))
    ISSUED.append(fresh)
    assert site.post(PATH, LEAD, X_API_Key=fresh).status == 201


# What it does.


@holds("S2-14")
def test_it_makes_a_new_lead(acme: Caller, site: Caller) -> None:
    made = site.post(PATH, {**LEAD, "budget": "8000"})
    assert made.status == 201 and set(made.body) == {"data"} and set(made.data) == {"id", "status", "created_at"}
    stored = acme.get(f"/leads/{made.data['id']}").data
    assert (stored["name"], stored["status"], stored["phone"]) == ("Grace", "new", "+14155552671")
    assert stored["fields"] == {"budget": "8000"}


@holds("S2-15")
def test_the_overview_leads_to_the_full_description(nobody: Caller) -> None:
    page = nobody.client.get("/docs/intake/").content.decode()
    assert "<code>POST /intake</code>" in page
    address = re.search(r'data-document="([^"]+)"', page)
    assert address
    document = nobody.client.get(address[1]).json()
    assert set(document["paths"]) == {"/intake"}
    fields = document["components"]["schemas"]["LeadCreate"]["properties"]
    assert {"name", "email", "phone", "utm_source"} <= set(fields)


@holds("S2-16")
def test_it_has_no_version_in_its_address(site: Caller) -> None:
    assert site.post(PATH, LEAD).status == 201
    assert site.post("/api/v2/leads/intake", LEAD).status == 404


@holds("S2-17")
@pytest.mark.urls("tests.documents.test_002")
def test_a_second_version_leaves_the_first_where_it_is(site: Caller) -> None:
    assert site.post("/api/v2/leads/intake", LEAD).status == 201
    assert site.post(PATH, LEAD).status == 201


@holds("S2-18")
def test_it_throttles_a_key_that_has_a_limit(acme: Caller, site: Caller) -> None:
    runaway = make_key(acme.tenant, "leads:write", per_minute=2)
    answers = [site.post(PATH, LEAD, X_API_Key=runaway) for _ in range(5)]
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.error == "rate_limit_exceeded" and int(refused.headers["Retry-After"]) > 0
    assert site.post(PATH, LEAD).status == 201


# Errors.


def answers_of(site: Caller, monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """Return a failure of each kind, by its status."""
    reader = make_key(site.tenant, "leads:read")
    found = {
        400: site.post(PATH, {"name": "Grace"}),
        401: site.post(PATH, LEAD, X_API_Key="hcrm_wrong"),
        403: site.post(PATH, LEAD, X_API_Key=reader),
        404: site.post(PATH, LEAD, Host="no-such-tenant.localtest.me"),
        405: site.get(PATH),
        413: site.post(PATH, {**LEAD, "message": "x" * 70_000}),
    }
    monkeypatch.setattr("crm.rest.writes.record_event", explode)
    return found | {500: site.post(PATH, LEAD)}


@holds("S2-19", "S2-20")
def test_every_error_has_a_lower_case_code_and_a_message(site: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for status, refused in answers_of(site, monkeypatch).items():
        assert refused.status == status, refused.body
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", refused.body["error"]) and refused.body["message"]
        assert refused.headers["Content-Type"] == "application/json"


@holds("S2-21")
def test_an_invalid_body_lists_its_fields(site: Caller) -> None:
    refused = site.post(PATH, {"email": "nope", "phone": "12"})
    assert (refused.status, refused.error) == (400, "invalid_request")
    assert [item["field"] for item in refused.body["details"]] == ["email", "phone"]
    assert all(item["message"] for item in refused.body["details"])


@holds("S2-23")
def test_an_unknown_subdomain_is_no_tenant(site: Caller) -> None:
    refused = site.post(PATH, LEAD, Host="no-such-tenant.localtest.me:3001")
    assert (refused.status, refused.error) == (404, "tenant_not_found")


@holds("S2-24")
def test_what_goes_wrong_here_can_be_sent_again(acme: Caller, site: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("crm.rest.writes.record_event", explode)
        failed = site.post(PATH, LEAD, Idempotency_Key="again")
    assert (failed.status, failed.error) == (500, "internal_error") and b"secret" not in failed.raw
    assert acme.get("/leads").data == []
    assert site.post(PATH, LEAD, Idempotency_Key="again").status == 201


# Idempotency.


@holds("S2-25")
def test_the_same_lead_twice_is_two_leads(acme: Caller, site: Caller) -> None:
    assert len({site.post(PATH, LEAD).data["id"] for _ in range(2)}) == 2
    assert len(acme.get("/leads").data) == 2


@holds("S2-26")
def test_with_an_idempotency_key_it_is_one(acme: Caller, site: Caller) -> None:
    assert len({site.post(PATH, LEAD, Idempotency_Key="one").data["id"] for _ in range(2)}) == 1
    assert len(acme.get("/leads").data) == 1
