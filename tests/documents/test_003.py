"""Document 003, the API reference of an entity registry: each request as it is printed, and the shape of its answer."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from config import VERSION
from crm.contracts.registry import REGISTRY
from crm.docs.failures import FAILURES
from crm.registry import RESOURCES
from crm.rest.router import bound_views
from tenants import ids
from tests.browsers import Browser, make_browser
from tests.conftest import ISSUED, Answer, Caller, seat
from tests.docs.seeding import create, path_of, seed
from tests.documents import holds
from tests.test_faults import owner

VIEWS = bound_views(REGISTRY, RESOURCES)
# What is only read inside others, like the attempts of a delivery, is none.
ENTITIES = [view for view in VIEWS.values() if "list" in view.methods]
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# As the document prints them.
NEW = {"title": "New task", "description": "Task description", "status": "todo", "priority": "medium"}
TASK = {
    "title": "Complete API documentation",
    "description": "Write comprehensive API reference",
    "status": "in_progress",
    "priority": "high",
}
SCHEMA: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "required": False, "generated": True},
    "title": {"type": "string", "required": True, "maxLength": 200},
    "description": {"type": "string", "required": False},
    "status": {"type": "enum", "values": ["todo", "in_progress", "completed"], "default": "todo"},
    "priority": {"type": "enum", "values": ["low", "medium", "high"], "default": "medium"},
    "assigneeId": {"type": "string", "required": False},
    "createdAt": {"type": "datetime", "required": False, "generated": True},
    "updatedAt": {"type": "datetime", "required": False, "generated": True},
}
RELATIONS = {
    "assignee": {"type": "belongsTo", "entity": "users", "foreignKey": "assigneeId"},
    "comments": {"type": "hasMany", "entity": "comments", "foreignKey": "taskId"},
}
LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
KEY = {"name": "Mobile App Key", "scopes": ["read", "write"], "expiresAt": "2099-01-01T00:00:00Z"}


@pytest.fixture
def caller(acme: Caller) -> Caller:
    return acme.on(REGISTRY)


@pytest.fixture
def browser(acme: Caller) -> Browser:
    return make_browser(acme, base="/api/v1")


@pytest.fixture(autouse=True)
def within_an_hour() -> Iterator[None]:
    """Keep the hour from turning while requests are counted: where it soon would, the clock goes on by some minutes."""
    now = timezone.now()
    if now.minute < 58:
        yield
    else:
        with time_machine.travel(now + timedelta(minutes=3)):
            yield


def failed(answer: Answer, status: int, code: str, *fields: str) -> None:
    """Check that a failure has the document's shape, and names these fields."""
    assert (answer.status, answer.body["success"], answer.body["code"]) == (status, False, code), answer.body
    assert answer.body.keys() <= {"success", "error", "code", "details"}
    assert answer.body["error"] and isinstance(answer.body["error"], str)
    assert set(fields) <= answer.body.get("details", {}).keys(), answer.body


