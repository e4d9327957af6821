"""Products and services: prices, booking, and what belongs to services only."""

import pytest

from tests.conftest import Caller


def test_it_takes_the_tenants_currency_and_pads_the_price(acme: Caller) -> None:
    made = acme.post("/products", {"name": "Tap", "price": 5})
    assert made.status == 201, made.body
    assert (made.data["currency"], made.data["price"], made.data["type"]) == ("USD", "5.00", "product")
    yen = acme.patch(f"/products/{made.data['id']}", {"currency": "JPY"})
    assert yen.data["price"] == "5"


def test_it_lists_services_by_type(acme: Caller) -> None:
    acme.post("/products", {"name": "Tap", "price": 5})
    booking = {"lead_time_minutes": 60}
    made = acme.post(
        "/products", {"name": "Visit", "type": "service", "price": 50, "duration_minutes": 45, "booking": booking}
    )
    assert made.data["booking"] == {
        "bookable": True, "buffer_before_minutes": 0, "buffer_after_minutes": 0, "lead_time_minutes": 60,
        "days_ahead": 60,
    }  # fmt: skip
    assert [item["name"] for item in acme.get("/products?type=service").data] == ["Visit"]


@pytest.mark.parametrize("extra", [{"duration_minutes": 5}, {"booking": {}}])
def test_it_keeps_duration_and_booking_to_services(acme: Caller, extra: dict[str, object]) -> None:
    refused = acme.post("/products", {"name": "Tap", "price": 5, **extra})
    assert refused.status == 400
    assert refused.error["details"]["field"] == next(iter(extra))


def test_it_refuses_a_taken_sku_by_name(acme: Caller, globex: Caller) -> None:
    acme.post("/products", {"name": "Tap", "price": 5, "sku": "T-1"})
    refused = acme.post("/products", {"name": "Other", "price": 5, "sku": "T-1"})
    assert (refused.status, refused.error["code"], refused.error["details"]["field"]) == (409, "CONFLICT", "sku")
    assert globex.post("/products", {"name": "Tap", "price": 5, "sku": "T-1"}).status == 201
    assert [acme.post("/products", {"name": "No sku", "price": 5}).status for _ in range(2)] == [201, 201]


def test_it_fills_a_line_from_its_product(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    product = acme.post("/products", {"name": "Tap", "price": "12.5", "tax_rate": 20}).data["id"]
    made = acme.post("/invoices", {"client_id": client, "line_items": [{"product_id": product, "quantity": 2}]})
    assert made.status == 201, made.body
    line = made.data["line_items"][0]
    assert (line["description"], line["rate"], line["tax_rate"], line["amount"]) == ("Tap", "12.50", "20", "25.00")
    assert made.data["total"] == "30.00"
    other = acme.post("/invoices", {"client_id": client, "currency": "EUR", "line_items": [{"product_id": product}]})
    assert other.status == 400
    assert other.error["details"]["field"] == "line_items.0.rate"


def test_it_offers_no_delete_here(acme: Caller) -> None:
    made = acme.post("/products", {"name": "Tap", "price": 5}).data["id"]
    refused = acme.delete(f"/products/{made}")
    assert refused.status == 405
    assert "DELETE" not in refused.headers["Allow"]
