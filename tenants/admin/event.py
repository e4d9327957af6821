"""The audit log: every event, to read and nothing else."""

from uuid import UUID

from django.contrib import admin
from django.urls import reverse

from tenants.admin import show
from tenants.admin.base import PAGES, StaffAdmin
from tenants.admin.filters import DayFilter, ExactFilter, ReferenceFilter, SeenFilter
from tenants.models import Event

__all__ = ["EventAdmin"]

# What a record is called, by the first of these that its snapshot has.
NAMES = ("name", "number", "title", "user", "slug")


class TypeFilter(SeenFilter):
    """By what happened."""

    title, parameter_name, column = "type", "what", "type"


class ResourceFilter(SeenFilter):
    """By what it happened to."""

    title, parameter_name, column = "resource", "to", "resource"


class ActorFilter(ExactFilter):
    """By who did it: the name of a person, or the id of a key."""

    title, parameter_name = "actor (user name, or id of a key)", "actor"
    columns = ("actor_id", "actor_label")


class RecordFilter(ExactFilter):
    """By the record, with its public id or its UUID."""

    title, parameter_name = "record (id)", "record"
    columns, uuid_columns = ("public_id",), ("record_id",)


@admin.register(Event)
class EventAdmin(StaffAdmin):
    """What happened, newest first."""

    verbs = {"view": "view"}
    empty_title = "Nothing has happened yet"
    empty_text = "Every change leaves an event here: through the API, in this admin, or by Kith itself."
    list_display = ("what", "subject", "who", "tenant", "when")
    list_display_links = ("what",)
    search_fields = ("type__istartswith", "actor_label__icontains", "request_id__exact", "public_id__exact")
    search_help_text = "Start of a type, part of an actor's name, a whole request id or record id."
    list_filter = (
        ("tenant", ReferenceFilter), TypeFilter, ResourceFilter, ActorFilter, RecordFilter, ("occurred_at", DayFilter),
    )  # fmt: skip
    list_filter_submit = True
    fieldsets = (
        (None, {"fields": ("what", "subject", "tenant", "when")}),
        ("Who", {"fields": ("who", "address", "request_id")}),
        ("What changed", {"fields": ("moved",)}),
        ("The record afterwards (before, for a deletion)", {"fields": ("snapshot",), "classes": ("collapse",)}),
    )
    readonly_fields = ("what", "subject", "who", "when", "moved", "snapshot")

    @admin.display(description="What", ordering="type")
    def what(self, event: Event) -> str:
        """Return the type, in the colour of its verb."""
        return show.badge(event.type, show.TONES.get(event.type.rpartition(".")[2]))

    @admin.display(description="Record")
    def subject(self, event: Event) -> str:
        """Return the record's name and id, as a link to its page where there is one."""
        name = next((event.data[key] for key in NAMES if event.data.get(key)), None)
        page = PAGES.get(event.resource)
        label = f"{name} · {event.public_id}" if name else event.public_id
        if page is None or event.type.endswith(".deleted"):
            return label
        return show.link(
            reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_change", args=[event.record_id]), label
        )

    @admin.display(description="Who")
    def who(self, event: Event) -> str:
        """Return the actor."""
        return f"{event.actor_label or event.actor_id or 'Kith'} ({event.actor_kind})"

    @admin.display(description="When", ordering="id")
    def when(self, event: Event) -> str:
        """Return the time."""
        return show.moment(event.occurred_at)

    @admin.display(description="Before and after")
    def moved(self, event: Event) -> str:
        """Return the fields that moved."""
        return show.changes(event.changes)

    @admin.display(description="Record")
    def snapshot(self, event: Event) -> str:
        """Return the record as the API showed it."""
        return show.record(event.data)

    def history_id(self, event: Event) -> UUID:
        """Show what else happened to the record of an event."""
        return event.record_id