def titles(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [row["title"] for row in answer.data]


@pytest.fixture
def task(acme: Caller, caller: Caller) -> dict[str, Any]:
    """Return the document's task, with somebody who does it and a comment."""
    member = seat(acme.tenant, first_name="John", last_name="Doe", email="john@example.com")
    made = caller.post("/tasks", TASK | {"assigneeId": ids.encode("usr", member.pk)})
    assert made.status == 201, made.body
    said = caller.post("/comments", {"taskId": made.data["id"], "text": "Great progress!"})
    assert said.status == 201, said.body
    record: dict[str, Any] = made.data
    return record


def tasks(caller: Caller, *names: str, **fields: Any) -> list[str]:
    """Make a task with each of the titles, and return their ids."""
    made = [caller.post("/tasks", {"title": name, **fields}) for name in names]
    assert {answer.status for answer in made} == {201}
    return [answer.data["id"] for answer in made]


# Where it is, and who may call.


@holds("S3-1", "S3-3")
@pytest.mark.parametrize("host", ["yourdomain.com", "localhost:5173"])
def test_it_stands_under_api_v1_on_every_host(caller: Caller, settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    (made,) = tasks(caller, "Fix it")
    assert caller("GET", f"http://{host}/api/v1/tasks/{made}", Host=host).data["id"] == made


@holds("S3-2", "S3-12")
def test_it_speaks_json(caller: Caller) -> None:
    for answer in (caller.get("/tasks"), caller.post("/tasks", NEW), caller.get("/tasks/none"), caller.get("/none")):
        assert answer.headers["Content-Type"] == "application/json"


@holds("S3-5", "S3-6", "S3-8")
def test_it_asks_each_entity_for_a_key(caller: Caller) -> None:
    for view in ENTITIES:
        path, nobody = f"/{path_of(view)}", Caller(caller.tenant, "", caller.base)
        for method in ("GET", "POST", "OPTIONS"):
            failed(nobody(method, path, Authorization=""), 401, "UNAUTHORIZED")
            if "key" in view.credentials:
                assert caller(method, path, {} if method == "POST" else None).status != 401, path


@holds("S3-7")
def test_it_takes_a_session(browser: Browser) -> None:
    made = browser.post("/tasks", NEW)
    assert made.status == 201, made.body
    assert browser.get("/tasks").data == [made.data]
    failed(browser.post("/tasks", NEW, X_CSRFToken=""), 403, "FORBIDDEN")


# Headers.


@holds("S3-9", "S3-10", "S3-11", "S3-13")
def test_it_takes_the_optional_headers_and_echoes_the_request_id(caller: Caller) -> None:
    sent = {"X_Request_ID": "unique-request-01", "Accept_Language": "en", "X_API_Version": "v1"}
    for answer in (
        caller.get("/tasks", **sent),
        caller.post("/tasks", NEW, **sent),
        caller.post("/tasks", {}, **sent),
    ):
        assert answer.status in (200, 201, 400)
        assert answer.headers["X-Request-ID"] == "unique-request-01"
    assert caller.get("/tasks").headers["X-Request-ID"]


@holds("S3-14", "S3-15", "S3-16", "S3-107", "S3-109")
def test_it_counts_a_keys_thousand_requests_an_hour(caller: Caller) -> None:
    asked = (("GET", "/tasks"), ("POST", "/tasks"), ("OPTIONS", "/tasks"), ("GET", "/tasks/none"), ("GET", "/none"))
    caller, now = caller.with_scopes("admin", per_hour=None), timezone.now().timestamp()
    for left, (method, path) in zip(range(999, 0, -1), asked, strict=False):
        headers = caller(method, path).headers
        limit, remaining, reset = (int(headers[name]) for name in LIMITS)
        assert (limit, remaining) == (1000, left)
        assert now < reset <= now + 3600 + 1
        assert reset % 3600 == 0
    other = caller.with_scopes("read", per_hour=None).get("/tasks")
    assert other.headers["X-RateLimit-Remaining"] == "999"


@holds("S3-108", "S3-109")
def test_it_counts_a_users_hundred_requests_an_hour(browser: Browser) -> None:
    answers = [browser.get("/tasks") for _ in range(101)]
    assert [answer.status for answer in answers] == [200] * 100 + [429]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"100"}
    assert (answers[0].headers["X-RateLimit-Remaining"], answers[100].headers["X-RateLimit-Remaining"]) == ("99", "0")
    failed(answers[100], 429, "RATE_LIMIT_EXCEEDED")


@holds("S3-17", "S3-18", "S3-19", "S3-20")
def test_it_puts_four_headers_on_lists(caller: Caller) -> None:
    tasks(caller, *(str(number) for number in range(21)))
    page = caller.get("/tasks")
    assert [page.headers[name] for name in ("X-Total-Count", "X-Page", "X-Per-Page")] == ["21", "1", "20"]
    assert '</api/v1/tasks?page=2>; rel="next"' in page.headers["Link"]
    last = caller.get("/api/v1/tasks?page=2")
    assert len({row["id"] for row in (*page.data, *last.data)}) == 21
    assert 'rel="next"' not in last.headers["Link"]
    assert (
        '</api/v1/tasks?limit=5&sort=title&page=2>; rel="next"'
        in caller.get("/tasks?limit=5&sort=title").headers["Link"]
    )


# The registry.


@holds("S3-4", "S3-22")
def test_it_has_every_entity_of_the_registry(caller: Caller) -> None:
    assert VIEWS.keys() == {view.plural for view in RESOURCES}
    names = {REGISTRY.word(plural) for plural in VIEWS}
    assert {"tasks", "products", "orders", "customers"} <= names
    for name in ("tasks", "products", "orders", "customers"):
        assert caller("OPTIONS", f"/{name}").data["entity"] == name


# What has less than everything: people are switched off, the ledger and consents are never rewritten.
LESS = {
    "team": {"DELETE"},
    "events": {"POST", "PATCH", "DELETE"},
    "consents": {"PATCH", "DELETE"},
    "keys": {"PATCH"},
}


@holds("S3-21")
def test_it_offers_everything_for_each_entity(caller: Caller, browser: Browser) -> None:
    for view in ENTITIES:
        asker = caller if "key" in view.credentials else browser
        told = asker("OPTIONS", f"/{path_of(view)}").data["methods"]
        assert {"GET", "POST", "PATCH", "DELETE"} - set(told) == LESS.get(view.plural, set()), view.plural


# What no two records of an organization may have alike stands in the bodies of these.
UNIQUE = ("marketing_lists",)


@pytest.fixture
def known(caller: Caller) -> dict[str, list[str]]:
    """Return the ids of one record of each entity that a key can make, by their prefixes."""
    return seed(caller, {name: view for name, view in VIEWS.items() if "key" in view.credentials}, each=1)


@holds("S3-21", "S3-36", "S3-40", "S3-50", "S3-53", "S3-56")
def test_it_creates_reads_changes_and_deletes_each_entity(caller: Caller, known: dict[str, list[str]]) -> None:
    for view in (view for view in VIEWS.values() if "destroy" in view.methods and "key" in view.credentials):
        place = f"/{path_of(view)}/{create(caller, view, known, 9 if view.plural in UNIQUE else 0)}"
        one = caller.get(place)
        assert (one.status, one.data["id"]) == (200, place.rpartition("/")[2]), place
        assert one.data["id"] in [row["id"] for row in caller.get(f"/{path_of(view)}?limit=100").data]
        if "update" in view.methods:
            assert caller.patch(place, {}).data == one.data
        gone = caller.delete(place)
        if view.plural == "payments":
            # Money that has come in is refunded instead.
            failed(gone, 409, "CONFLICT")
            continue
        assert (gone.status, gone.body["success"]) == (200, True), (place, gone.body)
        assert gone.body["message"].endswith("deleted successfully")
        assert caller.get(place).status == 404


# LIST.


@holds("S3-34", "S3-35", "S3-37", "S3-38", "S3-39", "S3-92")
def test_it_lists_as_printed(caller: Caller, task: dict[str, Any]) -> None:
    tasks(caller, *"ABCDEFGHIJ")
    page = caller.get("/tasks?page=1&limit=10&sort=createdAt&order=desc")
    assert (page.status, page.body.keys()) == (200, {"success", "data", "pagination"})
    assert page.body["success"] is True
    assert page.body["pagination"] == {
        "page": 1, "limit": 10, "total": 11, "totalPages": 2, "hasNext": True, "hasPrev": False,
    }  # fmt: skip
    assert titles(page) == list("JIHGFEDCBA")
    last = caller.get("/tasks?page=2&limit=10&sort=createdAt&order=desc")
    assert (last.body["pagination"]["hasNext"], last.body["pagination"]["hasPrev"]) == (False, True)
    (row,) = last.data
    printed = {*TASK, "id", "assigneeId", "createdAt", "updatedAt"}
    assert {name: row[name] for name in printed} == {name: task[name] for name in printed}
    assert row["id"].startswith("tsk_") and row["assigneeId"].startswith("usr_")
    assert MOMENT.fullmatch(row["createdAt"]) and MOMENT.fullmatch(row["updatedAt"])
    assert not [name for name in row if "_" in name]


@holds("S3-37", "S3-38", "S3-39")
def test_every_entity_has_prefixed_ids_camel_case_and_times_in_utc(caller: Caller, known: dict[str, list[str]]) -> None:
    for view in (view for view in ENTITIES if view.prefix in known):
        row = caller.get(f"/{path_of(view)}").data[0]
        assert re.fullmatch(rf"{view.prefix}_[0-9a-hjkmnp-tv-z]{{26}}", row["id"]), row
        assert not [name for name in row if not re.fullmatch(r"[a-z][a-zA-Z0-9]*", name)], row
        for name in ("createdAt", "updatedAt", "occurredAt"):
            assert name not in row or MOMENT.fullmatch(row[name]), row


@holds("S3-23", "S3-24", "S3-25")
def test_it_lists_a_first_page_of_twenty_and_at_most_a_hundred(caller: Caller) -> None:
    tasks(caller, *(str(number) for number in range(21)))
    page = caller.get("/tasks")
    assert (len(page.data), page.body["pagination"]["page"], page.body["pagination"]["limit"]) == (20, 1, 20)
    assert caller.get("/tasks?limit=101").body["pagination"]["limit"] == 100


@holds("S3-26")
def test_it_filters_by_a_json_object(caller: Caller) -> None:
    tasks(caller, "A", priority="high")
    tasks(caller, "B", "C", priority="low")
    for condition, found in (
        ({"priority": "high"}, ["A"]),
        ({"priority": {"$ne": "high"}, "title": {"$in": ["A", "B"]}}, ["B"]),
        ({"createdAt": {"$gt": "2099-01-01"}}, []),
    ):
        assert titles(caller.get(f"/tasks?filter={quote(orjson.dumps(condition))}")) == found


@holds("S3-27")
def test_it_searches_the_text(caller: Caller) -> None:
    tasks(caller, "Order the shower cartridge", "Call Ada", "Order tiles")
    assert sorted(titles(caller.get("/tasks?search=order"))) == ["Order the shower cartridge", "Order tiles"]
    assert titles(caller.get("/tasks?search=shower%20order")) == ["Order the shower cartridge"]


@holds("S3-28", "S3-29")
def test_it_sorts_upwards_unless_told(caller: Caller) -> None:
    tasks(caller, "B", "C", "A")
    assert titles(caller.get("/tasks?sort=title")) == ["A", "B", "C"]
    assert titles(caller.get("/tasks?sort=title&order=asc")) == ["A", "B", "C"]
    assert titles(caller.get("/tasks?sort=title&order=desc")) == ["C", "B", "A"]


@holds("S3-30", "S3-46")
def test_it_picks_fields(caller: Caller) -> None:
    (made,) = tasks(caller, "A")
    assert caller.get("/tasks?fields=id,title").data == [{"id": made, "title": "A"}]
    assert caller.get(f"/tasks/{made}?fields=title,priority").data == {"title": "A", "priority": "medium"}


@holds("S3-31")
def test_it_includes_relations_in_lists(caller: Caller, task: dict[str, Any]) -> None:
    (row,) = caller.get("/tasks?include=assignee,comments").data
    assert row["assignee"]["id"] == task["assigneeId"]
    assert [comment["text"] for comment in row["comments"]] == ["Great progress!"]


@holds("S3-32", "S3-33")
def test_it_bounds_when_records_were_made(caller: Caller) -> None:
    tasks(caller, "A")
    day = timedelta(days=1)
    before, after = (f"{timezone.now() + way:%Y-%m-%dT%H:%M:%SZ}" for way in (-day, day))
    assert titles(caller.get(f"/tasks?startDate={before}&endDate={after}")) == ["A"]
    assert titles(caller.get(f"/tasks?startDate={after}")) == []
    assert titles(caller.get(f"/tasks?endDate={before}")) == []


@holds("S3-36", "S3-98", "S3-104", "S3-105")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page=0", "VALIDATION_FAILED"),
        ("limit=x", "VALIDATION_FAILED"),
        ("color=red", "VALIDATION_FAILED"),
        ("filter={", "INVALID_FILTER"),
        ("filter=[]", "INVALID_FILTER"),
        ('filter={"priority":{"$near":1}}', "INVALID_FILTER"),
        ("status=done", "INVALID_FILTER"),
        ("assignee_id=x", "VALIDATION_FAILED"),
        ("sort=assigneeId", "INVALID_SORT"),
        ("sort=created_at", "INVALID_SORT"),
        ("order=up", "INVALID_SORT"),
        ("fields=created_at", "VALIDATION_FAILED"),
        ("include=nothing", "VALIDATION_FAILED"),
        ("startDate=soon", "VALIDATION_FAILED"),
    ],
)
def test_it_refuses_a_bad_query(caller: Caller, query: str, code: str) -> None:
    failed(caller.get(f"/tasks?{query}"), 400, code)


