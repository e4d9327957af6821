"""Tasks and their comments: what documents 003 and 004 print, and what goes when a task goes."""

from typing import Any

import pytest

from crm.resources.comments.models import Comment
from crm.resources.comments.rules import author_of
from crm.resources.tasks.models import Task
from crm.rest import writes
from tenants import ids
from tenants.actor import Actor
from tenants.membership import give_seat
from tenants.models import Event
from tenants.routing import using
from tenants.scope import tenant_scope
from tests.admin.conftest import make_person
from tests.conftest import Caller
from tests.crowd import at_once

BODY = {"title": "New task", "description": "Task description", "status": "todo", "priority": "medium"}
# As document 003 prints it, in the case of v1; it may say more.
SCHEMA: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "required": False, "generated": True},
    "title": {"type": "string", "required": True, "maxLength": 200},
    "description": {"type": "string", "required": False},
    "status": {"type": "enum", "values": ["todo", "in_progress", "completed"], "default": "todo"},
    "priority": {"type": "enum", "values": ["low", "medium", "high"], "default": "medium"},
    "assignee_id": {"type": "string", "required": False},
    "created_at": {"type": "datetime", "required": False, "generated": True},
    "updated_at": {"type": "datetime", "required": False, "generated": True},
}
RELATIONS = {
    "assignee": {"type": "belongsTo", "entity": "team", "foreign_key": "assignee_id"},
    "comments": {"type": "hasMany", "entity": "comments", "foreign_key": "task_id"},
}


def make_task(caller: Caller, **fields: Any) -> str:
    made = caller.post("/tasks", {"title": "Fix it", **fields})
    assert made.status == 201, made.body
    return str(made.data["id"])


def comment(caller: Caller, task: str, text: str = "Great progress!") -> Any:
    made = caller.post("/comments", {"task_id": task, "text": text})
    assert made.status == 201, made.body
    return made.data


def test_it_takes_what_document_003_sends(acme: Caller) -> None:
    made = acme.post("/tasks", BODY).data
    assert made["id"].startswith("tsk_")
    assert {name: made[name] for name in BODY} == BODY


def test_it_has_the_documented_defaults(acme: Caller) -> None:
    made = acme.post("/tasks", {"title": "Fix it"}).data
    assert (made["status"], made["priority"], made["completed_at"]) == ("todo", "medium", None)


@pytest.mark.parametrize(("field", "value"), [("title", "x" * 201), ("title", ""), ("status", "done"), ("priority", 1)])
def test_it_refuses_what_does_not_fit(acme: Caller, field: str, value: Any) -> None:
    refused = acme.post("/tasks", BODY | {field: value})
    assert (refused.status, refused.error["details"]["field"]) == (400, field)


def test_it_names_the_states_that_there_are(acme: Caller) -> None:
    refused = acme.post("/tasks", BODY | {"status": "done"})
    assert refused.error["details"]["fields"]["status"] == ["Must be one of: todo, in_progress, completed."]


def test_it_describes_itself_as_document_003_prints_it(acme: Caller) -> None:
    told = acme.with_scopes("read", "write")("OPTIONS", "/tasks").data
    for name, printed in SCHEMA.items():
        assert told["schema"][name].items() >= printed.items(), name
        assert told["schema"][name].keys() - printed.keys() <= {"description", "maxLength"}, name
    assert told["relations"].items() >= RELATIONS.items()
    assert told["permissions"] == {"read": True, "write": True, "delete": False}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_it_notes_when_it_is_completed(acme: Caller, method: str) -> None:
    project = acme.post("/projects", {"name": "My Project"}).data["id"]
    task = make_task(acme, project_id=project)
    done = acme(method, f"/tasks/{task}", {"status": "completed"}).data
    assert (done["status"], done["title"], done["project_id"]) == ("completed", "Fix it", project)
    assert done["completed_at"] is not None
    assert acme(method, f"/tasks/{task}", {"priority": "low"}).data["completed_at"] == done["completed_at"]
    assert acme(method, f"/tasks/{task}", {"status": "todo"}).data["completed_at"] is None
    assert acme.post("/tasks", BODY | {"status": "completed"}).data["completed_at"] is not None


