"""Document 001, the API program: a public contract in its own words, pinned to one organization, by narrow keys."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import time_machine
from django.utils import timezone

from apikeys.issuing import revoke
from apikeys.models import ApiKey
from apikeys.scopes import catalogue, normalise
from apikeys.secrets import digest
from crm.contracts.public import PUBLIC
from crm.contracts.registry import REGISTRY
from crm.docs.breaking import breaks
from crm.docs.failures import FAILURES
from crm.docs.generator import build
from crm.registry import CONTRACTS, RESOURCES
from crm.rest.contract import Contract
from crm.rest.router import bound_views
from tenants import ids
from tenants.actor import Actor
from tenants.models import Event
from tenants.routing import using
from tests.browsers import Browser, make_browser, make_member
from tests.conftest import Answer, Caller, make_key, seat
from tests.docs.seeding import path_of
from tests.documents import holds
from tests.documents.words import MAKERS, answers_of, leaked, leaked_in, leaked_in_document
from tests.files import PDF
from tests.forms import Form
from tests.records import Records
from tests.test_settings_pages import NEW, client_of, filled
from tests.webhooks.conftest import calm
from tests.webhooks.receiving import receiver
from webhooks.drain import Drain

VIEWS = bound_views(PUBLIC, RESOURCES)
KEY = re.compile(r"kith_(?P<environment>live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}")
# As the document lists them, apart from the webhooks'.
SCOPES = {
    "clients": ("customers", ("read", "write", "delete")),
    "appointments": ("appointments", ("read", "write", "delete")),
    "invoices": ("invoices", ("read", "write", "delete")),
    "payments": ("payments", ("read", "write", "delete")),
    "quotes": ("estimates", ("read", "write", "delete")),
    "team": ("team", ("read", "write")),
    "products": ("services", ("read", "write", "delete")),
    "files": ("files", ("read", "write", "delete")),
}
HOOK = {"url": "https://example.com/hooks", "events": ["invoice.paid"]}
LINE = {"description": "Boiler", "rate": "1200.00", "tax_rate": 20}


@pytest.fixture
def caller(acme: Caller) -> Caller:
    return acme.on(PUBLIC)


@pytest.fixture
def browser(acme: Caller) -> Browser:
    found = make_browser(acme, base="/api/public/v1")
    found.headers["X-Organization-Id"] = acme.tenant.slug
    return found


@pytest.fixture
def customer(caller: Caller) -> str:
    return str(made(caller, "/customers", name="Ada", email="ada@example.com")["id"])


def made(caller: Caller, path: str, **fields: Any) -> dict[str, Any]:
    answer = caller.post(path, fields)
    assert answer.status == 201, answer.body
    record: dict[str, Any] = answer.data
    return record


def done(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    record: dict[str, Any] = answer.data
    return record


def failed(answer: Answer, status: int, code: str, *words: str) -> None:
    assert (answer.status, answer.body["success"], answer.error["code"]) == (status, False, code), answer.body
    assert [word for word in words if word not in answer.error["message"]] == []


def types_of(caller: Caller, path: str) -> list[str]:
    return [event["type"] for event in caller.get(f"{path}/events").data]


# The contract.


@holds("S1-3", "S1-5", "S1-91")
def test_it_stands_apart_under_a_version_of_its_own(acme: Caller) -> None:
    sent = {"x-api-key": acme.key, "x-organization-id": acme.tenant.public_id, "Authorization": ""}
    made(acme, "/clients", name="Ada")
    answer = acme.get("/api/public/v1/customers", **sent)
    assert (answer.status, [row["name"] for row in answer.data]) == (200, ["Ada"])
    assert acme.get("/api/public/v1/clients", **sent).status == 404
    assert acme.get("/v1/customers").status == 404


@holds("S1-4")
def test_it_never_shows_what_is_inside(caller: Caller, acme: Caller) -> None:
    records = Records(acme, urlconf=MAKERS)
    for view in (view for view in VIEWS.values() if "list" in view.methods):
        row = caller.get(f"/{path_of(view)}?limit=1").data[0]
        assert row.keys() == view.serializer_class().fields.keys()
        assert not {"tenant", "tenant_id", "version", "search", "digest"} & row.keys()
    assert records.ids


@holds("S1-6")
def test_it_tells_a_change_that_breaks_from_one_that_does_not() -> None:
    old, new = build(PUBLIC), build(PUBLIC)
    assert not breaks(old, new)
    del new["components"]["schemas"]["Customer"]["properties"]["email"]
    del new["paths"]["/estimates/{id}/accept"]
    assert {item.where for item in breaks(old, new)} == {"Customer.email", "POST /estimates/{id}/accept"}
    assert not breaks(new, old)
    assert "Deprecation" in old["info"]["description"] and "Sunset" in old["info"]["description"]


@holds("S1-15", "S1-16", "S1-17", "S1-18", "S1-19", "S1-20", "S1-21", "S1-22", "S1-23")
@pytest.mark.parametrize(
    "name", ["customers", "appointments", "estimates", "invoices", "payments", "team", "services", "files", "webhooks"]
)
def test_it_has_the_resources_of_the_document(caller: Caller, name: str) -> None:
    assert caller.get(f"/{name}").status == 200
    assert caller("OPTIONS", f"/{name}").data["entity"] == name


@holds("S1-3", "S1-4")
def test_it_publishes_nothing_else(caller: Caller) -> None:
    log = {"events", "deliveries", "attempts", "replays"}
    told = {PUBLIC.word(plural) for plural in VIEWS} - log
    names = {"customers", "appointments", "estimates", "invoices", "payments", "team", "services", "files", "webhooks"}
    assert told == names
    for name in ("leads", "tasks", "projects", "orders", "products", "quotes", "marketing/lists", "keys"):
        failed(caller.get(f"/{name}"), 404, "NOT_FOUND")


@holds("S1-50", "S1-51")
def test_it_labels_how_mature_each_resource_is() -> None:
    labels = {tag["name"]: tag["x-maturity"] for tag in build(PUBLIC)["tags"]}
    preview = {"Customers", "Appointments", "Estimates", "Invoices", "Payments", "Services", "Files"}
    assert {name for name, label in labels.items() if label == "Private preview"} == preview
    assert set(labels.values()) == {"Private preview", "Available now"}
    assert all(tag["description"].startswith(f"*{tag['x-maturity']}.* ") for tag in build(PUBLIC)["tags"])


# Words.


@holds("S1-3", "S1-4", "S1-17", "S1-21")
@pytest.mark.parametrize("contract", [PUBLIC, REGISTRY], ids=lambda contract: contract.name)
@pytest.mark.usefixtures("quiet")
def test_no_answer_holds_a_canonical_word(acme: Caller, contract: Contract, tally: dict[str, str]) -> None:
    records = Records(acme.with_scopes("admin", per_hour=1_000_000), urlconf=MAKERS)
    found, asked, statuses = [], 0, set()
    for what, answer in answers_of(records, contract):
        asked += 1
        statuses.add(answer.status)
        assert answer.status < 500, (what, answer.body)
        if words := leaked(answer, contract):
            found.append((what, sorted(words)))
    tally[f"answers of {contract.name} searched for canonical words"] = str(asked)
    assert found == []
    assert {200, 201, 400, 403, 404} <= statuses


@holds("S1-4", "S1-101")
@pytest.mark.parametrize("contract", [PUBLIC, REGISTRY], ids=lambda contract: contract.name)
def test_no_document_holds_a_canonical_word(contract: Contract) -> None:
    assert leaked_in_document(contract) == set()


def test_it_would_find_a_canonical_word() -> None:
    assert leaked_in('{"client_id": 1}', PUBLIC) == {"client_id"}
    assert leaked_in("The scope clients:read is missing.", PUBLIC) == {"clients", "clients:read"}
    assert leaked_in('{"customer_id": 1, "type": "estimate.sent"}', PUBLIC) == set()
    assert leaked_in('{"customer_id": 1}', REGISTRY) == set()
    assert leaked_in('{"created_at": 1}', REGISTRY) == {"created_at"}


# The organization.


@holds("S1-7", "S1-89")
def test_each_request_names_its_organization(caller: Caller, browser: Browser) -> None:
    for asker in (caller, browser):
        for method, path in (("GET", "/customers"), ("POST", "/customers"), ("OPTIONS", "/invoices")):
            named = asker(method, path, {"name": "Ada"} if method == "POST" else None)
            assert named.status in (200, 201), named.body
        del asker.headers["X-Organization-Id"]
        for method, path in (("GET", "/customers"), ("POST", "/customers"), ("OPTIONS", "/invoices")):
            refused = asker(method, path, {"name": "Ada"} if method == "POST" else None)
            failed(refused, 400, "VALIDATION_ERROR", "X-Organization-Id")


@holds("S1-7", "S1-96")
def test_it_refuses_another_organization(caller: Caller, browser: Browser, globex: Caller) -> None:
    made(globex.on(PUBLIC), "/customers", name="Hank")
    for asker in (caller, browser):
        for name in (globex.tenant.slug, globex.tenant.public_id, "no-such-organization"):
            for method in ("GET", "POST"):
                refused = asker(method, "/customers", {"name": "Eve"}, X_Organization_Id=name)
                failed(refused, 403, "FORBIDDEN", "X-Organization-Id")
    assert [row["name"] for row in globex.on(PUBLIC).get("/customers").data] == ["Hank"]


# Credentials.


@holds("S1-87", "S1-88")
def test_it_takes_a_key_in_either_header_or_a_session(acme: Caller, browser: Browser) -> None:
    plain = Caller(acme.tenant, "", "/api/public/v1", {"X-Organization-Id": acme.tenant.slug})
    for shown in ({"Authorization": "", "x-api-key": acme.key}, {"Authorization": f"Bearer {acme.key}"}):
        assert plain.get("/customers", **shown).status == 200
    assert made(browser, "/customers", name="Ada") == browser.get("/customers").data[0]
    failed(browser.post("/customers", {"name": "Eve"}, X_CSRFToken=""), 403, "FORBIDDEN", "X-CSRFToken")


@holds("S1-14", "S1-59")
def test_servers_need_no_more_than_a_key(caller: Caller) -> None:
    schemes = build(PUBLIC)["components"]["securitySchemes"]
    assert {"http", "apiKey"} >= {scheme["type"] for scheme in schemes.values()}
    assert caller.with_scopes("read:customers").get("/customers").status == 200


@holds("S1-13", "S1-90")
@pytest.mark.parametrize("environment", ["live", "test"])
def test_a_key_says_its_environment_and_sees_no_other(acme: Caller, environment: str) -> None:
    with using("admin"):
        sides = {"live": acme.tenant, "test": acme.tenant.sandbox}
    keys = {name: make_key(side) for name, side in sides.items()}
    found = KEY.fullmatch(keys[environment])
    assert found and found["environment"] == environment
    named = {"X-Organization-Id": acme.tenant.slug}
    callers = {name: Caller(acme.tenant, key, "/api/public/v1", dict(named)) for name, key in keys.items()}
    known = made(callers[environment], "/customers", name="Ada")["id"]
    for name, caller in callers.items():
        assert caller.get(f"/customers/{known}").status == (200 if name == environment else 404)


@holds("S1-11", "S1-92", "S1-93")
@pytest.mark.parametrize("why", ["none", "malformed", "unknown", "inactive", "expired"])
def test_it_tells_a_credential_that_is_none(acme: Caller, caller: Caller, why: str) -> None:
    if why == "expired":
        short = caller.with_scopes("admin", expires_at=timezone.now() + timedelta(minutes=5))
        assert short.get("/customers").status == 200
        with time_machine.travel(timezone.now() + timedelta(minutes=6)):
            failed(short.get("/customers"), 401, "EXPIRED_KEY", "expired")
        return
    sent = {"none": {"Authorization": ""}, "malformed": {"Authorization": "Bearer"}}.get(why, {})
    caller.key = "kith_live_" + "0" * 47 if why == "unknown" else caller.key
    if why == "inactive":
        with using("admin"):
            revoke(ApiKey.objects.get(digest=digest(acme.key)), actor=Actor.system(acme.tenant, "tests"))
    refused = caller.get("/customers", **sent)
    failed(refused, 401, "UNAUTHORIZED", "X-API-Key")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


@holds("S1-92", "S1-93", "S1-94", "S1-95", "S1-96", "S1-97", "S1-99")
def test_each_failure_is_documented_with_cause_and_cure() -> None:
    document = build(PUBLIC)
    told = {name: answer["description"] for name, answer in document["components"]["responses"].items()}
    for failure in (item for item in FAILURES if item.status in (401, 403, 429)):
        assert f"{failure.cause} {failure.cure}" in told[NAMES[failure.status]]
        assert f"{failure.cause}<br>*{failure.cure}*" in document["info"]["description"]
    assert all(
        word in told["Unauthorized"] for word in ("missing", "revoked", "value", "expire", "organization header")
    )
    assert "scope" in told["Forbidden"] and "organization" in told["Forbidden"]
    assert "window" in told["TooManyRequests"] and "Retry-After" in told["TooManyRequests"]


NAMES = {401: "Unauthorized", 403: "Forbidden", 429: "TooManyRequests"}


# Scopes.


CASES = [(plural, word, action) for plural, (word, actions) in SCOPES.items() for action in actions]


# The checklist numbers them one by one.
@holds("S1-8", "S1-10", "S1-95", *(f"S1-{number}" for number in range(62, 62 + len(CASES))))
@pytest.mark.parametrize(("plural", "word", "action"), CASES)
def test_a_scope_opens_what_it_says_and_nothing_else(caller: Caller, plural: str, word: str, action: str) -> None:
    assert normalise([f"{action}:{word}"]) == [f"{plural}:{action}"]
    narrow = caller.with_scopes(f"{action}:{word}")
    unknown = f"/{word}/{ids.encode(VIEWS['services' if plural == 'products' else plural].prefix, ids.new())}"
    needed = {"GET": "read", "PATCH": "write", "DELETE": "delete"}
    for method, scope in needed.items():
        answer = narrow(method, unknown, {} if method == "PATCH" else None)
        if scope == action:
            failed(answer, 404, "NOT_FOUND")
        elif scope in SCOPES[plural][1]:
            failed(answer, 403, "INVALID_SCOPE", f"{scope}:{word}")
            assert answer.error["details"]["required_scope"] == f"{scope}:{word}"
    other = "invoices" if word != "invoices" else "payments"
    failed(narrow.get(f"/{other}"), 403, "INVALID_SCOPE", f"read:{other}")


@holds("S1-78")
def test_nobody_of_the_team_is_deleted(acme: Caller, caller: Caller) -> None:
    known = ids.encode("usr", seat(acme.tenant).pk)
    assert caller.delete(f"/team/{known}").status == 405
    with pytest.raises(ValueError, match="delete:team"):
        normalise(["delete:team"])


@holds("S1-85")
def test_a_key_that_manages_webhooks_does_all_of_it_and_nothing_else(caller: Caller) -> None:
    assert normalise(["manage:webhooks"]) == ["webhooks:admin"]
    manager = caller.with_scopes("manage:webhooks")
    # What it may read is nothing but webhooks: everything means that.
    at = f"/webhooks/{made(manager, '/webhooks', **HOOK | {'events': ['*']})['id']}"
    assert done(manager.post(f"{at}/secret/reveal"))["secret"].startswith("whsec_")
    assert done(manager.post(f"{at}/test"))["type"] == "ping"
    failed(caller.with_scopes("write:webhooks").post(f"{at}/secret/reveal"), 403, "INVALID_SCOPE", "manage:webhooks")
    assert manager.delete(at).status == 200
    failed(manager.get("/customers"), 403, "INVALID_SCOPE", "read:customers")


@holds("S1-52", "S1-53")
def test_deliveries_are_signed_and_retried(caller: Caller, settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETS, settings.WEBHOOK_SCHEDULE = ("127.0.0.1/32",), (0, 0.05)
    calm()
    with receiver() as target:
        target.answers = lambda got: (503 if len(target.got) == 1 else 200, {})
        target.secrets.append(made(caller, "/webhooks", url=target.url, events=["customer.*"])["secret"])
        customer = made(caller, "/customers", name="Ada")
        end = time.monotonic() + 20
        while len(target.got) < 2 and time.monotonic() < end:
            Drain().run(0.5)
    assert [(got.data["type"], got.data["data"], got.verified) for got in target.got] == [
        ("customer.created", customer, True)
    ] * 2
    assert len(set(target.ids)) == 1


@holds("S1-54", "S1-56")
def test_what_was_sent_has_a_history_and_is_sent_again(caller: Caller) -> None:
    at = f"/webhooks/{made(caller, '/webhooks', **HOOK)['id']}"
    tested = done(caller.post(f"{at}/test"))
    log: Any = done(caller.get(f"{at}/deliveries"))
    assert [row["id"] for row in log] == [tested["id"]]
    assert done(caller.get(f"/deliveries/{tested['id']}"))["status"] == "pending"
    job: Any = caller.post(f"{at}/replay", {"only_failed": False})
    assert (job.status, job.data["status"]) == (202, "running")
    assert done(caller.get(f"/replays/{job.data['id']}"))["total"] == job.data["total"]


@holds("S1-55")
def test_a_webhooks_secret_rotates(caller: Caller) -> None:
    hook = made(caller, "/webhooks", **HOOK)
    turned = done(caller.post(f"/webhooks/{hook['id']}/secret/rotate", {"grace_seconds": 3600}))
    assert turned["secret"] not in ("", hook["secret"])


@holds("S1-10", "S1-11", "S1-13", "S1-57", "S1-86")
def test_the_form_of_keys_has_scopes_by_category_expiry_and_environment(acme: Caller) -> None:
    client = client_of(make_member(acme.tenant))
    page = client.get(NEW).content.decode()
    groups = re.findall(r"<legend[^>]*>\s*([^<]+?)\s*</legend>(.*?)</fieldset>", page, re.DOTALL)
    found = {label: re.findall(r'value="(\w+:\w+)"', body) for label, body in groups}
    for category in catalogue():
        assert found[category.label][: len(category.actions)] == list(category.scopes), category.label
    assert re.findall(r'<option value="(\w+)"', page)[:5] == ["365", "90", "30", "never", "custom"]
    answer = filled(client, scopes=["clients:read"], environment="test", expiry="30")
    (plaintext,) = {match[0] for match in KEY.finditer(answer.content.decode())}
    with using("admin"):
        key = ApiKey.objects.get(digest=digest(plaintext))
        sandbox = acme.tenant.sandbox
    assert (key.scopes, key.environment, key.tenant) == (["clients:read"], "test", sandbox)
    assert key.expires_at and 29 <= (key.expires_at - timezone.now()).days <= 31


@holds("S1-86")
def test_the_document_groups_scopes_by_resource() -> None:
    for methods in build(PUBLIC)["paths"].values():
        for operation in methods.values():
            first = operation["x-scopes"][0]
            assert re.fullmatch(r"(read|write|delete|manage):[a-z]+", first)
            # What is told of events and of webhooks has chapters of its own.
            parts = {"events": ["Event types"], "webhooks": ["Deliveries", "Replays"]}
            resource = first.partition(":")[2]
            assert operation["tags"][0] in [resource.capitalize(), *parts.get(resource, [])]


# Limits.


@pytest.fixture
def midday() -> Iterator[Any]:
    """Stand still in the middle of a minute and of a day of its own."""
    with time_machine.travel(datetime(2027, 3, 1, 12, 0, 10, tzinfo=UTC), tick=False) as clock:
        yield clock


@holds("S1-12", "S1-97", "S1-98", "S1-99", "S1-100")
@pytest.mark.parametrize(("window", "seconds"), [("minute", 50), ("day", 12 * 3600 - 10)])
def test_it_names_the_window_that_is_used_up(caller: Caller, midday: Any, window: str, seconds: int) -> None:
    limited = caller.with_scopes("read", **{"per_minute": 1_000, "per_day": 1_000, f"per_{window}": 2})
    assert [limited.get("/customers").status for _ in range(2)] == [200, 200]
    for _ in range(5):
        refused = limited.get("/customers")
        failed(refused, 429, "RATE_LIMIT_EXCEEDED", f"per {window}")
        assert refused.error["details"] == {"window": window, "limit": 2, "retry_after": seconds}
        assert refused.headers["Retry-After"] == str(seconds)
    midday.shift(seconds - 1)
    assert limited.get("/customers").status == 429
    midday.shift(1)
    assert limited.get("/customers").status == 200


@holds("S1-97")
def test_it_counts_by_the_minute_and_the_day(caller: Caller) -> None:
    policy = caller.with_scopes("read", per_minute=7, per_day=70).get("/customers").headers["RateLimit-Policy"]
    assert policy == '"minute";q=7;w=60, "day";q=70;w=86400'


# What the resources hold.


@holds("S1-24", "S1-25", "S1-26")
def test_a_customer_has_identity_contact_points_and_tags(caller: Caller) -> None:
    points = [{"kind": "mobile", "label": "work", "value": "+447700900123", "primary": True}]
    sent = {"name": "Ada Lovelace", "type": "person", "email": "ada@example.com", "contact_points": points}
    record = made(caller, "/customers", **sent, tags=["vip", "boiler"])
    assert {name: record[name] for name in sent} == sent
    assert record["tags"] == ["vip", "boiler"]
    assert [row["id"] for row in caller.get("/customers?tags=vip").data] == [record["id"]]


@holds("S1-27")
def test_a_customer_has_a_history(caller: Caller, acme: Caller, customer: str) -> None:
    made(acme, "/activities", kind="call", subject="Asked for a bathroom", record_id=customer)
    made(caller, "/estimates", customer_id=customer, line_items=[LINE])
    feed = caller.get(f"/customers/{customer}/activity")
    assert [entry["type"] for entry in feed.data] == ["estimate.created", "call", "customer.created"]
    assert leaked(feed, PUBLIC) == set()


@holds("S1-28", "S1-29", "S1-30", "S1-31")
def test_an_appointment_is_scheduled_assigned_and_completed(caller: Caller, acme: Caller, customer: str) -> None:
    who = ids.encode("usr", seat(acme.tenant).pk)
    times = {"starts_at": "2026-03-02T09:00:00Z", "ends_at": "2026-03-02T10:00:00Z"}
    record = made(caller, "/appointments", customer_id=customer, assignee_ids=[who], title="Boiler", **times)
    assert (record["status"], record["assignee_ids"], record["starts_at"]) == ("scheduled", [who], times["starts_at"])
    path = f"/appointments/{record['id']}"
    for command, status in (("confirm", "confirmed"), ("start", "in_progress"), ("complete", "completed")):
        assert done(caller.post(f"{path}/{command}"))["status"] == status
    assert types_of(caller, path) == [
        f"appointment.{verb}" for verb in ("created", "confirmed", "started", "completed")
    ]
    failed(caller.post(f"{path}/confirm"), 409, "INVALID_TRANSITION")


@holds("S1-32", "S1-33", "S1-34", "S1-35")
def test_an_estimate_is_approved_accepted_and_converted(caller: Caller, customer: str) -> None:
    record = made(caller, "/estimates", customer_id=customer, line_items=[LINE])
    assert (record["status"], record["total"]) == ("draft", "1440.00")
    path = f"/estimates/{record['id']}"
    assert done(caller.post(f"{path}/send"))["status"] == "sent"
    assert done(caller.post(f"{path}/approve"))["status"] == "approved"
    yes = done(caller.post(f"{path}/accept", {"name": "Ada Lovelace"}))
    assert (yes["status"], yes["acceptance"]["name"]) == ("accepted", "Ada Lovelace")
    converted = done(caller.post(f"{path}/convert", {"to": "invoice"}))
    invoice = done(caller.get(f"/invoices/{converted['invoice_id']}?include=estimate"))
    assert (converted["status"], invoice["estimate_id"]) == ("converted", record["id"])
    assert invoice["estimate"]["id"] == record["id"]
    assert types_of(caller, path) == [
        f"estimate.{verb}" for verb in ("created", "sent", "approved", "accepted", "converted")
    ]
    assert [event["resource"] for event in caller.get("/events?type=estimate.accepted").data] == ["estimate"]


def sent_invoice(caller: Caller, customer: str) -> str:
    record = made(caller, "/invoices", customer_id=customer, due_date="2999-12-31", line_items=[LINE])
    assert done(caller.post(f"/invoices/{record['id']}/send"))["status"] == "sent"
    return str(record["id"])


@holds("S1-36", "S1-37", "S1-38")
def test_an_invoice_knows_what_is_billed_and_hands_itself_over(caller: Caller, customer: str) -> None:
    known = sent_invoice(caller, customer)
    paid = made(caller, "/payments", customer_id=customer, invoice_id=known, amount="440.00", method="card")
    part = done(caller.get(f"/invoices/{known}"))
    assert (part["status"], part["amount_paid"], part["amount_due"]) == ("partially_paid", "440.00", "1000.00")
    assert done(caller.post(f"/invoices/{known}/mark-paid"))["status"] == "paid"
    assert types_of(caller, f"/invoices/{known}")[-2:] == ["invoice.partially_paid", "invoice.paid"]
    assert types_of(caller, f"/payments/{paid['id']}")
    books = {"status": "exported", "reference": "A-17", "exported_at": "2026-03-02T10:00:00Z"}
    assert done(caller.patch(f"/invoices/{known}", {"accounting": books}))["accounting"] == books


@holds("S1-39", "S1-40", "S1-41", "S1-42")
def test_a_payment_has_its_invoice_method_and_state(caller: Caller, customer: str) -> None:
    known = sent_invoice(caller, customer)
    sent = {"customer_id": customer, "invoice_id": known, "amount": "1440.00", "method": "bank_transfer"}
    record = made(caller, "/payments", **sent, status="pending")
    assert {name: record[name] for name in sent} == sent
    assert (record["status"], done(caller.get(f"/invoices/{known}"))["status"]) == ("pending", "sent")
    collected = done(caller.post(f"/payments/{record['id']}/succeed"))
    assert (collected["status"], collected["amount_allocated"]) == ("succeeded", "1440.00")
    assert done(caller.get(f"/invoices/{known}"))["status"] == "paid"
    assert [row["id"] for row in caller.get(f"/payments?invoice_id={known}&method=bank_transfer").data] == [
        record["id"]
    ]


@holds("S1-43", "S1-44", "S1-45")
def test_a_service_has_price_duration_and_booking(caller: Caller, acme: Caller, customer: str) -> None:
    booking = {"bookable": True, "buffer_after_minutes": 15, "lead_time_minutes": 240}
    record = made(caller, "/services", name="Boiler check", price="80", duration_minutes=60, booking=booking)
    assert (record["price"], record["duration_minutes"]) == ("80.00", 60)
    assert record["booking"].items() >= booking.items()
    made(acme, "/products", name="Tap", price="5")
    assert [row["id"] for row in caller.get("/services").data] == [record["id"]]
    assert {event["record_id"] for event in caller.get("/events?resource=service").data} == {record["id"]}
    line = made(caller, "/invoices", customer_id=customer, due_date="2999-12-31",
                line_items=[{"service_id": record["id"]}])["line_items"][0]  # fmt: skip
    assert (line["service_id"], line["rate"]) == (record["id"], "80.00")


@holds("S1-46", "S1-47", "S1-48", "S1-49")
def test_a_file_has_its_type_status_and_bucket(caller: Caller, customer: str) -> None:
    answer = caller.post("/files", Form([("file", "plan.txt", PDF), ("record_id", None, customer.encode())]))
    assert answer.status == 201, answer.body
    record = answer.data
    assert (record["name"], record["mime_type"], record["size"]) == ("plan.txt", "application/pdf", len(PDF))
    assert (record["status"], record["bucket"], record["record_id"]) == ("ready", "local", customer)
    assert caller.get(f"/files/{record['id']}/download").raw == PDF


# The log.


@holds("S1-9")
def test_each_write_leaves_one_entry_in_the_log(caller: Caller, browser: Browser) -> None:
    record = made(caller, "/customers", name="Ada")
    path = f"/customers/{record['id']}"
    done(browser.patch(path, {"name": "Bob"}))
    caller.post("/customers", {"name": ""})
    caller.patch(path, {"email": "nonsense"})
    assert caller.delete(path).status == 200
    log = caller.get(f"{path}/events").data
    assert [event["type"] for event in log] == [f"customer.{verb}" for verb in ("created", "updated", "deleted")]
    assert [event["actor_kind"] for event in log] == ["key", "user", "key"]
    assert log[1]["changes"] == {"name": ["Ada", "Bob"]}
    assert all(event["request_id"] and event["address"] for event in log)
    assert [event["type"] for event in caller.get("/events?resource=customer").data] == [event["type"] for event in log]


@holds("S1-9")
def test_issuing_and_revoking_keys_is_in_the_log_of_staff(acme: Caller) -> None:
    plaintext = make_key(acme.tenant, "read:customers")
    with using("admin"):
        key = ApiKey.objects.get(digest=digest(plaintext))
        revoke(key, actor=Actor.system(acme.tenant, "tests"))
        log = Event.every_tenant.filter(tenant=acme.tenant, record_id=key.pk).order_by("txid", "id")
        assert [event.type for event in log] == ["api_key.created", "api_key.revoked"]


# The documents.


@holds("S1-101")
def test_its_document_is_public_and_linked(nobody: Caller) -> None:
    answer = nobody.client.get("/api/public/v1/openapi.json")
    document = orjson.loads(answer.content)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"], document["openapi"]) == (200, "*", "3.1.0")
    page = nobody.client.get("/docs/public/").content.decode()
    assert '<a href="/api/public/v1/openapi.json"' in page


@holds("S1-101")
def test_the_reference_switches_between_the_contracts(nobody: Caller) -> None:
    for contract in CONTRACTS:
        page = nobody.client.get(f"/docs/{contract.name}/").content.decode()
        switch = page[page.index('<nav class="switch"') : page.index("</nav>", page.index('<nav class="switch"'))]
        assert re.findall(r'href="([^"]+)"', switch) == [f"/docs/{item.name}/" for item in CONTRACTS]
        assert re.findall(r'href="([^"]+)" aria-current="page"', switch) == [f"/docs/{contract.name}/"]


@holds("S1-102")
def test_the_reference_is_made_of_the_document(nobody: Caller) -> None:
    page = nobody.client.get("/docs/public/").content.decode()
    listed = re.findall(r"<li><code>(\w+) ([^<]+)</code>", page)
    document = orjson.loads(nobody.client.get("/api/public/v1/openapi.json").content)
    operations = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
    assert sorted(listed) == sorted(operations)


@holds("S1-89")
def test_the_document_requires_the_organization_header() -> None:
    document = build(PUBLIC)
    assert document["components"]["parameters"]["X-Organization-Id"]["required"] is True
    for methods in document["paths"].values():
        for operation in methods.values():
            assert {"$ref": "#/components/parameters/X-Organization-Id"} in operation["parameters"]