# CREATE.


@holds("S3-40", "S3-92")
def test_it_creates_as_printed(caller: Caller) -> None:
    made = caller.post("/tasks", NEW)
    assert (made.status, made.body.keys(), made.body["success"]) == (201, {"success", "data"}, True)
    assert {name: made.data[name] for name in NEW} == NEW
    assert made.data["id"].startswith("tsk_")
    assert MOMENT.fullmatch(made.data["createdAt"]) and MOMENT.fullmatch(made.data["updatedAt"])
    assert caller.get(f"/tasks/{made.data['id']}").data == made.data


@holds("S3-41", "S3-93", "S3-94", "S3-98")
def test_it_names_each_field_that_does_not_fit(caller: Caller) -> None:
    refused = caller.post("/tasks", {"status": "done"})
    failed(refused, 400, "VALIDATION_FAILED", "title", "status")
    assert all(isinstance(text, str) for text in refused.body["details"].values())
    assert refused.body["details"]["status"].startswith("Must be one of: todo, in_progress, completed")


@holds("S3-44", "S3-53")
@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b"true"])
def test_it_refuses_json_that_is_no_object(caller: Caller, body: bytes) -> None:
    (made,) = tasks(caller, "A")
    failed(caller.post("/tasks", body), 422, "VALIDATION_FAILED", "body")
    failed(caller.patch(f"/tasks/{made}", body), 422, "VALIDATION_FAILED", "body")