def test_it_shows_the_assignee_and_the_comments(acme: Caller) -> None:
    member = acme.post("/team", {"name": "John Doe", "email": "john@example.com"}).data
    task = make_task(acme, assignee_id=member["id"])
    said = [comment(acme, task, text) for text in ("Started", "Great progress!")]
    shown = acme.get(f"/tasks/{task}?include=assignee,comments").data
    assert (shown["assignee"], shown["comments"]) == (member, said[::-1])
    assert [row["id"] for row in acme.get(f"/tasks?assignee_id={member['id']}").data] == [task]


def test_it_needs_the_scopes_of_what_it_includes(acme: Caller) -> None:
    task = make_task(acme)
    reader = acme.with_scopes("tasks:read", "team:read")
    assert reader.get(f"/tasks/{task}?include=assignee").status == 200
    refused = reader.get(f"/tasks/{task}?include=comments")
    assert (refused.status, refused.error["details"]["required_scope"]) == (403, "comments:read")


def test_it_says_who_wrote_a_comment(acme: Caller) -> None:
    said = comment(acme, make_task(acme))
    assert said["id"].startswith("cmt_") and said["author_id"].startswith("key_")
    assert said["author_name"].startswith("test (kith_live_")
    changed = acme.with_scopes("admin").patch(f"/comments/{said['id']}", {"text": "Good.", "author_name": "Eve"}).data
    assert (changed["text"], changed["author_name"]) == ("Good.", said["author_name"])


def test_it_names_a_member_as_the_author(acme: Caller) -> None:
    with using("admin"):
        user = make_person(first_name="Ada", last_name="Lovelace").user
        seat = give_seat(user=user, role="staff", actor=Actor.system(acme.tenant, "tests"))
    member = Actor("user", acme.tenant, user.pk, user.get_username())
    assert author_of(member) == {"author_id": ids.encode("usr", seat.pk), "author_name": "Ada Lovelace"}
    assert author_of(Actor.system(acme.tenant, "demo")) == {"author_id": None, "author_name": "demo"}


def test_it_takes_the_comments_along(acme: Caller) -> None:
    task, other = make_task(acme), make_task(acme)
    said = [comment(acme, task)["id"] for _ in range(3)]
    kept = comment(acme, other)["id"]
    assert acme.delete(f"/tasks/{task}").status == 200
    assert [row["id"] for row in acme.get("/comments").data] == [kept]
    gone = acme.get("/events?type=comment.deleted").data
    assert [event["record_id"] for event in gone] == said
    assert acme.get(f"/tasks/{task}/events").data[-1]["type"] == "task.deleted"


@pytest.mark.parametrize("run", range(5))
def test_it_leaves_no_comment_behind_when_both_happen_at_once(acme: Caller, run: int) -> None:
    task = make_task(acme)

    def act(index: int) -> int:
        if index == 0:
            return acme.delete(f"/tasks/{task}").status
        return acme.post("/comments", {"task_id": task, "text": "Wait!"}).status

    deleted, *said = at_once(8, act)
    assert deleted == 200 and set(said) <= {201, 400, 409}, said
    assert acme.get("/comments").data == []
    made, gone = (acme.get(f"/events?type=comment.{verb}").data for verb in ("created", "deleted"))
    assert len(made) == len(gone) == said.count(201)


def test_it_takes_them_along_in_a_shell_too(acme: Caller) -> None:
    task = make_task(acme)
    comment(acme, task)
    with tenant_scope(acme.tenant.pk):
        record = Task.objects.of(acme.tenant).get()
        writes.delete(record, actor=Actor.system(acme.tenant, "shell"))
        assert not Comment.objects.of(acme.tenant).exists()
        assert Event.objects.of(acme.tenant).filter(type="comment.deleted", actor_label="shell").count() == 1


def test_it_keeps_other_tenants_out(acme: Caller, globex: Caller) -> None:
    member = globex.post("/team", {"name": "Hank", "email": "hank@example.com"}).data["id"]
    assert acme.post("/tasks", {"title": "x", "assignee_id": member}).status == 400
    assert acme.post("/comments", {"task_id": make_task(globex), "text": "x"}).status == 400
