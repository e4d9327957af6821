"""A made-up contract over the same resources: every name, path, page and error is its own, and no view knows it."""

from typing import Any
from urllib.parse import urlencode

import pytest

from crm.rest.query import PARAMETERS
from tests.bodies import make_body, placed, writable
from tests.conftest import Caller, make_key
from tests.forms import Form
from tests.records import Records
from tests.rest.made_up import MADE_UP
from tests.rest.words import canonical_words, leaked, refused
from tests.routes import routes

pytestmark = pytest.mark.urls("tests.rest.made_up")
URLS = "tests.rest.made_up"


@pytest.fixture
def records(acme: Caller) -> Records:
    return Records(Caller(acme.tenant, acme.key, ""), urlconf=URLS)


def test_it_takes_and_gives_its_own_names(kunde: Caller) -> None:
    made = kunde.post(
        "/kunden", {"name": "Ada", "art": "company", "rechnungsAddress": {"postZahl": "1010", "city": "Wien"}}
    )
    assert made.status == 201, made.body
    assert made.data["kennung"].startswith("cli_")
    assert (made.data["art"], made.data["rechnungsAddress"]["postZahl"]) == ("company", "1010")
    assert made.headers["Location"] == f"/kunde/v9/kunden/{made.data['kennung']}"
    assert made.headers["X-Fassung"] == "9"
    assert kunde.get(f"/kunden/{made.data['kennung']}").data == made.data


def test_it_leaves_the_users_json_alone(kunde: Caller) -> None:
    mine = {"client_id": 1, "line_items": [{"rate": 2}], "id": None}
    made = kunde.post("/kunden", {"name": "Ada", "metadata": mine, "customFelder": mine})
    assert made.data["metadata"] == made.data["customFelder"] == mine


def test_it_tells_what_happened_in_its_own_words(kunde: Caller) -> None:
    mine = {"client_id": 1, "line_items": [{"rate": 2}]}
    address = {"postZahl": "1010", "city": "Wien"}
    made = kunde.post("/kunden", {"name": "Ada", "metadata": mine, "rechnungsAddress": address})
    path = f"/kunden/{made.data['kennung']}"
    now = kunde.patch(path, {"rechnungsAddress": {**address, "postZahl": "1020"}}).data
    changed = kunde.get(f"{path}/ereignisse").data[-1]
    assert (changed["art"], changed["data"]) == ("kunde.geaendert", now)
    assert changed["data"]["metadata"] == mine
    before, after = changed["changes"]["rechnungsAddress"]
    assert (before["postZahl"], after["postZahl"]) == ("1010", "1020")
    alone = kunde.get(f"{path}/ereignisse?felder=changes").data[-1]
    assert alone == {"changes": changed["changes"]}


def test_it_shows_every_record_as_it_shows_its_shape(records: Records) -> None:
    for model, view in records.views.items():
        if "list" not in view.methods:
            continue
        row = records.list(view)[0]
        fields = view.serializer_class().fields
        assert set(row) == set(fields)
        assert not canonical_words() & row.keys(), model


def test_it_names_every_wrong_field_its_own_way(records: Records) -> None:
    for model, route in records.makers.items():
        shape = route.takes("POST")
        # A form is made of texts: an empty one fits as little.
        wrong: Any = "" if isinstance(route.sent("POST", {}), Form) else [[]]
        for path, _ in writable(shape):
            body = placed(make_body(shape, records.ids, full=True), path, wrong)
            answer = records.send(route, "POST", route.path, body)
            named = next(iter(answer.body["details"]))
            assert named.startswith(".".join(map(str, path))), (model, answer.body)
            refused(answer, 400, "UNPASSEND", named)