# READ.


@holds("S3-47", "S3-48", "S3-49")
def test_it_reads_as_printed(caller: Caller, task: dict[str, Any]) -> None:
    one = caller.get(f"/tasks/{task['id']}?include=assignee,comments")
    assert (one.status, one.body.keys()) == (200, {"success", "data"})
    assert {name: one.data[name] for name in task} == task
    printed = {"id": task["assigneeId"], "name": "John Doe", "email": "john@example.com"}
    assert one.data["assigneeId"] == task["assigneeId"]
    assert one.data["assignee"].items() >= printed.items()
    (comment,) = one.data["comments"]
    assert comment["text"] == "Great progress!"
    assert comment["id"].startswith("cmt_") and MOMENT.fullmatch(comment["createdAt"])
    assert not {"assignee", "comments"} & caller.get(f"/tasks/{task['id']}").data.keys()


# UPDATE.


@holds("S3-51", "S3-52")
def test_it_changes_as_printed(caller: Caller, task: dict[str, Any]) -> None:
    changed = caller.patch(f"/tasks/{task['id']}", {"status": "completed", "priority": "low"})
    assert changed.status == 200, changed.body
    moved = {name for name, value in changed.data.items() if task[name] != value}
    assert moved == {"status", "priority", "completedAt", "updatedAt"}
    assert changed.data["updatedAt"] > task["updatedAt"]
    assert caller.get(f"/tasks/{task['id']}").data == changed.data


