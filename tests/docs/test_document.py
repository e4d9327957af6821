"""The OpenAPI document: valid, whole, and true to what the API answers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.urls import resolve
from drf_spectacular.drainage import GENERATOR_STATS
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from crm.docs.event_types import event_type_paths
from crm.docs.examples import create_example
from crm.docs.failures import FAILURES
from crm.docs.generator import build
from crm.docs.guide import PLANS
from crm.registry import CONTRACTS, RESOURCES
from crm.rest.contract import Contract, TextErrors
from crm.rest.pages import NumberedPages
from crm.rest.router import bound_views, mount
from crm.rest.view import UnknownPath
from tenants.models import Plan
from tenants.routing import using
from tests.browsers import able
from tests.conftest import Caller
from tests.docs.seeding import path_of, seed

ROOT = Path(__file__).parents[2]
Document = dict[str, Any]


@pytest.fixture(params=CONTRACTS, ids=lambda contract: contract.name)
def contract(request: Any) -> Contract:
    found: Contract = request.param
    return found


@pytest.fixture
def document(contract: Contract) -> Document:
    return build(contract)


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def check(document: Document, schema: Document, value: Any) -> None:
    """Raise where the value is not one of the schema."""
    OAS31Validator({**schema, "components": document["components"]}).validate(value)


def test_it_is_valid(document: Document) -> None:
    validate(document)


def test_it_leaves_nothing_undescribed(document: Document) -> None:
    assert not GENERATOR_STATS, (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache)


def test_it_has_every_routed_operation_and_no_other(contract: Contract, document: Document) -> None:
    documented = {(method, path) for method, path, _ in operations(document)}
    assert documented == set(routed(contract))
    for method, path in documented:
        found = resolve(f"/{contract.mounts[0].rstrip('/')}{path.replace('{id}', 'x')}")
        assert method.lower() in vars(found.func)["actions"]


def routed(contract: Contract) -> Iterator[tuple[str, str]]:
    """Yield what the mounted patterns answer, read off their regular expressions."""
    resolver: Any = mount(contract, RESOURCES, event_type_paths(contract))[0]
    for pattern in resolver.url_patterns:
        if not issubclass(pattern.callback.cls, UnknownPath):
            path = re.sub(r"\(\?P<pk>[^)]*\)", "{id}", str(pattern.pattern)).replace("(?P<type>[^/]+)", "{type}")
            for method in set(pattern.callback.actions) - {"options"}:
                yield method.upper(), "/" + path.removeprefix("^").removesuffix("/?$")


def test_it_names_operations_for_people_and_programs(document: Document) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z0-9]*)+", name) for name in ids), ids
    wanted = "listClients createClient getClient updateClient replaceClient deleteClient listClientEvents sendInvoice"
    if document["info"]["title"] == "Kith API":
        assert set(wanted.split()) <= set(ids)


def test_it_says_the_scope_of_every_operation(document: Document) -> None:
    for _, path, operation in operations(document):
        assert operation["x-scopes"], path
        assert f"Scope: `{operation['x-scopes'][0]}`" in operation["description"]


def test_it_describes_every_tag_and_uses_each(document: Document) -> None:
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert all(tags.values())
    assert {tag for _, _, operation in operations(document) for tag in operation["tags"]} == set(tags)


def test_every_failure_has_the_one_shape(document: Document) -> None:
    for _, _, operation in operations(document):
        failed = [answer for status, answer in operation["responses"].items() if status >= "400"]
        assert all(answer["$ref"].startswith("#/components/responses/") for answer in failed)
    for answer in document["components"]["responses"].values():
        content = answer["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Error"}
        for example in content["examples"].values():
            check(document, content["schema"], example["value"])


def test_its_examples_fit_its_schemas(document: Document) -> None:
    for _, _, operation in operations(document):
        answers = [answer for status, answer in operation["responses"].items() if status in ("200", "201")]
        for place in [*answers, *([operation["requestBody"]] if "requestBody" in operation else [])]:
            for content in place["content"].values():
                # A file has no example.
                if content["schema"].get("format") != "binary":
                    check(document, content["schema"], content["example"])


def open_shapes(contract: Contract) -> list[str]:
    """Return the resources whose bodies take in what their shape does not have."""
    return [name for name, view in bound_views(contract, RESOURCES).items() if view.serializer_class.extras]


def test_requests_are_closed_and_answers_whole(contract: Contract, document: Document) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.endswith(("Create", "Update", "Input")):
            assert schema["additionalProperties"] is False or open_shapes(contract), name
            assert ("required" not in schema) or not name.endswith("Update"), name
        elif f"{name}Response" in document["components"]["schemas"]:
            included = {key for key, part in schema["properties"].items() if "include=" in part["description"]}
            assert set(schema["required"]) == set(schema["properties"]) - included, name


def test_its_components_are_what_the_api_answers(contract: Contract, document: Document, acme: Caller) -> None:
    acme, views = acme.on(contract), bound_views(contract, RESOURCES)
    ids = seed(acme, views, each=1)
    schemas = document["components"]["schemas"]
    for view in (view for view in views.values() if {"list", "create"} & {*view.methods}):
        if "list" not in view.methods:
            made = acme.post(f"/{path_of(view)}", create_example(view))
            answer = document["paths"][f"/{path_of(view)}"]["post"]["responses"][str(made.status)]
            check(document, answer["content"]["application/json"]["schema"], made.body)
            continue
        name = document_name(document, f"/{path_of(view)}")
        caller = able(acme, view)
        many = caller.get(f"/{path_of(view)}")
        assert set(many.data[0]) == set(schemas[name]["required"])
        assert set(many.body["pagination"]) == set(schemas["Pagination"]["required"])
        if "retrieve" in view.methods:
            one = caller.get(f"/{path_of(view)}/{ids[view.prefix][0]}")
            assert set(one.data) == set(schemas[name]["required"])
            check(document, {"$ref": f"#/components/schemas/{name}Response"}, one.body)
        check(document, {"$ref": f"#/components/schemas/{name}ListResponse"}, many.body)


def document_name(document: Document, path: str) -> str:
    """Return the name of the component that a list at `path` shows."""
    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return str(schema["$ref"].rpartition("/")[2].removesuffix("ListResponse"))


def test_it_knows_every_code_that_the_source_can_answer() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "crm").rglob("*.py") if "docs" not in path.parts)
    used = set(re.findall(r'code="([A-Z_]{4,})"', source)) | set(re.findall(r'\(\s*\d{3},\s*"([A-Z_]{4,})"', source))
    assert used >= {"NOT_FOUND", "CONFLICT", "INVALID_SORT"}
    assert used <= {failure.code for failure in FAILURES}


def test_it_knows_the_plans() -> None:
    with using("admin"):
        found = {(plan.name, plan.per_minute, plan.per_day) for plan in Plan.objects.all()}
    assert found == set(PLANS)


def test_it_speaks_its_contracts_language() -> None:
    """A contract of its own here, as different from the canonical one as the description allows."""
    other = Contract(
        name="other",
        title="Other",
        mounts=("other/v1/",),
        words={"client": "customer", "clients": "customers"},
        camel=True,
        paging=NumberedPages(),
        errors=TextErrors(),
        codes={"VALIDATION_ERROR": "VALIDATION_FAILED"},
        update_methods=("patch",),
        deleted_message=True,
        tenant_required=True,
    )
    document = build(other)
    validate(document)
    ids = {operation["operationId"] for _, _, operation in operations(document)}
    schemas, parameters = document["components"]["schemas"], document["components"]["parameters"]
    assert {"listCustomers", "updateCustomer"} <= ids
    assert "replaceCustomer" not in ids
    assert document["paths"]["/customers"]["get"]["x-scopes"] == ["customers:read"]
    assert {"customerId", "lineItems"} <= set(schemas["InvoiceCreate"]["properties"])
    assert set(schemas["Pagination"]["required"]) >= {"page", "totalPages", "hasNext"}
    assert schemas["Error"]["properties"]["error"]["type"] == "string"
    assert set(schemas["DeletedResponse"]["required"]) == {"success", "message"}
    assert {"page", "startDate"} <= set(parameters)
    assert parameters["X-Organization-Id"]["required"] is True


def test_it_is_served_to_everyone_under_every_mount(contract: Contract, nobody: Caller) -> None:
    for place in contract.mounts:
        answer = nobody.client.get(f"/{place}openapi.json")
        assert answer.status_code == 200
        assert orjson.loads(answer.content) == build(contract)
        again = nobody.client.get(f"/{place}openapi.json", headers={"If-None-Match": answer["ETag"]})
        assert again.status_code == 304


def test_it_is_compressed_for_those_who_ask(contract: Contract, nobody: Caller) -> None:
    answer = nobody.client.get(f"/{contract.mounts[0]}openapi.json", headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < 250_000


def test_the_command_writes_it(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "docs" / "it.json"
    call_command("openapi", contract.name, "--validate", "--fail-on-warn", "--file", path)
    assert orjson.loads(path.read_bytes()) == build(contract)
