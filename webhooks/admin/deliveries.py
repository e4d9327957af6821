"""The log of deliveries, newest first, and the page of each with all of its attempts."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action

from tenants import ids
from tenants.admin import show
from tenants.admin.base import StaffAdmin
from tenants.admin.filters import DayFilter, ReferenceFilter, SeenFilter, midnight, to_uuid
from tenants.models import Event
from tenants.staff import actor_of, bounded, may
from webhooks.admin.acting import ask
from webhooks.admin.lists import DeliveryList
from webhooks.admin.looks import STATE_TONES, status_badge
from webhooks.again import SENTENCES
from webhooks.endpoints import PING
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.replay import Unrepeatable, again
from webhooks.telling import answer, event_id

__all__ = ["DeliveryAdmin"]

MOST = 100


class EndpointFilter(DropdownFilter):
    """By the endpoint: the newest to choose from, any other by its id in the address."""

    title, parameter_name = "endpoint", "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the endpoints that the person may see."""
        rows = bounded(Endpoint.every_tenant.order_by("-pk"), request.user)
        return [(str(row.pk), row.url) for row in rows.only("url", "tenant")[:MOST]]

    def has_output(self) -> bool:
        """Stay in place on an empty list too."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """Return the deliveries to one endpoint."""
        if not self.value():
            return queryset
        wanted = to_uuid(str(self.value()))
        return queryset.filter(endpoint_id=wanted) if wanted else queryset.none()


class TypeFilter(SeenFilter):
    """By what happened."""

    title, parameter_name, column = "type", "what", "type"


class MadeFilter(DayFilter):
    """By the day: ids are made in order of time, so the first day bounds what is read."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the deliveries between the two days."""
        found = super().queryset(request, queryset)
        first = midnight(self.used_parameters.get(f"{self.parameter_name}_from"))
        return found.filter(pk__gte=ids.first_of(first)) if first else found


