"""Document 000, the introduction of the CRM's API: what `/v1` and `/functions/v1/crm-api/v1` promise."""

import re
import time
from typing import Any
from uuid import uuid4

import pytest

from apikeys.scopes import catalogue
from apikeys.secrets import PATTERN
from crm.contracts.v1 import V1
from crm.docs.generator import build
from tenants import ids
from tests.browsers import make_member
from tests.conftest import ADDRESSES, Answer, Caller, make_key
from tests.documents import holds
from tests.routes import Route, routes
from tests.test_settings_pages import KEYS, NEW, client_of, filled

NESTED = "/functions/v1/crm-api/v1"
LINE = {"description": "Service", "quantity": 1, "rate": "100.00"}


def v1_routes() -> list[Route]:
    return [route for route in routes() if route.contract is V1]


def make(caller: Caller, path: str, **body: Any) -> str:
    """Make a record and return its id."""
    made = caller.post(path, body)
    assert made.status == 201, made.body
    return str(made.data["id"])


def limited(caller: Caller) -> Caller:
    """Return a caller whose key has the limits of its plan."""
    return Caller(caller.tenant, make_key(caller.tenant, per_minute=None))


# Base, authentication, format.


@holds("S0-1")
def test_it_lives_under_a_path_that_ends_in_v1(acme: Caller) -> None:
    client = make(acme, "/clients", name="Ada")
    plain, nested = acme.get(f"/v1/clients/{client}"), acme.get(f"{NESTED}/clients/{client}")
    assert plain.status == nested.status == 200
    assert plain.data == nested.data


