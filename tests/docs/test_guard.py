"""The guard of the published contracts: it refuses what breaks a client, and lets all else pass."""

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from crm.contracts.v1 import V1
from crm.docs.breaking import Break, breaks
from crm.docs.generator import build
from crm.management.commands.openapi_guard import announced, copy_of

Document = dict[str, Any]
Change = Callable[[Document], Any]


@pytest.fixture(scope="module")
def published() -> Document:
    return build(V1)


def changed(document: Document, change: Change) -> list[str]:
    """Return what breaks, and where, once `change` was done to the document."""
    new = copy.deepcopy(document)
    change(new)
    return [str(item) for item in breaks(document, new)]


def schema(document: Document, name: str) -> Any:
    return document["components"]["schemas"][name]


def operation(document: Document, method: str, path: str) -> Any:
    return document["paths"][path][method]


def record_id(document: Document) -> Any:
    return schema(document, "FileCreate")["properties"]["record_id"]


def event(document: Document, name: str) -> Any:
    return document["webhooks"][name]["post"]


@pytest.mark.parametrize(("change", "told"), [
    (lambda d: d["paths"].pop("/clients/{id}"), "`GET /clients/{id}`: is gone"),
    (lambda d: operation(d, "get", "/clients")["parameters"].pop(), "`GET /clients`: no longer takes"),
    (lambda d: d["components"]["parameters"]["X-Organization-Id"].update(required=True), "requires X-Organization-Id"),
    (lambda d: operation(d, "post", "/clients").update({"x-scopes": ["clients:admin"]}), "takes the scope"),
    (lambda d: operation(d, "post", "/clients")["responses"].pop("201"), "`POST /clients 201`: is answered no more"),
    (lambda d: schema(d, "Client")["properties"].pop("email"), "`Client.email`: is gone"),
    (lambda d: schema(d, "Client")["required"].remove("email"), "`Client.email`: may be missing"),
    (lambda d: schema(d, "Client")["properties"]["name"].update(type=["string", "null"]), "`Client.name`: may be null"),
    (lambda d: schema(d, "Address")["properties"].pop("city"), "`Address.city`: is gone"),
    (lambda d: schema(d, "ClientCreate")["properties"].pop("email"), "`ClientCreate.email`: is taken no more"),
    (lambda d: schema(d, "ClientCreate")["required"].append("email"), "`ClientCreate.email`: is required"),
    (lambda d: schema(d, "ClientCreate")["properties"]["name"].update(maxLength=50), "has the maxLength 50"),
    (lambda d: schema(d, "ClientCreate")["properties"]["type"].update(enum=["person"]), "takes no company"),
    (lambda d: schema(d, "ClientCreate")["properties"]["name"].update(type="integer"), "takes no string"),
    (lambda d: schema(d, "ClientCreate")["properties"]["name"].update(format="uuid"), "has the format uuid"),
    (lambda d: operation(d, "post", "/clients").pop("requestBody"), "no longer takes a body"),
    (lambda d: operation(d, "get", "/clients")["responses"]["200"]["headers"].pop("RateLimit"), "lacks the header"),
    (lambda d: record_id(d).update(pattern=record_id(d)["pattern"].replace("cli_", "cly_")), "has the pattern"),
    (lambda d: d["webhooks"].pop("invoice.paid"), "`event invoice.paid`: is gone"),
    (lambda d: d.pop("webhooks"), "`event invoice.paid`: is gone"),
    (lambda d: event(d, "invoice.paid")["parameters"].pop(0), "`event invoice.paid`: lacks the header webhook-id"),
    (lambda d: event(d, "invoice.paid")["requestBody"].update(content={}), "is no longer application/json"),
    (lambda d: schema(d, "InvoiceEvent")["properties"].pop("changes"), "`InvoiceEvent.changes`: is gone"),
    (lambda d: schema(d, "InvoiceEvent")["required"].remove("data"), "`InvoiceEvent.data`: may be missing"),
    (lambda d: schema(d, "Invoice")["properties"].pop("amount_due"), "`Invoice.amount_due`: is gone"),
])  # fmt: skip
def test_it_finds_what_breaks_a_client(published: Document, change: Change, told: str) -> None:
    found = changed(published, change)
    assert any(told in line for line in found), found


@pytest.mark.parametrize("change", [
    lambda d: d["paths"].update({"/new": d["paths"]["/clients"]}),
    lambda d: d["webhooks"].update({"client.merged": d["webhooks"]["client.updated"]}),
    lambda d: schema(d, "InvoiceEvent")["properties"].update(actor={"type": "string"}),
    lambda d: schema(d, "Client")["properties"].update(nickname={"type": "string"}),
    lambda d: schema(d, "Client")["properties"]["type"].update(enum=["person", "company", "club"]),
    lambda d: schema(d, "ClientCreate")["properties"].update(nickname={"type": "string"}),
    lambda d: schema(d, "ClientCreate")["required"].remove("name"),
    lambda d: record_id(d).update(pattern=record_id(d)["pattern"].replace("^(", "^(new_[a-z]{26}|")),
    lambda d: schema(d, "ClientCreate")["properties"]["name"].update(maxLength=500),
    lambda d: schema(d, "ClientCreate")["properties"]["type"].update(enum=["person", "company", "club"]),
    lambda d: schema(d, "Client").update(description="Another sentence."),
    lambda d: d,
])  # fmt: skip
def test_it_lets_growth_pass(published: Document, change: Change) -> None:
    assert changed(published, change) == []


def test_it_accepts_what_the_changelog_announces() -> None:
    item = Break("Client.website", "is gone")
    said = "# Changelog\n\n## Unreleased\n\n### Breaking\n- v1 `Client.website`: gone; read `url`.\n\n### Added\n"
    assert announced(V1, item, said)
    for unsaid in (
        said.replace("v1 ", "public "),
        said.replace("Client.website", "Client.url"),
        said.replace("### Breaking", "### Changed"),
        said.replace("## Unreleased\n", "## Unreleased\n\n## 1.0.0\n"),
        "",
    ):
        assert not announced(V1, item, unsaid), unsaid


def test_its_copy_keeps_what_binds(published: Document) -> None:
    text = copy_of(published)
    assert b"x-codeSamples" not in text
    assert breaks(published, orjson.loads(text)) == []
    assert breaks(orjson.loads(text), published) == []
