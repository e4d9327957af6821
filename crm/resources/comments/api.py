"""Comments on the wire."""

from typing import Any

from crm.resources.comments.models import Comment
from crm.resources.comments.rules import author_of
from crm.resources.tasks.models import Task
from crm.rest.fields import IdField, ReferenceField, StrictChar
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer
from crm.rest.viewset import Include, ResourceViewSet

__all__ = ["CommentViewSet"]


class CommentSerializer(ResourceSerializer):
    """What somebody said about a task."""

    id = IdField("cmt")
    task_id = ReferenceField(Task, "tsk", help_text="What it is about.")
    author_id = StrictChar(read_only=True, help_text="Who wrote it: a person, or the key of a program.")

    class Meta:
        model = Comment
        fields = ["id", "task_id", "text", "author_id", "author_name", "created_at", "updated_at"]


class CommentFilter(ResourceFilterSet):
    """What comments can be filtered by."""

    id = IdFilter(prefix="cmt")
    task_id = IdFilter(prefix="tsk")

    class Meta:
        model = Comment
        fields = ["author_id", "author_name", "created_at", "updated_at"]


class CommentViewSet(ResourceViewSet):
    """What people and programs say about a task. The author is the server's to say."""

    resource, plural, prefix = "comment", "comments", "cmt"
    model = Comment
    serializer_class = CommentSerializer
    filterset_class = CommentFilter
    example = {"text": "Great progress!"}
    includes = {"task": Include("tasks", relation="task")}

    def make(self, data: dict[str, Any]) -> Comment:
        """Write down who says it."""
        comment: Comment = super().make({**data, **author_of(self.actor)})
        return comment
