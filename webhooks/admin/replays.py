"""The jobs that send a window again: how far each is."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action

from tenants.admin import show
from tenants.admin.base import StaffAdmin
from tenants.admin.filters import ReferenceFilter
from tenants.staff import actor_of, may
from webhooks.admin.acting import ask, wanted
from webhooks.models import Replay
from webhooks.replay import cancel

__all__ = ["ReplayAdmin"]

TONES = {"running": "info", "done": "good", "cancelled": "plain"}


@admin.register(Replay)
class ReplayAdmin(StaffAdmin):
    """Jobs are started from an endpoint's page."""

    verbs = {"view": "view"}
    empty_title = "Nothing was replayed yet"
    empty_text = "A job sends the events of a window to an endpoint again. It is started from the endpoint's page."
    list_display = ("started", "to", "tenant", "state", "progress", "who")
    list_filter = (("tenant", ReferenceFilter), ("status", ChoicesDropdownFilter))
    search_fields = ("endpoint__url__icontains",)
    actions = None
    actions_detail = ("cancel",)
    fieldsets = (
        (None, {"fields": ("state", "progress", "to", "tenant", "window", "what", "who", "started", "ended")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the jobs with their endpoints."""
        return super().get_queryset(request).select_related("endpoint", "tenant")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show everything, change nothing."""
        return [name for _, part in self.fieldsets for name in part["fields"]]

    def has_cancel_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may stop a job: whoever may change the endpoint."""
        return may(request.user, "change", "webhooks.change_endpoint", self.tenant_of(obj))

    @action(description="Cancel", permissions=["cancel"], url_path="cancel", icon="cancel")  # type: ignore[untyped-decorator]
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then stop the job."""
        job = wanted(self, request, object_id, "cancel")
        if request.method != "POST":
            said = ("What is on its way is sent, and nothing more. A job that is over stays as it is.",)
            return ask(request, job.endpoint, "Cancel the replay", said=said, verb="Cancel it", danger=True)
        cancel(job, actor=actor_of(request, job.tenant))
        return redirect("admin:webhooks_replay_change", job.pk)

    def history_id(self, job: Replay) -> Any:
        """Show what was done to the endpoint."""
        return job.endpoint_id

    @admin.display(description="Started", ordering="id")
    def started(self, job: Replay) -> str:
        """Return when it was started."""
        return show.moment(job.created_at)

    @admin.display(description="Ended")
    def ended(self, job: Replay) -> str:
        """Return when it ended."""
        return show.moment(job.finished_at, "not yet")

    @admin.display(description="To")
    def to(self, job: Replay) -> str:
        """Return the endpoint."""
        return show.link(reverse("admin:webhooks_endpoint_change", args=[job.endpoint_id]), job.endpoint.url)

    @admin.display(description="State", ordering="status")
    def state(self, job: Replay) -> str:
        """Return how it is."""
        return show.badge(job.status, TONES[job.status])

    @admin.display(description="Progress")
    def progress(self, job: Replay) -> str:
        """Return how many events are on their way again."""
        return render_to_string("admin/kith/progress.html", {"job": job})

    @admin.display(description="Window")
    def window(self, job: Replay) -> str:
        """Return from when to when."""
        return f"{job.since:%Y-%m-%d %H:%M} to {job.until:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="What")
    def what(self, job: Replay) -> str:
        """Return which events."""
        types = ", ".join(job.events) or "every type that the endpoint asks for"
        return f"{types}; {'only what was not delivered' if job.only_failed else 'also what was delivered'}"

    @admin.display(description="By")
    def who(self, job: Replay) -> str:
        """Return who started it."""
        return job.actor_label or "Kith"
