"""Appointments on the wire."""

from datetime import datetime
from typing import Any

from crm.resources.appointments import rules
from crm.resources.appointments.models import Appointment, Status
from crm.resources.clients.api import AddressSerializer
from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from crm.rest.fields import IdField, ReferenceField, ReferencesField, StrictChar
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer, Shape
from crm.rest.viewset import Include, ResourceViewSet
from crm.rest.writes import command
from crm.standards import LocalMomentField, MomentText, TimezoneField
from tenants.models import Member

__all__ = ["AppointmentSerializer", "AppointmentViewSet"]

MOST_ASSIGNEES = 20
LOCAL = "Without an offset it is the local time of {timezone}; kept to the second."
START = f"When the work begins. {LOCAL} Another one reschedules it."
END = f"When the work ends, at most 14 days later; as long after the start as the service takes unless told. {LOCAL}"


class RescheduleSerializer(Shape):
    """One move to another time."""

    from_starts_at = MomentText(help_text="When it began before.")
    from_ends_at = MomentText(help_text="When it ended before.")
    to_starts_at = MomentText(help_text="When it began after.")
    to_ends_at = MomentText(help_text="When it ended after.")
    at = MomentText(help_text="When it was moved.")
    by = StrictChar(max_length=200, help_text="Who moved it: a key's or a person's name.")
    reason = StrictChar(max_length=500, required=False, allow_null=True, help_text="Why it was moved.")


class AppointmentSerializer(ResourceSerializer):
    """Work at an agreed time."""

    id = IdField("apt")
    client_id = ReferenceField(Client, "cli", help_text="For whom the work is done.")
    service_id = ReferenceField(
        Product, "prd", required=False, allow_null=True, help_text="The service that is booked."
    )
    assignee_ids = ReferencesField(
        Member, "usr", rows="assignees", key="member", required=False, max_length=MOST_ASSIGNEES,
        help_text="Who does it; nobody is booked twice, buffers included.",
    )  # fmt: skip
    starts_at = LocalMomentField(help_text=START)
    ends_at = LocalMomentField(required=False, help_text=END)
    timezone = TimezoneField(
        required=False, max_length=64, help_text="IANA name of the zone whose clocks it goes by; UTC unless told."
    )
    address = AddressSerializer(
        required=False, allow_null=True, help_text="Where; the {client}'s shipping or billing address unless told."
    )
    reschedules = RescheduleSerializer(many=True, read_only=True, help_text="Every move to another time, the last 100.")

    class Meta:
        model = Appointment
        fields = [
            "id", "client_id", "service_id", "assignee_ids", "title", "notes", "starts_at", "ends_at", "timezone",
            "address", "status", "buffer_before_minutes", "buffer_after_minutes", "confirmed_at", "en_route_at",
            "started_at", "completed_at", "no_show_at", "cancelled_at", "cancel_reason", "reschedules", "created_at",
            "updated_at",
        ]  # fmt: skip


class CancelSerializer(ResourceSerializer):
    """Why it will not be."""

    example = {"reason": "Ill in bed."}

    reason = StrictChar(max_length=500, required=False, allow_null=True, help_text="Why it was cancelled.")

    class Meta:
        model = Appointment
        fields = ["reason"]


class MoveSerializer(ResourceSerializer):
    """The new time, and why."""

    example = {"starts_at": "2026-03-03T14:00:00Z", "reason": "Asked for the afternoon."}

    starts_at = LocalMomentField(help_text=f"When the work begins. {LOCAL}")
    ends_at = LocalMomentField(required=False, help_text=f"When the work ends; as long as before unless told. {LOCAL}")
    timezone = TimezoneField(required=False, max_length=64, help_text="Another zone, by its IANA name.")
    reason = StrictChar(max_length=500, required=False, allow_null=True, help_text="Why it was moved.")

    class Meta:
        model = Appointment
        fields = ["starts_at", "ends_at", "timezone", "reason"]


class AppointmentFilter(ResourceFilterSet):
    """What appointments can be filtered by."""

    id = IdFilter(prefix="apt")
    client_id = IdFilter(prefix="cli")
    service_id = IdFilter(prefix="prd")
    assignee_ids = IdFilter(prefix="usr", field_name="assignees__member", distinct=True)

    class Meta:
        model = Appointment
        fields = ["status", "starts_at", "ends_at", "timezone", "created_at", "updated_at"]


class AppointmentViewSet(ResourceViewSet):
    """Work at an agreed time, done by team members who cannot be booked twice. Another time reschedules it."""

    resource, plural, prefix = "appointment", "appointments", "apt"
    model = Appointment
    serializer_class = AppointmentSerializer
    filterset_class = AppointmentFilter
    search_fields = ("search", "client__search")
    ordering_fields = ("created_at", "updated_at", "starts_at", "ends_at")
    example = {
        "title": "Water heater inspection",
        "starts_at": "2026-03-02T09:00:00Z",
        "ends_at": "2026-03-02T10:30:00Z",
        "timezone": "Europe/Vienna",
        "address": {"line1": "12 Park Row", "city": "London", "postal_code": "SE10 9NF", "country": "GB"},
    }
    includes = {
        "client": Include("clients", relation="client"),
        "service": Include("products", relation="service"),
        "assignees": Include("team", through="assignee_ids"),
    }
    emits = {
        "confirmed": "The {client} agreed to the time.",
        "rescheduled": "The {appointment} was moved to another time; {reschedules} keeps what was before.",
        "en_route": "Somebody set out for the {appointment}.",
        "started": "The work began.",
        "completed": "The work is done.",
        "no_show": "Nobody was met; the members' time is free again.",
        "cancelled": "The {appointment} was called off; the members' time is free again.",
    }

    def make(self, data: dict[str, Any]) -> Appointment:
        return rules.create(data, actor=self.actor)

    def change(self, record: Appointment, data: dict[str, Any]) -> None:
        rules.change(record, data, actor=self.actor)

    @command(event="confirmed")
    def confirm(self, appointment: Appointment) -> None:
        """Note that the {client} has agreed to the time."""
        rules.move(appointment, Status.CONFIRMED, actor=self.actor)

    @command(event="en_route")
    def en_route(self, appointment: Appointment) -> None:
        """Note that somebody has set out for it."""
        rules.move(appointment, Status.EN_ROUTE, actor=self.actor)

    @command(event="started")
    def start(self, appointment: Appointment) -> None:
        """Note that the work has begun."""
        rules.move(appointment, Status.IN_PROGRESS, actor=self.actor)

    @command(event="completed")
    def complete(self, appointment: Appointment) -> None:
        """Note that the work is done."""
        rules.move(appointment, Status.COMPLETED, actor=self.actor)

    @command(event="no_show")
    def no_show(self, appointment: Appointment) -> None:
        """Note that nobody was met; the members' time is free again."""
        rules.move(appointment, Status.NO_SHOW, actor=self.actor)

    @command(event="cancelled", takes=CancelSerializer)
    def cancel(self, appointment: Appointment, reason: str | None = None) -> None:
        """Cancel it; the members' time is free again."""
        rules.move(appointment, Status.CANCELLED, actor=self.actor, reason=reason)

    @command(event="rescheduled", takes=MoveSerializer)
    def reschedule(self, appointment: Appointment, reason: str | None = None, **times: datetime | str) -> None:
        """Move it to another time, which is then to be confirmed anew; what was before stays in its history."""
        rules.change(appointment, times, actor=self.actor, reason=reason)