@admin.register(Delivery)
class DeliveryAdmin(StaffAdmin):
    """Deliveries are made by Kith; a person can only have one sent again."""

    verbs = {"view": "view"}
    empty_title = "Nothing was sent yet"
    empty_text = (
        "Each event that an endpoint asks for is a delivery here, with every attempt. A test makes one at once."
    )
    list_display = ("what", "to", "tenant", "state", "tried", "answered", "made")
    list_display_links = ("what",)
    list_filter = (
        ("tenant", ReferenceFilter), ("status", ChoicesDropdownFilter), EndpointFilter, TypeFilter,
        ("created_at", MadeFilter),
    )  # fmt: skip
    list_filter_submit = True
    search_fields = ("event_id",)
    search_help_text = "The id of an event (the webhook-id), of a record, or of a delivery."
    actions = None
    actions_detail = ("replay",)
    fieldsets = (
        (None, {"fields": ("state", "what", "to", "tenant", "event", "record", "made", "next_attempt")}),
        (None, {"fields": ("attempt_list",)}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DeliveryList]:
        """Return the list whose rows know their endpoint."""
        return DeliveryList

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show everything, change nothing."""
        return [name for _, part in self.fieldsets for name in part["fields"]]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the delivery with its endpoint, which may be gone."""
        found: Any = super().get_object(request, object_id, from_field)
        if found is not None:
            found.endpoint = Endpoint.every_tenant.filter(tenant=found.tenant_id, pk=found.endpoint_id).first()
        return found

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Find a whole id: of an event, a record, or a delivery."""
        term = search_term.strip()
        return (queryset.filter(named(term)) if term else queryset), False

    def has_replay_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may have a delivery sent again: whoever may change the endpoint."""
        return may(request.user, "change", "webhooks.change_endpoint", self.tenant_of(obj))

    def history_id(self, delivery: Delivery) -> UUID:
        """Show what else happened to the record that a delivery tells of."""
        return delivery.record_id

    @action(description="Replay", permissions=["replay"], url_path="replay", icon="replay")  # type: ignore[untyped-decorator]
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then send the event again to the same endpoint."""
        delivery = self.get_object(request, object_id)
        if delivery is None or delivery.endpoint is None:
            raise Http404
        if not self.has_replay_permission(request, delivery):
            raise PermissionDenied
        endpoint = delivery.endpoint
        if request.method != "POST":
            said = (f"{delivery.type} is sent to it again, with the same webhook-id: a receiver that has it knows it.",)
            return ask(request, endpoint, "Replay the delivery", said=said, verb="Replay it")
        try:
            made = again(delivery, actor=actor_of(request, endpoint.tenant))
        except Unrepeatable as error:
            messages.error(request, SENTENCES[type(error)])
            return redirect("admin:webhooks_delivery_change", delivery.pk)
        messages.success(request, "On its way again. This is the new delivery.")
        return redirect("admin:webhooks_delivery_change", made.pk)

    # Columns and fields.

    @admin.display(description="Event", ordering="type")
    def what(self, delivery: Delivery) -> str:
        """Return the type."""
        return f"{delivery.type} · replay {delivery.replay_no}" if delivery.replay_no else delivery.type

    @admin.display(description="To")
    def to(self, delivery: Any) -> str:
        """Return the address, as a link to the endpoint's page."""
        if delivery.endpoint is None:
            return "an endpoint that is gone"
        where = reverse("admin:webhooks_endpoint_change", args=[delivery.endpoint_id])
        return show.link(where, show.two_lines(delivery.endpoint.url))

    @admin.display(description="Status", ordering="status")
    def state(self, delivery: Delivery) -> str:
        """Return the status."""
        return status_badge(delivery)

    @admin.display(description="Attempts")
    def tried(self, delivery: Delivery) -> str:
        """Return how many attempts have ended, of ten."""
        return str(delivery.attempts)

    @admin.display(description="Last answer")
    def answered(self, delivery: Delivery) -> str:
        """Return what came back last."""
        return answer(delivery)

    @admin.display(description="Made", ordering="id")
    def made(self, delivery: Delivery) -> str:
        """Return when the delivery was made."""
        return show.moment(delivery.created_at)

    @admin.display(description="Next attempt")
    def next_attempt(self, delivery: Delivery) -> str:
        """Return when it is tried again; what goes before all else is due since long ago."""
        if delivery.status != Delivery.Status.PENDING:
            return show.moment(None, "none: it is finished")
        return show.moment(max(delivery.due_at, timezone.now()))

    @admin.display(description="Webhook-id")
    def event(self, delivery: Delivery) -> str:
        """Return the event's id, as a link to the audit log."""
        if delivery.type == PING:
            return show.code(event_id(delivery))
        return show.link(reverse("admin:tenants_event_change", args=[delivery.event_id]), event_id(delivery))

    @admin.display(description="Record's version")
    def record(self, delivery: Delivery) -> int:
        """Return the version that the event made."""
        return delivery.record_version

    @admin.display(description="Attempts")
    def attempt_list(self, delivery: Delivery) -> str:
        """Return a table of the attempts."""
        rows = Attempt.every_tenant.filter(tenant=delivery.tenant_id, delivery_id=delivery.pk).order_by("id")
        attempts = [(row, STATE_TONES[row.state], answer(row)) for row in rows]
        return render_to_string("admin/kith/attempts.html", {"attempts": attempts, "delivery": delivery})


def named(term: str) -> Q:
    """Return the condition of what an id names; of nothing else."""
    prefix = term.rpartition("_")[0]
    try:
        value = ids.decode(prefix, term)
    except ids.InvalidId:
        return Q(pk__in=())
    if prefix == "evt":
        return Q(event_id=value)
    if prefix == "dlv":
        return Q(pk=value)
    # The events of a record are found by an index, and name their deliveries.
    if prefix:
        events = Event.every_tenant.filter(public_id=term).order_by("-pk").values_list("pk", "tenant")[:MOST]
        return Q(event_id__in=[pk for pk, _ in events])
    return Q(pk=value) | Q(event_id=value) | Q(record_id=value) | Q(endpoint_id=value)
