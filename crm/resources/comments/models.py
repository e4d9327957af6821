"""Comments: the talk below a task."""

from django.db import models

from crm.resources.tasks.models import Task
from tenants.models import TenantModel

__all__ = ["Comment"]


class Comment(TenantModel):
    """What somebody said about a task; it goes when the task goes."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    text = models.TextField(max_length=5000, help_text="What there is to say.")
    author_id = models.CharField(
        max_length=40, null=True, editable=False, help_text="Who wrote it: a person, or the key of a program."
    )
    author_name = models.CharField(max_length=200, editable=False, help_text="How the author was called then.")

    class Meta:
        verbose_name_plural = "comments"
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="comment_latest"),
            models.Index(fields=["tenant", "task", "-created_at"], name="comment_task"),
        ]

    def __str__(self) -> str:
        return self.text[:60]