@holds("S0-2")
def test_it_has_a_host_of_its_own(acme: Caller, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["your-instance.example"]
    assert acme.get("/clients", Host="your-instance.example").status == 200
    assert acme.get("/clients", Host="other-instance.example").status == 400


@holds("S0-3")
def test_nothing_is_anonymous(nobody: Caller) -> None:
    nobody.headers["Authorization"] = ""
    for route in v1_routes():
        for method in route.actions:
            # Whoever shows no key is counted by address: each asks from one of its own.
            nobody.client.defaults["REMOTE_ADDR"] = next(ADDRESSES)
            assert nobody(method, route.at(ids.encode(route.view.prefix, ids.new()))).status == 401, route.path


@holds("S0-4")
def test_it_takes_the_key_as_a_bearer(acme: Caller) -> None:
    assert acme.get("/clients", Authorization=f"Bearer {acme.key}").status == 200
    for wrong in (acme.key, f"Basic {acme.key}", "Bearer", f"Bearer {acme.key}x"):
        assert acme.get("/clients", Authorization=wrong).status == 401, wrong


@holds("S0-5", "S0-6")
def test_its_keys_are_made_in_the_settings_with_a_name_and_scopes(acme: Caller) -> None:
    owner = client_of(make_member(acme.tenant))
    assert re.search(f'href="{NEW}[^"]*">Create API key</a>', owner.get(KEYS).content.decode())
    page = owner.get(NEW).content.decode()
    assert 'name="name"' in page and 'name="scopes" value="clients:read"' in page
    for answer in (filled(owner, name=""), filled(owner, scopes=[])):
        assert not PATTERN.search(answer.content.decode())
    assert PATTERN.search(filled(owner).content.decode())


@holds("S0-7")
def test_its_keys_are_shown_once(acme: Caller) -> None:
    owner = client_of(make_member(acme.tenant))
    assert len(set(PATTERN.findall(filled(owner).content.decode()))) == 1
    assert not PATTERN.search(owner.get(KEYS).content.decode())


@holds("S0-8")
def test_its_version_stands_in_the_url(acme: Caller) -> None:
    assert acme.get("/v1/clients").status == 200
    assert acme.client.get("/v2/clients", headers=acme.shown()).status_code == 404


@holds("S0-9")
@pytest.mark.urls("tests.rest.second_version")
def test_a_second_version_can_stand_beside_it(acme: Caller) -> None:
    client = make(acme, "/clients", name="Ada")
    both = [acme.get(f"http://testserver/{version}/clients/{client}") for version in ("v1", "v2")]
    assert [answer.data["name"] for answer in both] == ["Ada", "Ada"]


@holds("S0-10")
def test_it_speaks_json(acme: Caller) -> None:
    assert acme.get("/clients").headers["Content-Type"] == "application/json"
    sent: Any = {"data": "name=Ada", "content_type": "text/plain", "headers": acme.shown()}
    assert acme.client.post("/v1/clients", **sent).status_code == 415


@holds("S0-11")
def test_it_takes_json_bodies_with_post_and_put(acme: Caller) -> None:
    client = make(acme, "/clients", name="Ada")
    assert acme.put(f"/clients/{client}", {"name": "Grace"}).data["name"] == "Grace"


@holds("S0-12")
def test_it_puts_the_answer_in_data(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"})
    assert isinstance(made.body["data"], dict) and made.data["id"]
    assert isinstance(acme.get("/clients").body["data"], list)


@holds("S0-13")
def test_it_takes_uuids_wherever_ids_stand(acme: Caller) -> None:
    client = make(acme, "/clients", name="Ada")
    uuid = str(ids.decode("cli", client))
    assert acme.get(f"/clients/{uuid}").data["id"] == client
    invoice = make(acme, "/invoices", client_id=uuid, line_items=[LINE])
    assert [row["id"] for row in acme.get(f"/invoices?client_id={uuid}").data] == [invoice]
    assert acme.get(f"/clients/{uuid4()}").status == 404


@holds("S0-14", "S0-15")
def test_its_errors_have_a_message_and_a_code(acme: Caller, nobody: Caller) -> None:
    reader = acme.with_scopes("clients:read")
    for refused in (acme.post("/clients", {}), acme.get("/clients/x"), reader.post("/clients"), nobody.get("/clients")):
        assert set(refused.body) == {"success", "error"}
        assert isinstance(refused.error["message"], str) and refused.error["message"]
        assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", refused.error["code"])


# Status codes.


def explode(*_: object, **__: object) -> None:
    raise RuntimeError


def answers_of(acme: Caller, nobody: Caller, monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """Return an answer of each kind, by the number that it is about."""
    once = Caller(acme.tenant, make_key(acme.tenant, per_minute=1))
    found = {
        "S0-16": acme.get("/clients"),
        "S0-17": acme.post("/clients", {"name": "Ada"}),
        "S0-18": acme.post("/clients", {"name": 1}),
        "S0-19": Caller(nobody.tenant, "kith_live_wrong").get("/clients"),
        "S0-20": acme.with_scopes("clients:read").post("/clients", {"name": "Ada"}),
        "S0-21": acme.get(f"/clients/{uuid4()}"),
        "S0-22": [once.get("/clients") for _ in range(3)][-1],
    }
    monkeypatch.setattr("crm.rest.viewset.read_query", explode)
    return found | {"S0-23": acme.get("/clients")}


@holds("S0-16", "S0-17", "S0-18", "S0-19", "S0-20", "S0-21", "S0-22", "S0-23")
def test_it_answers_with_the_status_of_the_matter(
    acme: Caller, nobody: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {number: answer.status for number, answer in answers_of(acme, nobody, monkeypatch).items()}
    assert list(found.values()) == [200, 201, 400, 401, 403, 404, 429, 500]


# Rate limits.


@holds("S0-24", "S0-29")
def test_it_allows_100_a_minute_and_refuses_the_next(acme: Caller) -> None:
    caller = limited(acme)
    # The minute may turn in the middle: within 201 requests at least one is the 101st of its minute.
    statuses = [caller.get("/clients?limit=1&fields=id").status for _ in range(201)]
    first = statuses.index(429)
    assert first >= 100 and set(statuses[:first]) == {200}
    assert caller.get("/clients").headers["X-RateLimit-Limit"] == "100"


@holds("S0-24")
def test_it_counts_each_key_for_itself(acme: Caller) -> None:
    one, other = limited(acme), limited(acme)
    one.get("/clients")
    assert other.get("/clients").headers["X-RateLimit-Remaining"] == "99"


@holds("S0-25", "S0-26", "S0-27", "S0-28")
def test_it_tells_in_headers_how_much_is_left(acme: Caller) -> None:
    caller = limited(acme)
    for answer in (caller.get("/clients"), caller.post("/clients", {}), caller.get("/nothing")):
        headers = answer.headers
        assert headers["X-RateLimit-Limit"] == "100"
        assert 96 < int(headers["X-RateLimit-Remaining"]) < 100
        assert 0 <= int(headers["X-RateLimit-Reset"]) - time.time() + 1 <= 61


# Scopes.

# What each scope is for: a request that it alone opens.
SCOPES = {
    "S0-30": ("clients:read", "GET", "/clients"),
    "S0-31": ("clients:write", "POST", "/clients"),
    "S0-32": ("invoices:read", "GET", "/invoices"),
    "S0-33": ("invoices:write", "POST", "/invoices"),
    "S0-34": ("quotes:read", "GET", "/quotes"),
    "S0-35": ("quotes:write", "POST", "/quotes"),
    "S0-36": ("payments:read", "GET", "/payments"),
    "S0-37": ("payments:write", "POST", "/payments"),
    "S0-38": ("products:read", "GET", "/products"),
    "S0-39": ("products:write", "POST", "/products"),
    "S0-40": ("projects:read", "GET", "/projects"),
    "S0-41": ("projects:write", "POST", "/projects"),
    "S0-42": ("webhooks:read", "GET", "/webhooks"),
    "S0-43": ("webhooks:write", "POST", "/webhooks"),
    "S0-44": ("marketing:write", "POST", "/marketing/lists"),
}


def others(scope: str) -> list[str]:
    """Return every scope but this one."""
    return [name for category in catalogue() for name in category.scopes if name != scope]


@holds(*SCOPES, "S0-46")
@pytest.mark.parametrize(("scope", "method", "path"), SCOPES.values(), ids=[scope for scope, *_ in SCOPES.values()])
def test_a_scope_opens_what_no_other_opens(acme: Caller, scope: str, method: str, path: str) -> None:
    client = make(acme, "/clients", name="Ada")
    bodies: dict[str, Any] = {
        "/clients": {"name": "Grace"},
        "/products": {"name": "Pipe", "price": "9.50"},
        "/payments": {"client_id": client, "amount": "10.00", "method": "cash"},
        "/projects": {"name": "Bathroom"},
        "/marketing/lists": {"name": "Newsletter"},
        "/webhooks": {"url": "https://example.com/hooks", "events": ["*"]},
    }
    body = bodies.get(path, {"client_id": client, "line_items": [LINE]}) if method == "POST" else None
    assert acme.with_scopes(scope)(method, path, body).status == (200 if method == "GET" else 201)
    refused = acme.with_scopes(*others(scope))(method, path, body)
    assert (refused.status, refused.code) == (403, "INVALID_SCOPE")
    assert scope in refused.error["message"]


@holds("S0-31")
def test_writing_is_making_and_changing(acme: Caller) -> None:
    writer = acme.with_scopes("clients:write")
    client = make(writer, "/clients", name="Ada")
    assert writer.put(f"/clients/{client}", {"name": "Grace"}).status == 200
    assert writer.get(f"/clients/{client}").status == writer.delete(f"/clients/{client}").status == 403


@holds("S0-39", "S0-69")
def test_services_are_among_the_products(acme: Caller) -> None:
    caller = acme.with_scopes("products:write", "products:read")
    for kind in ("product", "service"):
        make(caller, "/products", type=kind, name=f"A {kind}", price="9.50")
    assert {row["type"] for row in caller.get("/products").data} == {"product", "service"}
    assert [row["type"] for row in caller.get("/products?type=service").data] == ["service"]


@holds("S0-45")
def test_every_operation_documents_its_scope_and_asks_for_it(acme: Caller) -> None:
    document = build(V1)
    # Here no product is deleted.
    nothing = acme.with_scopes("products:delete")
    for route in v1_routes():
        for method in {*route.actions} - {"OPTIONS"}:
            path = route.path.removeprefix("/v1").removeprefix(NESTED).replace("{pk}", "{id}")
            told = document["paths"][path][method.lower()]
            (scope, *_) = re.findall(r"`(\w+:\w+)`", told["description"].split("Scope")[1])
            refused = nothing(method, route.at(ids.encode(route.view.prefix, ids.new())))
            assert refused.status == 403 and scope in refused.error["message"], (method, path)


# Idempotency.


@holds("S0-47", "S0-48", "S0-49")
def test_the_same_idempotency_key_gives_the_same_answer_and_one_record(acme: Caller) -> None:
    first, again = (acme.post("/clients", {"name": "Ada"}, Idempotency_Key="unique-key-here") for _ in range(2))
    assert (first.status, again.status) == (201, 201) and first.raw == again.raw
    assert acme.get("/clients").body["pagination"]["total"] == 1


@holds("S0-50")
def test_another_idempotency_key_is_another_operation(acme: Caller) -> None:
    made = [acme.post("/clients", {"name": "Ada"}, Idempotency_Key=key) for key in ("one", "two")]
    assert len({answer.data["id"] for answer in made}) == 2


# Tenants.


@holds("S0-51", "S0-52")
def test_a_key_sees_its_own_tenant_and_names_none(acme: Caller, globex: Caller) -> None:
    client = make(acme, "/clients", name="Ada")
    assert [row["id"] for row in acme.get("/clients").data] == [client]
    assert globex.get("/clients").data == []
    assert acme.get("/clients", X_Organization_Id=globex.tenant.slug).status == 403


@holds("S0-53")
@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PUT", {"name": "Eve"}), ("DELETE", None)])
def test_no_other_tenant_reaches_a_record(acme: Caller, globex: Caller, method: str, body: Any) -> None:
    path = f"/clients/{make(acme, '/clients', name='Ada')}"
    assert globex(method, path, body).status == 404
    assert acme.get(path).data["name"] == "Ada"


# Endpoints: tests/documents/printed.py has their lines; here is what they do.


@holds("S0-54", "S0-55", "S0-56", "S0-57", "S0-58")
@pytest.mark.parametrize("base", ["/v1", NESTED])
def test_a_client_is_made_listed_read_changed_and_deleted(acme: Caller, base: str) -> None:
    client = make(acme, f"{base}/clients", name="Ada", email="ada@example.com")
    assert [row["id"] for row in acme.get(f"{base}/clients").data] == [client]
    assert acme.put(f"{base}/clients/{client}", {"name": "Grace"}).status == 200
    read = acme.get(f"{base}/clients/{client}").data
    assert (read["name"], read["email"]) == ("Grace", "ada@example.com")
    assert acme.delete(f"{base}/clients/{client}").status == 200
    assert acme.get(f"{base}/clients/{client}").status == 404


@holds("S0-59", "S0-60", "S0-61", "S0-62")
def test_an_invoice_is_made_listed_read_and_changed(acme: Caller) -> None:
    client = make(acme, "/clients", name="Ada")
    invoice = make(acme, "/invoices", client_id=client, due_date="2030-12-31", line_items=[LINE])
    assert [row["id"] for row in acme.get("/invoices").data] == [invoice]
    assert acme.put(f"/invoices/{invoice}", {"due_date": "2031-01-31"}).status == 200
    read = acme.get(f"/invoices/{invoice}").data
    assert (read["due_date"], read["total"]) == ("2031-01-31", "100.00")


@holds("S0-63")
def test_an_invoices_status_has_a_path_of_its_own(acme: Caller) -> None:
    invoice = make(acme, "/invoices", client_id=make(acme, "/clients", name="Ada"), line_items=[LINE])
    assert acme.patch(f"/invoices/{invoice}/status", {"status": "sent"}).data["status"] == "sent"
    back = acme.patch(f"/invoices/{invoice}/status", {"status": "draft"})
    assert (back.status, back.code) == (409, "INVALID_TRANSITION")


@holds("S0-64", "S0-68")
@pytest.mark.parametrize("kind", ["invoices", "products"])
def test_invoices_and_products_are_not_deleted(acme: Caller, kind: str) -> None:
    client = make(acme, "/clients", name="Ada")
    bodies: dict[str, Any] = {
        "invoices": {"client_id": client, "line_items": [LINE]},
        "products": {"name": "Pipe", "price": "9.50"},
    }
    record = make(acme, f"/{kind}", **bodies[kind])
    refused = acme.delete(f"/{kind}/{record}")
    assert refused.status == 405 and "DELETE" not in refused.headers["Allow"]
    assert acme.get(f"/{kind}/{record}").status == 200


@holds("S0-65", "S0-66", "S0-67", "S0-68")
def test_a_product_is_made_listed_read_and_changed(acme: Caller) -> None:
    product = make(acme, "/products", name="Pipe", price="9.50")
    assert [row["id"] for row in acme.get("/products").data] == [product]
    assert acme.put(f"/products/{product}", {"price": "10"}).status == 200
    read = acme.get(f"/products/{product}").data
    assert (read["name"], read["price"]) == ("Pipe", "10.00")


@holds("S0-70", "S0-71", "S0-72", "S0-73", "S0-74", "S0-75")
def test_a_webhook_is_made_listed_read_changed_tested_and_deleted(acme: Caller) -> None:
    webhook = make(acme, "/webhooks", url="https://example.com/hooks", events=["invoice.paid"])
    assert [row["id"] for row in acme.get("/webhooks").data] == [webhook]
    assert acme.put(f"/webhooks/{webhook}", {"events": ["invoice.*"]}).status == 200
    read = acme.get(f"/webhooks/{webhook}").data
    assert (read["url"], read["events"]) == ("https://example.com/hooks", ["invoice.*"])
    assert acme.post(f"/webhooks/{webhook}/test").data["type"] == "ping"
    assert acme.delete(f"/webhooks/{webhook}").status == 200
    assert acme.get(f"/webhooks/{webhook}").status == 404


@holds("S0-76")
@pytest.mark.parametrize("path", ["quotes", "payments", "projects", "marketing/lists", "marketing/campaigns"])
def test_what_has_scopes_has_routes(acme: Caller, path: str) -> None:
    assert acme.get(f"/{path}").status == 200


# Examples.


@holds("S0-78", "S0-79")
def test_an_invoice_is_what_the_example_says(acme: Caller) -> None:
    client = make(acme, "/clients", name="Ada")
    line = b'{"description": "x", "quantity": 3, "rate": 0.10}'
    body = b'{"client_id": "%s", "due_date": "2030-12-31", "line_items": [%s]}' % (client.encode(), line)
    made = acme.post("/invoices", body)
    assert made.status == 201
    (line,) = made.data["line_items"]
    assert (line["description"], line["quantity"], line["rate"]) == ("x", "3", "0.10")
    assert (made.data["client_id"], made.data["due_date"], made.data["total"]) == (client, "2030-12-31", "0.30")


@holds("S0-81")
def test_its_pages_lead_on_and_skip_to_their_content(nobody: Caller) -> None:
    text = nobody.client.get("/").content.decode()
    assert re.search(r'<nav aria-labelledby="next">\s*<h2 id="next">Next steps</h2>\s*<ul', text)
    for path in ("/", "/docs/"):
        page = nobody.client.get(path).content.decode()
        assert '<a class="skip" href="#content">Skip to content</a>' in page and 'id="content" tabindex="-1"' in page
