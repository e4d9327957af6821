"""/v2 beside /v1: one contract more renames a field, leaves one out, and the old one says that its time will come."""

import pytest

from crm.docs.breaking import breaks
from crm.docs.generator import build
from tests.conftest import Caller
from tests.rest.second_version import OLD, V2

pytestmark = pytest.mark.urls("tests.rest.second_version")
NOTICE = ("Deprecation", "Sunset", "Link")


@pytest.fixture
def new(acme: Caller) -> Caller:
    return acme.on(V2)


def test_both_serve_the_same_record(acme: Caller, new: Caller) -> None:
    made = new.post("/clients", {"name": "Ada", "organization": "Analytical Engines"})
    assert made.status == 201, made.body
    old = acme.get(f"/clients/{made.data['id']}")
    assert (old.data["company_name"], old.data["website"]) == ("Analytical Engines", None)
    assert made.data == {
        ("organization" if name == "company_name" else name): value
        for name, value in old.data.items()
        if name != "website"
    }


def test_the_new_one_knows_no_old_name(new: Caller) -> None:
    for name in ("company_name", "website"):
        assert new.post("/clients", {"name": "Ada", name: "https://example.com"}).error["details"]["field"] == name
        assert new.get(f"/clients?{name}=x").error["details"]["field"] == name
        assert new.get(f"/clients?fields={name}").status == 400
        assert name not in new("OPTIONS", "/clients").data["schema"]
    assert new.get("/clients?sort=company_name").code == "INVALID_SORT"


def test_the_new_one_filters_and_sorts_by_its_names(new: Caller) -> None:
    for name in ("B", "A"):
        new.post("/clients", {"name": name, "organization": f"Firm {name}"})
    assert [row["name"] for row in new.get("/clients?sort=organization").data] == ["A", "B"]
    assert [row["name"] for row in new.get("/clients?organization=Firm B").data] == ["B"]


def test_only_the_old_one_gives_notice(acme: Caller, new: Caller) -> None:
    for answer in (acme.get("/clients"), acme.get("/nowhere"), acme.post("/clients", {})):
        assert {name: answer.headers[name] for name in NOTICE} == OLD.headers
    assert not set(NOTICE) & set(new.get("/clients").headers)


def test_their_documents_say_so() -> None:
    old, fresh = build(OLD), build(V2)
    assert all(operation["deprecated"] for methods in old["paths"].values() for operation in methods.values())
    assert "deprecated" not in fresh["paths"]["/clients"]["get"]
    assert set(NOTICE) <= old["paths"]["/clients"]["get"]["responses"]["200"]["headers"].keys()
    assert {"Client.website", "Client.company_name"} <= {item.where for item in breaks(old, fresh)}