@holds("S3-41", "S3-53")
def test_it_changes_nothing_that_does_not_fit(caller: Caller, task: dict[str, Any]) -> None:
    failed(caller.patch(f"/tasks/{task['id']}", {"status": "done"}), 400, "VALIDATION_FAILED", "status")
    failed(caller.patch(f"/tasks/{task['id']}", {"assignee_id": None}), 400, "VALIDATION_FAILED", "assignee_id")
    assert caller.get(f"/tasks/{task['id']}").data == task
    assert caller.put(f"/tasks/{task['id']}", NEW).status == 405


# DELETE.


@holds("S3-54", "S3-55")
def test_it_deletes_as_printed(caller: Caller, task: dict[str, Any]) -> None:
    gone = caller.delete(f"/tasks/{task['id']}")
    assert (gone.status, gone.body) == (200, {"success": True, "message": "Task deleted successfully"})
    failed(caller.get(f"/tasks/{task['id']}"), 404, "NOT_FOUND")
    assert caller.get("/tasks").data == []


# OPTIONS.


@holds("S3-57", "S3-58", "S3-59", "S3-60", "S3-61", "S3-62", "S3-63", "S3-64", "S3-65", "S3-66", "S3-67")
def test_it_describes_itself_as_printed(caller: Caller) -> None:
    answer = caller.with_scopes("read", "write", per_hour=None)("OPTIONS", "/tasks")
    assert (answer.status, answer.body["success"]) == (200, True)
    told = answer.data
    assert told.keys() == {"entity", "methods", "schema", "relations", "permissions", "rateLimit"}
    assert told["entity"] == "tasks"
    assert told["methods"] == ["GET", "POST", "PATCH", "DELETE", "OPTIONS"]
    for name, printed in SCHEMA.items():
        # A sentence more about the field, and a limit where the example has none, are all that may come on top.
        more = told["schema"][name].items() - printed.items() if "values" not in printed else set()
        assert {key: told["schema"][name][key] for key in printed} == printed
        assert {key for key, _ in more} <= {"description", "maxLength"}, name
    assert {name: told["relations"][name] for name in RELATIONS} == RELATIONS
    assert told["permissions"] == {"read": True, "write": True, "delete": False}
    assert told["rateLimit"] == {"limit": 1000, "window": "1h"}


