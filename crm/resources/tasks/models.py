"""Tasks: the steps of a project, or errands by themselves."""

from django.db import models
from django.db.models import Q

from crm.resources.clients.models import Client
from crm.resources.projects.models import Project
from tenants.models import Member, TenantModel
from tenants.words import search_column, search_index

__all__ = ["Task"]


class Task(TenantModel):
    """Something that somebody has to do."""

    class Status(models.TextChoices):
        TODO = "todo"
        IN_PROGRESS = "in_progress"
        COMPLETED = "completed"

    class Priority(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"

    assignee = models.ForeignKey(Member, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False)
    title = models.CharField(max_length=200, help_text="What is to be done, in a line.")
    description = models.TextField(null=True, max_length=10_000, help_text="What is to be done, in full.")
    status = models.CharField(
        max_length=11, choices=Status, default=Status.TODO, help_text="Where it stands; any state may follow any."
    )
    priority = models.CharField(
        max_length=6, choices=Priority, default=Priority.MEDIUM, help_text="How much it presses."
    )
    due_date = models.DateField(null=True, help_text="The last day to do it.")
    completed_at = models.DateTimeField(null=True, editable=False, help_text="Since when it is completed.")
    tags = models.JSONField(default=list, help_text="Short words to group by.")
    search = search_column("title")

    class Meta:
        verbose_name_plural = "tasks"
        constraints = [
            models.CheckConstraint(
                condition=Q(status="completed", completed_at__isnull=False)
                | (~Q(status="completed") & Q(completed_at=None)),
                name="task_completion",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="task_latest"),
            models.Index(fields=["tenant", "project", "-created_at"], name="task_project"),
            models.Index(fields=["tenant", "client", "-created_at"], name="task_client"),
            models.Index(fields=["tenant", "assignee", "status", "due_date"], name="task_assignee"),
            models.Index(fields=["tenant", "status", "due_date"], name="task_due"),
            search_index("task_words"),
        ]

    def __str__(self) -> str:
        return self.title
