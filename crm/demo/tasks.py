"""The demo's tasks and what was said about them: the steps of each project, and errands by themselves."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle

from django.utils import timezone

from crm.demo.world import World, past
from crm.resources.comments.models import Comment
from crm.resources.projects.models import Project
from crm.resources.tasks.models import Task
from crm.rest import writes
from crm.transitions import note_completion
from tenants.ids import encode
from tenants.models import Member, TenantModel

__all__ = ["SIZE", "make"]

STEPS = (
    "Measure and photograph",
    "Get the permit",
    "Order parts",
    "Rough-in",
    "Pressure test",
    "Walk-through with client",
)
ERRANDS = (
    ("Renew the backflow tester's certificate", "high"),
    ("Call back about the leak on Cedar St", "high"),
    ("Restock wax rings and fill valves", "medium"),
    ("Send the new price list", "medium"),
    ("Replace the van's ladder rack", "low"),
    ("Ask for reviews from last month's jobs", "low"),
)
SAID = ("Parts arrive on Thursday.", "Done, photos are in the folder.", "The client wants it before the weekend.")
# Of errands.
SINGLE = {"acme": 6, "globex": 2}
# The steps of 10 and 2 projects, the errands, and a comment on every third of them.
SIZE = {"acme": 60 + 6 + 22, "globex": 12 + 2 + 5}
# How many steps are done, by the state of the project; the next one is being worked on.
DONE = {"planned": 0, "active": 3, "on_hold": 2, "completed": len(STEPS), "cancelled": 1}


def make(world: World) -> Iterator[TenantModel]:
    """Make the tasks, and comments by members of the team."""
    people = cycle([member for member in world.made[Member] if member.active and member.role != Member.Role.VIEWER])
    for index, task in enumerate(tasks(world)):
        who = next(people)
        task.assignee = who
        note_completion(task)
        writes.create(task, actor=world.actor)
        yield task
        if index % 3 == 0:
            text = SAID[index // 3 % len(SAID)]
            comment = Comment(
                task=task,
                text=text,
                author_id=encode("usr", who.pk),
                author_name=who.name,
                created_at=task.updated_at,
                updated_at=task.updated_at,
            )
            writes.create(comment, actor=world.actor)
            yield comment


def tasks(world: World) -> Iterator[Task]:
    """Yield unsaved tasks."""
    for project in world.made[Project]:
        for place, title in enumerate(STEPS):
            yield Task(
                title=title, project=project, client=project.client, status=state(project, place),
                priority=Task.Priority.HIGH if place == 1 else Task.Priority.MEDIUM,
                due_date=project.start_date + timedelta(days=5 * place), completed_at=project.completed_at,
                created_at=project.created_at, updated_at=project.updated_at,
            )  # fmt: skip
    for place, (title, priority) in enumerate(ERRANDS[: world.count(SINGLE)]):
        due = timezone.now().date() + timedelta(days=3 * place - 4)
        yield Task(title=title, priority=priority, due_date=due, created_at=past(8), updated_at=past(8))


def state(project: Project, place: int) -> str:
    """Return the state of a project's step."""
    done = DONE[project.status]
    if place < done:
        return Task.Status.COMPLETED
    working = place == done and project.status == Project.Status.ACTIVE
    return Task.Status.IN_PROGRESS if working else Task.Status.TODO
