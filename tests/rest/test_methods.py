"""Methods and paths: what is not offered is a 405 that lists what is; what is nowhere is a 404."""

from collections.abc import Callable

import pytest

from tenants import ids
from tests.browsers import able
from tests.conftest import Caller
from tests.routes import METHODS, Route, routes

# A second mount leads to the same views.
ROUTES = {(route.view, *route.actions.values()): route for route in reversed(routes())}.values()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_it_lists_what_a_path_allows(acme: Caller, route: Route) -> None:
    path = route.at(ids.encode(route.view.prefix, ids.new()))
    offered = {*route.actions, "OPTIONS", *(["HEAD"] if "GET" in route.actions else [])}
    named = {route.contract.tenant_header: acme.tenant.slug, **route.named(acme.tenant)}
    caller = able(acme, route.view)
    for method in (*METHODS, "TRACE", "BREW"):
        answer = caller(method, path, **named)
        assert (answer.status == 405) is (method not in offered), (method, answer.body)
        if answer.status == 405 and method != "HEAD":
            assert answer.code == route.contract.code("METHOD_NOT_ALLOWED")
            assert set(answer.headers["Allow"].split(", ")) == offered


@pytest.mark.parametrize("path", [
    "", "/", "/nowhere", "/clients/x/y/z", "/clients/x/nowhere", "/Clients", "/clients//", "/clients/../v1",
    "/clients/x.json", "/events/x/events", "/no%0Awhere", "/clients/a.b%0A/events", "/invoices/x/sent",
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_it_finds_no_unknown_path(acme: Caller, path: str, method: str) -> None:
    answer = acme(method, path)
    assert (answer.status, answer.error["code"]) == (404, "NOT_FOUND")
    assert int(answer.headers["X-RateLimit-Limit"]) == 1_000_000
    assert answer.error["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "pk", ["x", "cli_", "cli_1", "cli_" + "0" * 26, "prd_01h455vb4pex5vsknk084sn02q", "1", "None", "%F0%9F%98%80"]
)
def test_it_finds_no_record_by_what_is_no_id(acme: Caller, pk: str) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        assert acme(method, f"/clients/{pk}", {}).status == 404


@pytest.mark.parametrize("spelled", [lambda pk: pk, lambda pk: str(ids.decode("cli", pk)), lambda pk: f"{pk}/"])
def test_it_finds_a_record_however_its_id_is_spelled(acme: Caller, spelled: Callable[[str], str]) -> None:
    pk = acme.post("/clients", {"name": "Ada"}).data["id"]
    assert acme.get(f"/clients/{spelled(pk)}").data["id"] == pk


def test_it_answers_head_like_get_without_a_body(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    answer = acme("HEAD", "/clients")
    assert (answer.status, answer.raw) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(acme.get("/clients").raw)