@holds("S3-65")
def test_it_tells_members_what_their_role_allows(acme: Caller) -> None:
    told = make_browser(acme, "viewer", base="/api/v1")("OPTIONS", "/tasks").data
    assert told["permissions"] == {"read": True, "write": False, "delete": False}
    assert told["rateLimit"] == {"limit": 100, "window": "1h"}


# Failures.


@holds("S3-36", "S3-42", "S3-50", "S3-53", "S3-56", "S3-67", "S3-95")
@pytest.mark.parametrize("key", ["", "sk_live_abc123", "kith_live_wrong"])
def test_it_refuses_keys_that_are_none(caller: Caller, nobody: Caller, key: str) -> None:
    (made,) = tasks(caller, "A")
    nobody.key, nobody.base = key, caller.base
    for method, path in requests(made):
        failed(nobody(method, path, body_of(method)), 401, "UNAUTHORIZED")
    failed(nobody("OPTIONS", "/tasks"), 401, "UNAUTHORIZED")


def requests(known: str) -> list[tuple[str, str]]:
    """Return the five requests of an entity."""
    one = f"/tasks/{known}"
    return [("GET", "/tasks"), ("POST", "/tasks"), ("GET", one), ("PATCH", one), ("DELETE", one)]


def body_of(method: str) -> Any:
    return NEW if method in ("POST", "PATCH") else None


@holds("S3-36", "S3-43", "S3-50", "S3-53", "S3-56", "S3-102")
def test_it_names_the_scope_that_is_missing(caller: Caller) -> None:
    (made,) = tasks(caller, "A")
    needed = ("read", "write", "read", "write", "delete")
    for (method, path), scope in zip(requests(made), needed, strict=True):
        others = [action for action in ("read", "write", "delete") if action != scope]
        refused = caller.with_scopes(*others)(method, path, body_of(method))
        failed(refused, 403, "INVALID_SCOPE", "requiredScope")
        assert refused.body["details"]["requiredScope"] == f"tasks:{scope}"
        assert caller.with_scopes(scope)(method, path, body_of(method)).status in (200, 201)


@holds("S3-96")
def test_it_forbids_what_is_another_organizations(caller: Caller, globex: Caller) -> None:
    failed(caller.get("/tasks", X_Organization_Id=globex.tenant.slug), 403, "FORBIDDEN")


@holds("S3-50", "S3-53", "S3-56", "S3-97")
def test_it_finds_no_record_that_is_not_there(caller: Caller, globex: Caller) -> None:
    (foreign,) = tasks(globex.on(REGISTRY), "A")
    for known in (foreign, ids.encode("tsk", ids.new()), "tsk_abc123", "nonsense"):
        for method, path in requests(known)[2:]:
            failed(caller(method, path, body_of(method)), 404, "NOT_FOUND")