def test_it_lets_no_canonical_word_into_lists(records: Records) -> None:
    for route in routes(URLS):
        if (view := route.listed) is None:
            continue
        path = route.at(records.ids[route.view.model])
        wrong = [{name: "\u200b" * 501} for name in view.filters] + [{f"{name}[near]": "1"} for name in view.filters]
        wrong += [{MADE_UP.wire(name): "zzz"} for name in PARAMETERS if name != "search"] + [
            {"zzz": "1"},
            {"seite": "1"},
        ]
        for params in wrong:
            answer = records.send(route, "GET", f"{path}?{urlencode(params)}")
            assert answer.status in (200, 400)
            assert leaked(answer) <= {"data"}, (params, answer.body)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_it_has_its_own_answer_for_unknown_paths(kunde: Caller, method: str) -> None:
    for path in ("/clients", "/rechnungen/x/events", "/rechnungen/x/mark-paid", "/", ""):
        answer = kunde(method, path)
        refused(answer, 404, "NICHT_DA")
        assert answer.headers["X-Fassung"] == "9"


def test_it_changes_by_patch_alone(kunde: Caller) -> None:
    path = f"/kunden/{kunde.post('/kunden', {'name': 'Ada'}).data['kennung']}"
    assert kunde.patch(path, {"stand": "archived"}).data["stand"] == "archived"
    answer = kunde.put(path, {"name": "Bob"})
    refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert "PUT" not in answer.headers["Allow"]
    assert "PATCH" in answer.headers["Allow"]


def test_it_says_that_it_has_deleted(kunde: Caller) -> None:
    path = f"/kunden/{kunde.post('/kunden', {'name': 'Ada'}).data['kennung']}"
    assert kunde.delete(path).body == {"success": True, "message": "Kunde deleted successfully"}


def test_it_pages_by_number(kunde: Caller) -> None:
    for number in range(3):
        kunde.post("/kunden", {"name": f"Ada {number}"})
    page = kunde.get("/kunden?page=2&limit=2&folge=name")
    assert [row["name"] for row in page.data] == ["Ada 2"]
    assert page.body["pagination"] == {
        "page": 2, "limit": 2, "total": 3, "totalPages": 2, "hasNext": False, "hasPrev": True,
    }  # fmt: skip
    assert (page.headers["X-Total-Count"], page.headers["X-Page"], page.headers["X-Per-Page"]) == ("3", "2", "2")
    assert '</kunde/v9/kunden?page=1&limit=2&folge=name>; rel="prev"' in page.headers["Link"]
    refused(kunde.get("/kunden?page=0"), 400, "UNPASSEND", "page")
    refused(kunde.get("/kunden?cursor=x"), 400, "UNPASSEND", "cursor")


def test_it_counts_by_the_hour(kunde: Caller) -> None:
    usual = Caller(kunde.tenant, make_key(kunde.tenant, per_hour=None), kunde.base)
    assert '"hour";q=1000;w=3600' in usual.get("/kunden").headers["RateLimit-Policy"]


def test_it_confirms_the_tenant_by_its_own_header(kunde: Caller, globex: Caller) -> None:
    assert kunde.get("/kunden", X_Organization_Id=globex.tenant.slug).status == 200
    assert kunde.get("/kunden", X_Mandant=kunde.tenant.slug).status == 200
    answer = kunde.get("/kunden", X_Mandant=globex.tenant.slug)
    refused(answer, 403, "FORBIDDEN")
    assert "X-Mandant" in answer.error


def test_it_asks_for_scopes_in_its_own_words(kunde: Caller) -> None:
    reader = Caller(kunde.tenant, make_key(kunde.tenant, "clients:read"), kunde.base)
    answer = reader.post("/kunden", {"name": "Ada"})
    refused(answer, 403, "KEIN_RECHT", "requiredRecht")
    assert answer.body["details"] == {"requiredRecht": "kunden:write"}


def test_it_hides_other_tenants(kunde: Caller, globex: Caller) -> None:
    made = Caller(globex.tenant, globex.key, kunde.base).post("/kunden", {"name": "Hank"})
    refused(kunde.get(f"/kunden/{made.data['kennung']}"), 404, "NICHT_DA")


def test_it_describes_itself(kunde: Caller) -> None:
    told = kunde("OPTIONS", "/rechnungen").data
    assert told["entity"] == "rechnungen"
    assert told["methods"] == ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    assert told["relations"]["kunde"] == {"type": "belongsTo", "entity": "kunden", "foreignKey": "kundeKennung"}
    assert told["schema"]["summe"]["description"] == "subtotal - discountSumme + taxSumme."
    assert told["preisLimit"]["window"] == "1h"
