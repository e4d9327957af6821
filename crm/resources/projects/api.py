"""Projects on the wire."""

from typing import Any

from crm.money import padded
from crm.resources.clients.models import Client
from crm.resources.projects.models import Project
from crm.rest.fields import IdField, MoneyField, OpaqueField, ReferenceField, TagsField
from crm.rest.filters import IdFilter, ResourceFilterSet, TagFilter
from crm.rest.serializers import ResourceSerializer
from crm.rest.viewset import Include, ResourceViewSet
from crm.standards import CurrencyField
from crm.transitions import note_completion

__all__ = ["ProjectViewSet"]


class ProjectSerializer(ResourceSerializer):
    """Work that is planned as a whole. When it was completed is the server's."""

    id = IdField("proj")
    client_id = ReferenceField(Client, "cli", required=False, allow_null=True, help_text="For whom it is done.")
    budget = MoneyField(required=False, allow_null=True, help_text="What it may cost, in the record's currency.")
    currency = CurrencyField(required=False, help_text="ISO 4217; the tenant's currency unless told.")
    tags = TagsField(required=False, help_text="Short words to group by.")
    custom_fields = OpaqueField(required=False, help_text="Your own fields, kept as they come; at most 64 KB.")

    class Meta:
        model = Project
        fields = [
            "id", "name", "description", "client_id", "status", "start_date", "due_date", "completed_at", "budget",
            "currency", "tags", "external_ref", "custom_fields", "created_at", "updated_at",
        ]  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse an end before the start."""
        start, due = (attrs.get(name, getattr(self.instance, name, None)) for name in ("start_date", "due_date"))
        if start and due and due < start:
            raise self.invalid("due_date", "Must not be before {start_date}.")
        return attrs


class ProjectFilter(ResourceFilterSet):
    """What projects can be filtered by."""

    id = IdFilter(prefix="proj")
    client_id = IdFilter(prefix="cli")
    tags = TagFilter()

    class Meta:
        model = Project
        # Not start_date: as a parameter that is where a list begins, by created_at.
        fields = [
            "name", "status", "due_date", "completed_at", "budget", "currency", "external_ref", "created_at",
            "updated_at",
        ]  # fmt: skip


class ProjectViewSet(ResourceViewSet):
    """Work that takes more than one visit. One that tasks refer to cannot be deleted: cancel it instead."""

    resource, plural, prefix = "project", "projects", "proj"
    model = Project
    serializer_class = ProjectSerializer
    filterset_class = ProjectFilter
    search_fields = ("search",)
    ordering_fields = ("created_at", "updated_at", "name", "start_date", "due_date", "budget")
    example = {
        "name": "Bathroom renovation",
        "description": "New pipes, shower and basin.",
        "status": "active",
        "start_date": "2026-02-02",
        "due_date": "2026-03-13",
        "budget": "12500.00",
        "currency": "EUR",
        "tags": ["renovation"],
    }
    includes = {"client": Include("clients", relation="client"), "tasks": Include("tasks", back="project")}

    def settle(self, record: Project) -> None:
        """Give the budget a currency and its decimals, and note since when the project is completed."""
        record.currency = record.currency or self.tenant.currency
        if record.budget is not None:
            record.budget = padded(record.budget, record.currency)
        note_completion(record)
