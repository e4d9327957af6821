"""Search: every word, the last as a prefix, in any of the resource's columns, as people type it."""

from typing import Any

import pytest
from django.db import connections, transaction

from crm.registry import RESOURCES
from tenants.scope import tenant_scope
from tests.conftest import Caller

WHO = {
    "name": "Ada Lovelace-Byron",
    "company_name": "Müller & Söhne GmbH",
    "email": "ada.lovelace@analytical-engine.example.com",
    "phone": "+43 1 5861234",
    "external_ref": "ERP-00042/A",
}


@pytest.fixture
def shop(acme: Caller, globex: Caller) -> Caller:
    for caller in (acme, globex):
        assert caller.post("/clients", WHO).status == 201
    acme.post("/clients", {"name": "Somebody else"})
    return acme


def found(caller: Caller, text: str) -> list[str]:
    answer = caller.get(f"/clients?search={text}")
    assert answer.status == 200, answer.body
    return [row["name"] for row in answer.data]


@pytest.mark.parametrize("text", [
    "ada", "ADA", "Lovelace", "love", "ada love", "byron ada", "lovelace-by", "müller", "MÜLL", "söhne gmb",
    "ada.lovelace%40analytical-engine.example.com", "analytical", "engine.exam", "ada%40", "%2B4315861234", "43158",
    "ERP-00042/A", "erp-000", "00042", "  ada  ", "ada,byron", "%22ada%22",
])  # fmt: skip
def test_it_finds_by(shop: Caller, text: str) -> None:
    assert found(shop, text) == [WHO["name"]]


@pytest.mark.parametrize("text", ["da", "ada somebody", "lov ada", "xyz", "vip", "ada love x"])
def test_it_does_not_find_by(shop: Caller, text: str) -> None:
    assert found(shop, text) == []


@pytest.mark.parametrize("text", ["", "%20", "!!", "%27", "&", "_"])
def test_it_finds_all_where_there_is_no_word(shop: Caller, text: str) -> None:
    assert len(shop.get(f"/clients?search={text.replace('&', '%26')}").data) == 2


@pytest.mark.parametrize("text", ["' or 1=1 --", "a' & 'b", "a:*|b", "!a", "\\", "<->", "((", "'"])
def test_it_takes_operators_as_text(shop: Caller, text: str) -> None:
    assert shop("GET", "/clients?search=" + "".join(f"%{byte:02x}" for byte in text.encode())).status == 200


@pytest.mark.parametrize("name", ["हिन्दी नाम", "İstanbul", "ΣΊΣΥΦΟΣ", "北京 公司", "Straße", "ไทย", "Ǆungla", "naïve"])
def test_it_finds_every_script(acme: Caller, name: str) -> None:
    acme.post("/clients", {"name": name})
    for text in (name, name.split(maxsplit=1)[0], name[:4]):
        answer = acme("GET", "/clients?search=" + "".join(f"%{byte:02x}" for byte in text.encode()))
        assert [row["name"] for row in answer.data] == [name], text


def test_it_finds_invoices_by_their_client_and_number(shop: Caller) -> None:
    client = shop.get("/clients?search=ada").data[0]["id"]
    line = {"description": "x", "rate": 1}
    path = f"/invoices/{shop.post('/invoices', {'client_id': client, 'line_items': [line]}).data['id']}"
    number = shop.post(f"{path}/send").data["number"]
    for text in (number, number.lower()[:8], "lovelace"):
        assert [row["number"] for row in shop.get(f"/invoices?search={text}").data] == [number], text
    assert shop.get("/invoices?search=somebody").data == []


def test_it_says_where_nothing_can_be_searched(acme: Caller) -> None:
    answer = acme.get("/events?search=x")
    assert (answer.status, answer.error["details"]["field"]) == (400, "search")


def test_it_keeps_up_with_changes(shop: Caller) -> None:
    path = f"/clients/{shop.get('/clients?search=ada').data[0]['id']}"
    shop.patch(path, {"name": "Grace Hopper", "email": None})
    assert found(shop, "lovelace") == []
    assert found(shop, "hopp") == ["Grace Hopper"]


def test_it_finds_through_a_view_that_shows_the_running_tenant_alone(shop: Caller, globex: Caller) -> None:
    seen = "SELECT count(*) FROM crm_client_words"
    for caller, own in ((shop, 2), (globex, 1)):
        with tenant_scope(caller.tenant.pk), connections["default"].cursor() as cursor:
            cursor.execute(seen)
            assert cursor.fetchone() == (own,)
    with transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute(seen)
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("view", [view for view in RESOURCES if view.search_fields], ids=lambda view: view.plural)
def test_it_has_a_view_for_each_searched_column(view: Any) -> None:
    for path in view.search_fields:
        relation = path.rpartition("__")[0]
        model = view.model._meta.get_field(relation).related_model if relation else view.model
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [f"{model._meta.db_table}_words"])
            assert cursor.fetchone() != (None,), f'Add Searchable("{model.__name__}") to its migration.'
