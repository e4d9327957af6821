"""The types of events: what is declared is what happens, and each event is what its schema says."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

import orjson
import pytest
from django.core.exceptions import ImproperlyConfigured
from jsonschema import Draft202012Validator

from crm.contracts.intake import INTAKE
from crm.contracts.public import PUBLIC
from crm.contracts.registry import REGISTRY
from crm.contracts.v1 import V1
from crm.docs.catalogue import event_types
from crm.docs.generator import build
from crm.registry import CONTRACTS, RESOURCES
from crm.resources.clients.models import Client
from crm.rest import writes
from crm.rest.contract import Contract
from crm.speech import CrmSpeech
from tenants import ids
from tenants.actor import Actor
from tenants.ledger import DATA_LIMIT
from tenants.models import Event
from tenants.scope import tenant_scope
from tests.conftest import Caller, make_caller
from tests.rest.made_up import MADE_UP
from tests.webhooks.happening import happen
from webhooks.speech import Heard

TELLING = (V1, PUBLIC, REGISTRY)
# One that nobody has published, with words of its own for almost all.
EVERY = pytest.mark.parametrize("contract", [*TELLING, MADE_UP], ids=lambda contract: contract.name)
ON_THE_WIRE = pytest.mark.parametrize("contract", TELLING, ids=lambda contract: contract.name)
Body = dict[str, Any]


@pytest.fixture(scope="module")
def busy(django_db_setup: None) -> tuple[Caller, ...]:
    """Return callers of two tenants, to whose records everything has happened."""
    callers = make_caller("demo"), make_caller("busy")
    happen(*callers)
    return callers


def told(caller: Caller, contract: Contract) -> Iterator[Body]:
    """Yield the body of every event that a webhook of the contract would get."""
    speech = CrmSpeech([contract], RESOURCES)
    with tenant_scope(caller.tenant.id):
        rows = list(Event.objects.of(caller.tenant).filter(audience=Event.Audience.PUBLIC))
    for row in rows:
        data, changes = (orjson.dumps(value).decode() for value in (row.data, row.changes))
        at = f"{row.occurred_at:%Y-%m-%dT%H:%M:%S.%fZ}"
        event = Heard(row.id, row.type, row.resource, at, row.record_version, data, changes)
        if speech.hears(contract.name, ("*:admin",), event):
            yield orjson.loads(speech.say(contract.name, event))


def faults(schema: Body, value: Any) -> list[str]:
    """Return what of a value its schema does not allow."""
    errors = Draft202012Validator(schema).iter_errors(value)
    return [f"{item.json_path} {item.message[:200]}" for error in errors for item in (error, *(error.context or ()))]


def test_it_declares_what_happens_and_nothing_else(busy: tuple[Caller, ...]) -> None:
    happened: set[str] = set()
    for caller in busy:
        with tenant_scope(caller.tenant.id):
            rows = Event.objects.of(caller.tenant).filter(audience=Event.Audience.PUBLIC)
            happened |= set(rows.values_list("type", flat=True))
    declared = set(event_types(V1))
    assert (happened - declared, declared - happened) == (set(), set())


@EVERY
def test_each_event_is_what_its_schema_says(
    busy: tuple[Caller, ...], contract: Contract, tally: dict[str, str]
) -> None:
    types, seen, wrong = event_types(contract), Counter[str](), []
    for body in chain.from_iterable(told(caller, contract) for caller in busy):
        kind = body[contract.wire("type")]
        seen[kind] += 1
        wrong += [f"{kind}: {fault}" for fault in faults(types[kind]["schema"], body)]
    assert wrong == []
    assert set(seen) == set(types)
    tally[f"events against their schemas, {contract.name}"] = f"{seen.total()} of {len(seen)} types"


@EVERY
def test_its_schemas_stand_on_their_own_and_its_examples_fit(contract: Contract) -> None:
    for name, item in event_types(contract).items():
        Draft202012Validator.check_schema(item["schema"])
        assert {ref.partition("/$defs/")[0] for ref in references(item["schema"])} == {"#"}
        assert (name, faults(item["schema"], item["example"])) == (name, [])
        assert item["example"][contract.wire("type")] == name == item["type"]


def references(schema: Any) -> Iterator[str]:
    """Yield what a schema refers to."""
    for name, part in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if name == "$ref":
            yield part
        elif isinstance(part, dict | list):
            yield from references(part)


@pytest.mark.parametrize("change", [
    {"id": "evt_1"}, {"type": "invoice.sent"}, {"timestamp": None}, {"record_version": 0}, {"data": {}},
    {"data": {"id": "inv_1"}}, {"data": {"id": "inv_1", "truncated": False}}, {"changes": {"status": "paid"}},
])  # fmt: skip
def test_a_schema_refuses(change: Body) -> None:
    item = event_types(V1)["invoice.paid"]
    assert faults(item["schema"], {**item["example"], **change})


def test_a_schema_asks_for_every_field_of_the_record() -> None:
    item = event_types(REGISTRY)["customer.created"]
    for name in item["example"]["data"]:
        data = {known: value for known, value in item["example"]["data"].items() if known != name}
        assert faults(item["schema"], {**item["example"], "data": data}), name


def test_a_record_that_no_event_holds_is_told_by_its_id(acme: Caller) -> None:
    texts = [{"description": "ü" * 1000, "rate": "1.00"}] * (DATA_LIMIT // 2000 + 1)
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    made = acme.post("/invoices", {"client_id": client, "line_items": texts})
    assert made.status == 201, made.body
    body = next(body for body in told(acme, V1) if body["type"] == "invoice.created")
    assert body["data"] == {"id": made.data["id"], "truncated": True}
    assert faults(event_types(V1)["invoice.created"]["schema"], body) == []


def test_what_nobody_declared_cannot_happen(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"}).data
    actor = Actor.system(acme.tenant, "tests")
    with tenant_scope(acme.tenant.id):
        client = Client.objects.get(pk=ids.decode("cli", made["id"]))
    with (
        pytest.raises(ImproperlyConfigured, match=r"Nobody can subscribe to client\.conquered"),
        writes.changing(client, actor=actor, verb="conquered"),
    ):
        client.name = "Eve"
    assert acme.get(f"/clients/{made['id']}").data == made


def test_a_contract_tells_of_its_own_resources_in_its_own_words() -> None:
    public, registry = event_types(PUBLIC), event_types(REGISTRY)
    assert {item["resource"] for item in public.values()} == {
        "customer", "appointment", "estimate", "invoice", "payment", "member", "service", "file",
        "webhook",
    }  # fmt: skip
    assert "recordVersion" in registry["user.updated"]["schema"]["required"]
    assert public["estimate.declined"]["description"] == "The customer does not want what the estimate offers."
    assert event_types(INTAKE) == {}


def test_a_part_of_the_catalogue_tells_what_the_whole_tells() -> None:
    whole, part = event_types(V1)["product.updated"], event_types(PUBLIC)["service.updated"]
    fields = part["schema"]["$defs"]["ServiceSnapshot"]["properties"]
    assert fields.keys() == whole["schema"]["$defs"]["Product"]["properties"].keys()
    assert fields["type"]["enum"] == [part["example"]["data"]["type"]] == ["service"]
    assert not [name for name in event_types(REGISTRY) if name.startswith("service.")]


# On the wire.


def walked(caller: Caller, query: str = "") -> list[Body]:
    """Return what all pages of the list hold."""
    found, place = [], ""
    while True:
        page = caller.get(f"/event-types?limit=10{query}{place}")
        assert (page.status, len(page.data) <= 10) == (200, True)
        found += page.data
        where = page.body["pagination"]
        if not (where.get("has_more") or where.get("hasNext")):
            return found
        place = f"&cursor={where['next_cursor']}" if where.get("next_cursor") else f"&page={where['page'] + 1}"


@ON_THE_WIRE
def test_it_lists_them_all_a_page_at_a_time(acme: Caller, contract: Contract) -> None:
    assert walked(acme.on(contract)) == list(event_types(contract).values())
    named = [item["type"] for item in walked(acme.on(contract), "&resource=invoice")]
    assert named == [name for name in event_types(contract) if name.startswith("invoice.")] != []


@ON_THE_WIRE
def test_it_gives_one_by_its_name(acme: Caller, contract: Contract) -> None:
    answer = acme.on(contract).get("/event-types/invoice.partially_paid")
    assert answer.data == event_types(contract)["invoice.partially_paid"]
    again = acme.on(contract).get("/event-types/invoice.partially_paid", If_None_Match=answer.headers["ETag"])
    assert (again.status, again.raw) == (304, b"")
    assert acme.on(contract).get("/event-types/invoice.partially_paid/").status == 200


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/event-types/invoice.eaten", 404, "NOT_FOUND"),
    ("/event-types/invoice", 404, "NOT_FOUND"),
    ("/event-types/invoice.paid/more", 404, "NOT_FOUND"),
    ("/event-types/invoice.paid?limit=1", 400, "VALIDATION_ERROR"),
    ("/event-types?nope=1", 400, "VALIDATION_ERROR"),
    ("/event-types?resource=tap", 400, "INVALID_FILTER"),
    ("/event-types?limit=0", 400, "VALIDATION_ERROR"),
    ("/event-types?limit=1&limit=2", 400, "VALIDATION_ERROR"),
    ("/event-types?cursor=made-up", 400, "VALIDATION_ERROR"),
    ("/event-types?cursor=x&offset=1", 400, "VALIDATION_ERROR"),
])  # fmt: skip
def test_it_answers(acme: Caller, path: str, status: int, code: str) -> None:
    answer = acme.get(path)
    assert (answer.status, answer.code) == (status, code), answer.body


def test_a_cursor_belongs_to_its_query(acme: Caller) -> None:
    cursor = acme.get("/event-types?limit=1&resource=invoice").body["pagination"]["next_cursor"]
    assert acme.get(f"/event-types?limit=1&cursor={cursor}").status == 400
    assert acme.get(f"/event-types?limit=1&resource=invoice&cursor={cursor}").data[0]["type"] == "invoice.updated"


def test_it_takes_the_scope_of_the_feed(acme: Caller, nobody: Caller) -> None:
    for path in ("/event-types", "/event-types/invoice.paid"):
        assert acme.with_scopes("events:read").get(path).status == 200
        refused = acme.with_scopes("clients:read").get(path)
        assert (refused.status, refused.error["details"]["required_scope"]) == (403, "events:read")
        assert Caller(acme.tenant, "kith_live_wrong").get(path).status == 401


@ON_THE_WIRE
def test_it_tells_what_it_is_and_takes_no_writes(acme: Caller, contract: Contract) -> None:
    told = acme.on(contract)("OPTIONS", "/event-types").data
    assert (told["entity"], told["methods"]) == ("event_types", ["GET", "OPTIONS"])
    assert told["permissions"] == {"read": True, "write": True, "delete": True}
    assert list(told["schema"]) == ["type", "resource", "description", "schema", "example"]
    refused = acme.on(contract).post("/event-types", {})
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_where_there_is_no_feed_there_are_no_types(acme: Caller) -> None:
    assert acme.on(INTAKE).get("/event-types").status == 404


# In the documents.


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_the_document_has_a_webhook_for_each(contract: Contract) -> None:
    document = build(contract)
    webhooks = document.get("webhooks", {})
    assert list(webhooks) == list(event_types(contract))
    tags, known = {tag["name"] for tag in document["tags"]}, document["components"]["parameters"]
    for name, item in webhooks.items():
        told = item["post"]
        assert told["description"] == event_types(contract)[name]["description"]
        assert set(told["tags"]) <= tags
        headers = [known[part["$ref"].rpartition("/")[2]]["name"] for part in told["parameters"]]
        assert headers == ["webhook-id", "webhook-timestamp", "webhook-signature"]
        content = told["requestBody"]["content"]["application/json"]
        whole = {**content["schema"], "components": document["components"]}
        assert (name, faults(whole, content["example"])) == (name, [])
        assert faults(whole, {**content["example"], contract.wire("type"): "invoice.eaten"})
    operations = [item["post"]["operationId"] for item in webhooks.values()]
    assert len(set(operations)) == len(operations)
