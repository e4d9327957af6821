"""Document 004, the overview of a workspace's API: plans and their limits, scopes, shapes, pages."""

import re
import time
from typing import Any
from uuid import uuid4

import pytest

from apikeys.secrets import PATTERN
from tests.browsers import make_member
from tests.conftest import Answer, Caller, make_caller, make_key
from tests.documents import holds
from tests.test_settings_pages import KEYS, NEW, client_of, filled

PROJECT = {"name": "My Project", "description": "A new project"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
RATE = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def make(caller: Caller, path: str, **body: Any) -> str:
    """Make a record and return its id."""
    made = caller.post(path, body)
    assert made.status == 201, made.body
    return str(made.data["id"])


def planned(plan: str, **own: Any) -> Caller:
    """Return a caller of a new tenant on a plan, whose key has no limits of its own."""
    caller = make_caller("planned", plan=plan)
    return Caller(caller.tenant, make_key(caller.tenant, **{"per_minute": None, **own}))


# Base and authentication.


@holds("S4-1")
def test_it_stands_under_v1(acme: Caller) -> None:
    assert acme.get("https://testserver/v1/projects").status == 200


@holds("S4-2")
def test_it_takes_the_key_as_a_bearer(acme: Caller) -> None:
    assert acme.get("/projects", Authorization=f"Bearer {acme.key}").status == 200
    assert acme.get("/projects", Authorization=f"Bearer {acme.key[:-1]}?").status == 401


@holds("S4-3", "S4-4")
def test_its_keys_are_made_in_the_settings_and_shown_once(acme: Caller) -> None:
    owner = client_of(make_member(acme.tenant))
    assert f'href="{NEW}' in owner.get(KEYS).content.decode()
    (key,) = set(PATTERN.findall(filled(owner, scopes=["read"]).content.decode()))
    assert Caller(acme.tenant, key).get("/projects").status == 200
    assert not PATTERN.search(owner.get(KEYS).content.decode())


# What each of the four scopes opens: looking, making, changing, removing.
@holds("S4-5", "S4-6", "S4-7", "S4-8")
@pytest.mark.parametrize(("scope", "opened"), [
    ("read", ["GET"]), ("write", ["POST", "PUT", "PATCH"]), ("delete", ["DELETE"]),
    ("admin", ["GET", "POST", "PUT", "PATCH", "DELETE"]),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["projects", "clients"])
def test_a_bare_scope_holds_for_every_resource(acme: Caller, scope: str, opened: list[str], kind: str) -> None:
    caller, record = acme.with_scopes(scope), make(acme, f"/{kind}", name="Before")
    answers = {
        method: caller(method, f"/{kind}" if method == "POST" else f"/{kind}/{record}", body)
        for method, body in (
            ("GET", None), ("POST", PROJECT if kind == "projects" else {"name": "Ada"}), ("PUT", {"name": "After"}),
            ("PATCH", {"name": "After"}), ("DELETE", None),
        )
    }  # fmt: skip
    assert [method for method, answer in answers.items() if answer.status in (200, 201)] == opened
    assert {answer.status for method, answer in answers.items() if method not in opened} <= {403}


# Limits.


@holds("S4-9", "S4-10", "S4-11", "S4-12", "S4-13", "S4-14", "S4-18")
@pytest.mark.parametrize(("plan", "minute", "day"), [
    ("free", 60, 1_000), ("pro", 300, 50_000), ("enterprise", 1_000, None),
])  # fmt: skip
def test_a_plan_has_its_limits(plan: str, minute: int, day: int | None) -> None:
    headers = planned(plan).get("/projects").headers
    assert headers["X-RateLimit-Limit"] == str(minute)
    windows = [f'"minute";q={minute};w=60'] + ([f'"day";q={day};w=86400'] if day else [])
    assert headers["RateLimit-Policy"] == ", ".join(windows)


@holds("S4-9")
def test_the_61st_request_of_a_free_minute_is_refused() -> None:
    caller = planned("free")
    # The minute may turn in the middle: of 121 requests one is the 61st of its minute.
    answers = [caller.get("/projects?limit=1&fields=id") for _ in range(121)]
    refused = next(index for index, answer in enumerate(answers) if answer.status == 429)
    assert refused >= 60
    assert answers[refused].error["details"]["window"] == "minute"
    assert 0 < int(answers[refused].headers["Retry-After"]) <= 60


@holds("S4-10", "S4-14")
@pytest.mark.parametrize(("plan", "status"), [("free", 429), ("enterprise", 200)])
def test_the_1001st_request_of_a_day_is_refused_where_the_plan_says_so(plan: str, status: int) -> None:
    caller = planned(plan, per_minute=1_000_000)
    # The day may turn, once in a very long while; nobody runs 1,000 requests in the last second of it.
    for _ in range(1_000):
        assert caller.get("/nothing").status == 404
    answer = caller.get("/projects")
    assert answer.status == status
    if status == 429:
        assert answer.error["details"]["window"] == "day" and answer.headers["X-RateLimit-Limit"] == "1000"


def explode(*_: object, **__: object) -> None:
    raise RuntimeError


def answers_of(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> dict[int, Answer]:
    """Return an answer of each status of the document."""
    project = make(caller, "/projects", **PROJECT)
    reader = Caller(caller.tenant, make_key(caller.tenant, "read", per_minute=None))
    once = Caller(caller.tenant, make_key(caller.tenant, per_minute=1))
    found = {
        200: caller.get(f"/projects/{project}"),
        201: caller.post("/projects", PROJECT),
        400: caller.post("/projects", {}),
        401: Caller(caller.tenant, "YOUR_API_KEY").get("/projects"),
        403: reader.post("/projects", PROJECT),
        404: caller.get(f"/projects/{uuid4()}"),
        429: [once.get("/projects") for _ in range(3)][-1],
    }
    monkeypatch.setattr("crm.rest.viewset.read_query", explode)
    return found | {500: caller.get("/projects")}


@holds("S4-15", "S4-16", "S4-17", "S4-28")
def test_every_answer_has_its_status_and_the_rate_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    for status, answer in answers_of(planned("pro"), monkeypatch).items():
        assert answer.status == status, answer.body
        limit, remaining, reset = (int(answer.headers[name]) for name in RATE)
        assert 0 <= remaining < limit
        assert -2 < reset - time.time() <= 61


@holds("S4-16")
def test_what_remains_falls_by_one() -> None:
    caller = planned("pro")
    # The minute may turn once in three requests.
    left = [int(caller.get("/projects").headers["X-RateLimit-Remaining"]) for _ in range(4)]
    assert left[0] == 299 and (left[0] - left[1] == 1 or left[2] - left[3] == 1)


# Requests and answers.


@holds("S4-19", "S4-20")
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_bodies_are_json(acme: Caller, method: str) -> None:
    path = "/v1/projects" + ("" if method == "POST" else f"/{make(acme, '/projects', **PROJECT)}")
    assert acme(method, path, PROJECT).status == (201 if method == "POST" else 200)
    form = acme.client.generic(method, path, "name=x", content_type="application/xml", headers=acme.shown())
    assert form.status_code == 415
    assert acme(method, path, b"{not json").status == 400


@holds("S4-21", "S4-34")
def test_the_documents_project_works(acme: Caller) -> None:
    made = acme.post("/projects", PROJECT)
    assert made.status == 201 and made.body["success"] is True
    assert (made.data["name"], made.data["description"]) == ("My Project", "A new project")
    assert acme.get(f"/projects/{made.data['id']}").body == made.body


@holds("S4-22")
def test_its_ids_tell_what_they_are_of(acme: Caller) -> None:
    assert re.fullmatch(r"proj_[0-9a-z]{26}", make(acme, "/projects", **PROJECT))
    assert re.fullmatch(r"tsk_[0-9a-z]{26}", make(acme, "/tasks", title="My Task"))


@holds("S4-23", "S4-24")
def test_its_keys_are_in_snake_case_and_its_times_in_utc(acme: Caller) -> None:
    made = acme.post("/projects", PROJECT).data
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in made)
    assert MOMENT.fullmatch(made["created_at"]) and MOMENT.fullmatch(made["updated_at"])


@holds("S4-25", "S4-26", "S4-27", "S4-34")
def test_a_failure_names_the_field(acme: Caller) -> None:
    refused = acme.post("/projects", {"description": "A new project"})
    assert (refused.status, refused.body["success"]) == (400, False)
    assert {"code", "message", "details"} <= set(refused.error)
    assert (refused.error["code"], refused.error["details"]["field"]) == ("VALIDATION_ERROR", "name")
    assert "name" in refused.error["message"] and "required" in refused.error["message"]


# Pages.


@holds("S4-29", "S4-30")
def test_it_pages_by_limit_and_offset(acme: Caller) -> None:
    made = [make(acme, "/projects", name=f"Project {number}") for number in range(5)]
    pages = [acme.get(f"/projects?limit=2&offset={offset}&sort=name") for offset in (0, 2, 4)]
    assert [row["id"] for page in pages for row in page.data] == made
    told = [page.body["pagination"] for page in pages]
    assert [(page["total"], page["limit"], page["offset"], page["has_more"]) for page in told] == [
        (5, 2, 0, True), (5, 2, 2, True), (5, 2, 4, False),
    ]  # fmt: skip


@holds("S4-29", "S4-31")
def test_projects_are_listed_twenty_at_a_time(acme: Caller) -> None:
    for number in range(21):
        make(acme, "/projects", name=f"Project {number}")
    plain, printed = acme.get("/projects"), acme.get("/projects?limit=20&offset=0")
    assert len(plain.data) == 20 and plain.data == printed.data
    assert plain.body["success"] is True and plain.body["pagination"]["has_more"] is True


# Tasks.


@holds("S4-32")
def test_a_task_is_made_in_a_project(acme: Caller) -> None:
    project = make(acme, "/projects", **PROJECT)
    made = acme.post("/tasks", {"title": "My Task", "project_id": project})
    assert (made.status, made.data["title"], made.data["project_id"]) == (201, "My Task", project)


@holds("S4-33")
def test_a_put_changes_what_it_holds_and_nothing_else(acme: Caller) -> None:
    task = make(acme, "/tasks", title="My Task", priority="high")
    changed = acme.put(f"/tasks/{task}", {"status": "completed"})
    assert changed.status == 200
    assert (changed.data["status"], changed.data["title"], changed.data["priority"]) == ("completed", "My Task", "high")
