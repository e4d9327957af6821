"""Activities on the wire."""

from typing import Any

from crm.records import RecordField, RecordFilter
from crm.resources.activities.models import Activity
from crm.rest import writes
from crm.rest.fields import IdField
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer
from crm.rest.viewset import ResourceViewSet

__all__ = ["ActivityViewSet"]

# What an activity can be logged on; a resource that does not exist yet counts from the day it does.
ON = ("client", "lead", "project")


class ActivitySerializer(ResourceSerializer):
    """A note, call, meeting or e-mail."""

    id = IdField("act")
    record_id = RecordField(*ON, help_text="The {client}, lead or project that it belongs to.")

    class Meta:
        model = Activity
        fields = [
            "id", "kind", "subject", "body", "record_id", "occurred_at", "duration_minutes", "direction", "author",
            "author_id", "created_at", "updated_at",
        ]  # fmt: skip


class ActivityFilter(ResourceFilterSet):
    """What activities can be filtered by."""

    id = IdFilter(prefix="act")
    record_id = RecordFilter(*ON, field_name="record_id")

    class Meta:
        model = Activity
        fields = ["kind", "direction", "author", "author_id", "occurred_at", "created_at", "updated_at"]


class ActivityViewSet(ResourceViewSet):
    """Notes, calls, meetings and e-mails, logged on a {client}, a lead or a project. They stay when that is deleted."""

    resource, plural, prefix = "activity", "activities", "act"
    model = Activity
    serializer_class = ActivitySerializer
    filterset_class = ActivityFilter
    search_fields = ("search",)
    ordering_fields = ("created_at", "updated_at", "occurred_at", "kind")
    example = {
        "kind": "call",
        "subject": "Asked for a second bathroom",
        "occurred_at": "2026-01-31T09:30:00Z",
        "duration_minutes": 15,
        "direction": "in",
        "author": "Website",
    }

    def make(self, data: dict[str, Any]) -> Activity:
        actor = self.actor
        author_id = None if actor.id is None else str(actor.id)
        record = Activity(**data, author=actor.label, author_id=author_id)
        writes.create(record, actor=actor)
        return record
