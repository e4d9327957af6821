"""Projects: what the documents print, dates, budgets, and when one is completed."""

import pytest

from tests.conftest import Caller


def test_it_takes_what_document_004_sends(acme: Caller) -> None:
    made = acme.post("/projects", {"name": "My Project", "description": "A new project"})
    assert made.status == 201, made.body
    assert made.data["id"].startswith("proj_")
    assert (made.data["name"], made.data["status"], made.data["currency"]) == ("My Project", "active", "USD")
    assert [project["id"] for project in acme.get("/projects").data] == [made.data["id"]]


def test_it_needs_a_name(acme: Caller) -> None:
    refused = acme.post("/projects", {"description": "A new project"})
    assert (refused.status, refused.error["details"]["field"]) == (400, "name")


def test_it_pads_the_budget_in_its_currency(acme: Caller) -> None:
    made = acme.post("/projects", {"name": "Bath", "budget": 12500, "currency": "EUR"}).data
    assert made["budget"] == "12500.00"
    assert acme.patch(f"/projects/{made['id']}", {"currency": "JPY"}).data["budget"] == "12500"
    assert acme.patch(f"/projects/{made['id']}", {"budget": None}).data["budget"] is None
    assert acme.patch(f"/projects/{made['id']}", {"budget": "-1"}).status == 400


@pytest.mark.parametrize("first", [{"start_date": "2026-03-01"}, {"due_date": "2026-02-01"}])
def test_it_refuses_an_end_before_the_start(acme: Caller, first: dict[str, str]) -> None:
    dates = {"start_date": "2026-03-01", "due_date": "2026-02-01"}
    assert acme.post("/projects", {"name": "Bath", **dates}).error["details"]["field"] == "due_date"
    made = acme.post("/projects", {"name": "Bath", **first}).data["id"]
    refused = acme.patch(f"/projects/{made}", {name: day for name, day in dates.items() if name not in first})
    assert (refused.status, refused.error["details"]["field"]) == (400, "due_date")
    assert acme.patch(f"/projects/{made}", {"start_date": "2026-02-01", "due_date": "2026-02-01"}).status == 200


def test_it_notes_when_it_is_completed(acme: Caller) -> None:
    made = acme.post("/projects", {"name": "Bath", "status": "planned"}).data["id"]
    done = acme.patch(f"/projects/{made}", {"status": "completed"}).data["completed_at"]
    assert done is not None
    assert acme.patch(f"/projects/{made}", {"name": "Bathroom"}).data["completed_at"] == done
    assert acme.patch(f"/projects/{made}", {"status": "on_hold"}).data["completed_at"] is None
    assert acme.patch(f"/projects/{made}", {"completed_at": "2026-01-01T00:00:00Z"}).data["completed_at"] is None


def test_it_shows_its_client_and_its_tasks(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data
    made = acme.post("/projects", {"name": "Bath", "client_id": client["id"]}).data["id"]
    task = acme.post("/tasks", {"title": "Measure", "project_id": made}).data
    shown = acme.get(f"/projects/{made}?include=client,tasks").data
    assert (shown["client"], shown["tasks"]) == (client, [task])


def test_it_stays_while_tasks_refer_to_it(acme: Caller) -> None:
    client = acme.post("/clients", {"name": "Ada"}).data["id"]
    made = acme.post("/projects", {"name": "Bath", "client_id": client}).data["id"]
    task = acme.post("/tasks", {"title": "Measure", "project_id": made}).data["id"]
    refused = acme.delete(f"/projects/{made}")
    assert (refused.status, refused.error["details"]["referenced_by"]) == (409, {"tasks": 1})
    assert "cancelled" in refused.error["message"]
    assert acme.delete(f"/clients/{client}").error["details"]["referenced_by"] == {"projects": 1}
    assert [acme.delete(path).status for path in (f"/tasks/{task}", f"/projects/{made}")] == [200, 200]
