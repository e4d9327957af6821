"""Lines and totals are one and the same for quotes, orders and invoices."""

from typing import Any

import pytest
from django.utils import timezone

from crm.errors import InUse
from crm.resources.products.models import Product
from crm.rest import writes
from tenants.actor import Actor
from tenants.ids import decode
from tenants.scope import tenant_scope
from tests.conftest import Caller

KINDS = {"quotes": "send", "orders": "confirm", "invoices": "send"}
TOTALS = ("subtotal", "discount_total", "tax_total", "total")
FULL = {"description": "x", "quantity": "3", "rate": "0.3335", "discount_percent": "12.5", "tax_rate": "7.7"}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client_id(acme: Caller) -> str:
    return str(acme.post("/clients", {"name": "Ada", "currency": "CHF"}).data["id"])


def make(caller: Caller, kind: str, client: str, *lines: Any, **fields: Any) -> Any:
    return caller.post(f"/{kind}", {"client_id": client, "line_items": list(lines), **fields})


@pytest.mark.parametrize(("currency", "expected"), [
    ("JPY", ["1", "0", "0", "1"]), ("EUR", ["1.00", "0.12", "0.07", "0.95"]),
    ("KWD", ["1.000", "0.125", "0.067", "0.942"]),
])  # fmt: skip
def test_it_rounds_by_the_currency(acme: Caller, kind: str, client_id: str, currency: str, expected: list[str]) -> None:
    made = make(acme, kind, client_id, FULL, currency=currency)
    assert made.status == 201, made.body
    assert [made.data[name] for name in TOTALS] == expected
    assert acme.get(f"/{kind}/{made.data['id']}").data == made.data


def test_it_takes_the_clients_currency(acme: Caller, kind: str, client_id: str) -> None:
    assert make(acme, kind, client_id, FULL).data["currency"] == "CHF"


def test_it_fills_a_line_from_its_product(acme: Caller, kind: str, client_id: str) -> None:
    product = acme.post("/products", {"name": "Pipe", "price": "12.5", "currency": "CHF", "tax_rate": 8}).data["id"]
    made = make(acme, kind, client_id, {"product_id": product, "quantity": 2}).data
    line = made["line_items"][0]
    assert (line["description"], line["rate"], line["amount"], made["total"]) == ("Pipe", "12.50", "25.00", "27.00")
    foreign = make(acme, kind, client_id, {"product_id": product}, currency="EUR")
    assert foreign.error["details"]["field"] == "line_items.0.rate"
    actor = Actor.system(acme.tenant, "tests")
    with tenant_scope(acme.tenant.id), pytest.raises(InUse) as caught:
        writes.delete(Product.objects.of(acme.tenant).get(pk=decode("prd", product)), actor=actor)
    assert caught.value.counts == {kind: 1}


def test_it_computes_anew_while_it_is_a_draft(acme: Caller, kind: str, client_id: str) -> None:
    path = f"/{kind}/{make(acme, kind, client_id, FULL).data['id']}"
    assert acme.patch(path, {"currency": "JPY"}).data["total"] == "1"
    assert acme.patch(path, {"line_items": [{"description": "y", "rate": 7}] * 2}).data["total"] == "14"
    assert acme.patch(path, {"line_items": []}).data["total"] == "0"


def test_it_freezes_lines_afterwards(acme: Caller, kind: str, client_id: str) -> None:
    path = f"/{kind}/{make(acme, kind, client_id, FULL).data['id']}"
    assert acme.post(f"{path}/{KINDS[kind]}").status == 200
    for name, value in {
        "line_items": [],
        "currency": "EUR",
        "client_id": client_id,
        "issue_date": "2026-01-31",
    }.items():
        refused = acme.patch(path, {name: value})
        assert (refused.status, refused.error["details"]["field"]) == (409, name)


def test_it_needs_lines_to_count(acme: Caller, kind: str, client_id: str) -> None:
    path = f"/{kind}/{make(acme, kind, client_id).data['id']}"
    refused = acme.post(f"{path}/{KINDS[kind]}")
    assert (refused.status, refused.error["details"]["field"]) == (409, "line_items")
    assert acme.get(path).data["number"] is None


def test_it_counts_each_kind_and_year_by_itself(acme: Caller, client_id: str) -> None:
    def number(kind: str, day: str) -> str:
        made = make(acme, kind, client_id, FULL, issue_date=day).data
        return str(acme.post(f"/{kind}/{made['id']}/{KINDS[kind]}").data["number"])

    for kind, letters in {"quotes": "QUO", "orders": "ORD", "invoices": "INV"}.items():
        days = ("2026-01-31", "2026-12-31", "2027-01-01")
        assert [number(kind, day) for day in days] == [
            f"{letters}-2026-00001",
            f"{letters}-2026-00002",
            f"{letters}-2027-00001",
        ]


def test_it_refuses_a_negative_total(acme: Caller, kind: str, client_id: str) -> None:
    refused = make(acme, kind, client_id, {"description": "Credit", "rate": -5})
    assert (refused.status, refused.error["details"]["field"]) == (400, "line_items")


def test_it_dates_it_today(acme: Caller, kind: str, client_id: str) -> None:
    assert make(acme, kind, client_id).data["issue_date"] == timezone.now().date().isoformat()


def test_it_shows_as_many_lines_as_it_takes(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    lines = [{"description": f"Part {number}", "rate": "1.00"} for number in range(200)]
    made = acme.post("/invoices", {"client_id": client, "line_items": lines}).data
    assert [line["description"] for line in made["line_items"]] == [line["description"] for line in lines]
    assert acme.get(f"/invoices/{made['id']}").data["line_items"] == made["line_items"]
    assert acme.get("/invoices").data[0]["total"] == "200.00"
