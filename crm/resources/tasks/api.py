"""Tasks on the wire."""

from crm.resources.clients.models import Client
from crm.resources.projects.models import Project
from crm.resources.tasks.models import Task
from crm.rest.fields import IdField, ReferenceField, TagsField
from crm.rest.filters import IdFilter, ResourceFilterSet, TagFilter
from crm.rest.serializers import ResourceSerializer
from crm.rest.viewset import Include, ResourceViewSet
from crm.transitions import note_completion
from tenants.models import Member

__all__ = ["TaskViewSet"]


class TaskSerializer(ResourceSerializer):
    """Something to be done. When it was completed is the server's."""

    id = IdField("tsk")
    assignee_id = ReferenceField(Member, "usr", required=False, allow_null=True, help_text="Who does it.")
    project_id = ReferenceField(Project, "proj", required=False, allow_null=True, help_text="What it is a part of.")
    client_id = ReferenceField(Client, "cli", required=False, allow_null=True, help_text="For whom it is done.")
    tags = TagsField(required=False, help_text="Short words to group by.")

    class Meta:
        model = Task
        fields = [
            "id", "title", "description", "status", "priority", "assignee_id", "project_id", "client_id", "due_date",
            "completed_at", "tags", "created_at", "updated_at",
        ]  # fmt: skip


class TaskFilter(ResourceFilterSet):
    """What tasks can be filtered by."""

    id = IdFilter(prefix="tsk")
    assignee_id = IdFilter(prefix="usr")
    project_id = IdFilter(prefix="proj")
    client_id = IdFilter(prefix="cli")
    tags = TagFilter()

    class Meta:
        model = Task
        fields = ["title", "status", "priority", "due_date", "completed_at", "created_at", "updated_at"]


class TaskViewSet(ResourceViewSet):
    """What is to be done, by whom and until when. A deleted task takes its comments along."""

    resource, plural, prefix = "task", "tasks", "tsk"
    model = Task
    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    search_fields = ("search",)
    ordering_fields = ("created_at", "updated_at", "title", "due_date", "completed_at")
    example = {
        "title": "Order the shower cartridge",
        "description": "The old one is 40 mm.",
        "status": "todo",
        "priority": "high",
        "due_date": "2026-02-06",
        "tags": ["parts"],
    }
    includes = {
        "assignee": Include("team", relation="assignee"),
        "project": Include("projects", relation="project"),
        "client": Include("clients", relation="client"),
        "comments": Include("comments", back="task"),
    }

    def settle(self, record: Task) -> None:
        """Note since when the task is completed."""
        note_completion(record)
