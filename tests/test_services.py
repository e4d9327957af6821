"""Services: the part of the catalogue that can be booked, under the scopes and events of the products."""

from typing import Any

import pytest

from apikeys.scopes import catalogue
from crm.contracts.v1 import V1
from crm.registry import RESOURCES
from crm.rest.contract import Contract
from crm.rest.router import mount
from tests.conftest import Answer, Caller

WITH_SERVICES = Contract(name="with-services", title="With services", mounts=("api/booking/",), deleted_message=True)
urlpatterns = [*mount(WITH_SERVICES, RESOURCES), *mount(V1, RESOURCES)]
VISIT = {"name": "Visit", "price": 50, "duration_minutes": 45, "booking": {"lead_time_minutes": 60}}

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def booking(acme: Caller) -> Caller:
    """Return Acme as a caller of a contract that has services beside products."""
    return Caller(acme.tenant, acme.key, "/api/booking")


def make(caller: Caller, **fields: Any) -> Answer:
    made = caller.post("/services", VISIT | fields)
    assert made.status == 201, made.body
    return made


def test_it_makes_a_service(booking: Caller) -> None:
    made = make(booking).data
    assert made["id"].startswith("prd_") and "type" not in made
    assert (made["price"], made["duration_minutes"], made["booking"]["bookable"]) == ("50.00", 45, True)
    assert booking.get(f"/services/{made['id']}").data == made
    assert booking.get(f"/products/{made['id']}").data == {**made, "type": "service"}


def test_it_lists_services_only(booking: Caller) -> None:
    service = make(booking).data["id"]
    goods = booking.post("/products", {"name": "Tap", "price": 5}).data["id"]
    listed = booking.get("/services")
    assert [row["id"] for row in listed.data] == [service]
    assert listed.body["pagination"]["total"] == 1
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert booking(method, f"/services/{goods}", body).status == 404, method
    assert booking.get(f"/services/{goods}/events").status == 404


def test_it_refuses_to_become_goods(booking: Caller) -> None:
    made = make(booking).data["id"]
    assert booking.patch(f"/services/{made}", {"type": "product"}).status == 400
    assert booking.patch(f"/services/{made}", {"price": "60"}).data["price"] == "60.00"


def test_it_leaves_the_events_of_a_product(booking: Caller) -> None:
    made = make(booking).data
    booking.patch(f"/services/{made['id']}", {"duration_minutes": 60})
    events = booking.get(f"/services/{made['id']}/events").data
    assert [event["type"] for event in events] == ["product.created", "product.updated"]
    assert events[0]["data"] == {**made, "type": "service"}
    assert events[1]["changes"] == {"duration_minutes": [45, 60]}


def test_it_takes_the_scopes_of_products(booking: Caller) -> None:
    made = make(booking).data["id"]
    reader = booking.with_scopes("read:services")
    assert reader.get(f"/services/{made}").status == 200
    refused = reader.patch(f"/services/{made}", {"name": "x"})
    assert (refused.status, refused.error["details"]["required_scope"]) == (403, "products:write")
    assert reader("OPTIONS", "/services").data["permissions"] == {"read": True, "write": False, "delete": False}
    assert [category.resource for category in catalogue()].count("services") == 0


def test_it_is_deleted_by_its_own_name(booking: Caller) -> None:
    assert booking.delete(f"/services/{make(booking).data['id']}").body["message"] == "Service deleted successfully"


def test_it_stands_among_the_products_on_v1(acme: Caller) -> None:
    assert acme.get("/services").status == 404