@holds("S3-67", "S3-101")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_it_knows_no_entity_that_is_not_registered(caller: Caller, method: str) -> None:
    for path in ("/nothing", "/nothing/tsk_abc123", "/clients", "/clients/x", "/Tasks", "/tasks/x/nothing", "/"):
        failed(caller(method, path, body_of(method)), 404, "ENTITY_NOT_FOUND")


@holds("S3-36", "S3-45", "S3-50", "S3-53", "S3-56", "S3-99")
def test_it_refuses_each_request_above_the_limit(caller: Caller) -> None:
    (made,) = tasks(caller, "A")
    limited = caller.with_scopes("admin", per_hour=1)
    assert limited.get("/tasks").status == 200
    for method, path in requests(made):
        refused = limited(method, path, body_of(method))
        failed(refused, 429, "RATE_LIMIT_EXCEEDED")
        assert [refused.headers[name] for name in LIMITS[:2]] == ["1", "0"]
        assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert caller.get("/tasks").body["pagination"]["total"] == 1


@holds("S3-103")
def test_it_says_that_a_key_has_expired(caller: Caller) -> None:
    short = caller.with_scopes("admin", expires_at=timezone.now() + timedelta(minutes=5))
    assert short.get("/tasks").status == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        failed(short.get("/tasks"), 401, "EXPIRED_KEY")


BREAK = """
CREATE FUNCTION kith_broken() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'crm_task is corrupted' USING ERRCODE = 'data_corrupted'; END $$;
CREATE TRIGGER broken BEFORE INSERT ON crm_task FOR EACH ROW WHEN (NEW.tenant_id = '{tenant}')
    EXECUTE FUNCTION kith_broken();
"""


@holds("S3-106")
def test_it_tells_a_failure_of_the_database_without_its_words(caller: Caller) -> None:
    with owner() as keeper:
        # Broken for this tenant alone: other tests go on beside it.
        keeper.execute(BREAK.format(tenant=caller.tenant.id))
        keeper.commit()
        try:
            refused = caller.post("/tasks", {"title": "Never kept"})
        finally:
            keeper.execute("DROP FUNCTION kith_broken() CASCADE")
            keeper.commit()
    failed(refused, 500, "DATABASE_ERROR")
    assert "crm_task" not in refused.raw.decode() and "corrupted" not in refused.raw.decode()
    assert caller.get("/tasks").data == []


