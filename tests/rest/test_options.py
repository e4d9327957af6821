"""OPTIONS: what a resource is, its fields and relations, and what the caller may do with it."""

import pytest

from crm.registry import CONTRACTS, RESOURCES
from crm.rest.lists import offered
from crm.rest.router import bound_views
from tenants import ids
from tests.conftest import Caller

VIEWS = bound_views(CONTRACTS[0], RESOURCES)


@pytest.mark.parametrize("plural", [plural for plural, view in VIEWS.items() if view.methods])
def test_it_describes_every_resource(acme: Caller, plural: str) -> None:
    view = VIEWS[plural]
    many, one = f"/{view.path}", f"/{view.path}/{ids.encode(view.prefix, ids.new())}"
    for path in (many, one) if "list" in view.methods else (one,):
        answer = acme("OPTIONS", path)
        assert answer.status == 200
        told = answer.data
        assert (told["entity"], told["methods"][-1]) == (plural, "OPTIONS")
        assert told["schema"].keys() == view.serializer_class().fields.keys()
        assert told["relations"].keys() == offered(view).keys()
        assert told["permissions"] == {"read": True, "write": True, "delete": True}
        assert told["rate_limit"] == {"limit": 1_000_000, "window": "1m"}


def test_it_describes_fields(acme: Caller) -> None:
    told = acme("OPTIONS", "/clients").data
    assert told["methods"] == ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    schema = told["schema"]
    assert schema["id"] == {"type": "string", "required": False, "generated": True}
    assert schema["name"] == {
        "type": "string", "required": True, "maxLength": 200, "description": "How the client is called.",
    }  # fmt: skip
    assert (schema["email"]["type"], schema["tags"]["type"], schema["billing_address"]["type"]) == (
        "email",
        "array",
        "object",
    )
    assert schema["type"]["values"] == ["person", "company"]
    assert schema["created_at"]["type"] == "datetime"
    assert told["relations"]["invoices"] == {"type": "hasMany", "entity": "invoices", "foreign_key": "client_id"}


def test_it_tells_each_caller_what_it_may_do(acme: Caller) -> None:
    for scopes, allowed in ((["clients:read"], "read"), (["write"], "write"), (["clients:delete"], "delete")):
        told = acme.with_scopes(*scopes)("OPTIONS", "/clients").data["permissions"]
        assert [verb for verb, may in told.items() if may] == [allowed]
    assert acme.with_scopes("events:read")("OPTIONS", "/clients").data["permissions"] == dict.fromkeys(
        ("read", "write", "delete"), False
    )


def test_it_needs_a_key(nobody: Caller) -> None:
    assert nobody("OPTIONS", "/clients").status == 401