@holds("S3-100")
def test_it_tells_an_unforeseen_failure_without_its_words(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("crm.rest.viewset.read_query", explode)
    refused = caller.get("/tasks")
    failed(refused, 500, "INTERNAL_ERROR")
    assert "secret" not in refused.raw.decode()


@holds("S3-93")
def test_it_documents_the_codes_of_the_document() -> None:
    printed = {
        "UNAUTHORIZED": 401, "FORBIDDEN": 403, "NOT_FOUND": 404, "VALIDATION_FAILED": 400, "RATE_LIMIT_EXCEEDED": 429,
        "INTERNAL_ERROR": 500, "ENTITY_NOT_FOUND": 404, "INVALID_SCOPE": 403, "EXPIRED_KEY": 401,
        "INVALID_FILTER": 400, "INVALID_SORT": 400, "DATABASE_ERROR": 500,
    }  # fmt: skip
    assert printed.items() <= {REGISTRY.code(item.code): item.status for item in FAILURES}.items()


# Health.


@holds("S3-68", "S3-69", "S3-70")
def test_it_tells_its_health_to_everybody(nobody: Caller) -> None:
    answer = nobody("GET", "/api/health", Authorization="")
    assert (answer.status, answer.body.keys()) == (200, {"status", "version", "timestamp"})
    assert (answer.body["status"], answer.body["version"]) == ("healthy", VERSION)
    assert MOMENT.fullmatch(answer.body["timestamp"])


@holds("S3-71")
def test_it_is_unhealthy_without_its_database(nobody: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connections["default"]
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "9")
    answer = nobody("GET", "/api/health")
    monkeypatch.undo()
    connection.close()
    assert (answer.status, answer.body["status"]) == (503, "unhealthy")


# Keys.


def issue(browser: Browser, **fields: Any) -> Answer:
    made = browser.post("/keys", KEY | fields)
    if made.status == 201:
        ISSUED.append(made.data["key"])
    return made


@holds("S3-75", "S3-76", "S3-77", "S3-78")
def test_it_issues_a_key_as_printed(browser: Browser) -> None:
    made = issue(browser)
    assert (made.status, made.body.keys()) == (201, {"success", "data", "warning"})
    assert made.body["warning"] == "Save this key securely. It will not be shown again."
    assert made.data["id"].startswith("key_")
    assert (made.data["name"], made.data["scopes"]) == ("Mobile App Key", ["read", "write"])
    assert made.data["expiresAt"].startswith("2099-01-01T00:00:00") and MOMENT.fullmatch(made.data["expiresAt"])
    assert MOMENT.fullmatch(made.data["createdAt"])
    assert Caller(browser.tenant, made.data["key"], "/api/v1").get("/tasks").status == 200
    assert issue(browser, expiresAt=None).data["expiresAt"] is None
    assert browser.post("/keys", {"name": "No end", "scopes": ["read"]}).data["expiresAt"] is None


@holds("S3-72", "S3-73", "S3-85")
def test_it_lists_keys_masked(browser: Browser) -> None:
    made = issue(browser, expiresAt=None)
    listed = browser.get("/keys")
    assert (listed.status, listed.body["success"]) == (200, True)
    row = next(row for row in listed.data if row["id"] == made.data["id"])
    assert row.keys() >= {"id", "name", "key", "scopes", "createdAt", "lastUsedAt", "expiresAt"}
    assert (row["lastUsedAt"], row["expiresAt"]) == (None, None)
    assert row["key"].startswith(made.data["key"][:18])
    assert made.data["key"] not in listed.raw.decode()


@holds("S3-74", "S3-80", "S3-83")
@pytest.mark.parametrize(("method", "path"), [("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/{id}")])
def test_it_opens_keys_to_sessions_alone(browser: Browser, caller: Caller, method: str, path: str) -> None:
    path = path.format(id=issue(browser).data["id"])
    body = KEY if method == "POST" else None
    failed(caller(method, path, body), 401, "UNAUTHORIZED")
    browser.client.cookies.clear()
    failed(browser(method, path, body), 401, "UNAUTHORIZED")


@holds("S3-79")
@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("scopes", []), ("scopes", ["fly"]), ("expiresAt", "2020-01-01T00:00:00Z")]
)
def test_it_refuses_a_key_that_makes_no_sense(browser: Browser, field: str, value: Any) -> None:
    failed(browser.post("/keys", KEY | {field: value}), 400, "VALIDATION_FAILED", field)


@holds("S3-81", "S3-82", "S3-84")
def test_it_revokes_as_printed(browser: Browser) -> None:
    made = issue(browser)
    key = Caller(browser.tenant, made.data["key"], "/api/v1")
    assert key.get("/tasks").status == 200
    gone = browser.delete(f"/keys/{made.data['id']}")
    assert (gone.status, gone.body) == (200, {"success": True, "message": "API key revoked successfully"})
    failed(key.get("/tasks"), 401, "UNAUTHORIZED")
    for known in (made.data["id"], ids.encode("key", ids.new()), "key_abc123"):
        failed(browser.delete(f"/keys/{known}"), 404, "NOT_FOUND")


# The page.


@holds("S3-110")
def test_its_reference_leads_to_every_chapter(nobody: Caller) -> None:
    page = nobody.client.get("/docs/registry/").content.decode()
    assert 'data-document="/api/v1/openapi.json"' in page
    guide = orjson.loads(nobody.client.get("/api/v1/openapi.json").content)["info"]["description"]
    chapters = re.findall(r"^# (.+)$", guide, re.MULTILINE)
    assert {"Authentication", "Filtering", "Pagination", "Errors", "Rate limits", "Idempotency"} <= set(chapters)
    tags = {tag["name"] for tag in orjson.loads(nobody.client.get("/api/v1/openapi.json").content)["tags"]}
    without = page[page.index("<noscript>") : page.index("</noscript>")]
    assert all(f"<h2>{tag}</h2>" in without for tag in tags)
