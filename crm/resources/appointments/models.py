"""Appointments, and the rows that hold who is booked for them and when."""

from datetime import timedelta
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DecimalRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import LessThanOrEqual

from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from tenants.models import Member, TenantModel, TenantRow
from tenants.words import search_column, search_index

__all__ = ["LONGEST", "MOMENTS", "OVER", "TRANSITIONS", "Appointment", "AppointmentAssignee", "Status"]

LONGEST = timedelta(days=14)


class Status(models.TextChoices):
    """Where an appointment stands."""

    SCHEDULED = "scheduled"
    CONFIRMED = "confirmed"
    EN_ROUTE = "en_route"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


OVER = (Status.COMPLETED, Status.NO_SHOW, Status.CANCELLED)
# Steps may be left out: not everybody reports each of them. To be scheduled again is to be rescheduled.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.SCHEDULED: (Status.SCHEDULED, Status.CONFIRMED, Status.EN_ROUTE, Status.IN_PROGRESS, *OVER),
    Status.CONFIRMED: (Status.SCHEDULED, Status.EN_ROUTE, Status.IN_PROGRESS, *OVER),
    Status.EN_ROUTE: (Status.SCHEDULED, Status.IN_PROGRESS, *OVER),
    Status.IN_PROGRESS: (Status.COMPLETED, Status.CANCELLED),
    **dict.fromkeys(OVER, ()),
}
# The field that says since when.
MOMENTS: dict[str, str] = {
    Status.CONFIRMED: "confirmed_at",
    Status.EN_ROUTE: "en_route_at",
    Status.IN_PROGRESS: "started_at",
    Status.COMPLETED: "completed_at",
    Status.NO_SHOW: "no_show_at",
    Status.CANCELLED: "cancelled_at",
}


def dated(status: str) -> Q:
    """Return the condition that a state has its moment; an end, which nothing follows, has it alone."""
    moment = MOMENTS[status]
    others = Q(**{moment: None}) if status in OVER else Q()
    return Q(status=status, **{f"{moment}__isnull": False}) | (~Q(status=status) & others)


class Appointment(TenantModel):
    """Work at an agreed time."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="appointments", db_constraint=False)
    service = models.ForeignKey(
        Product, on_delete=models.PROTECT, null=True, related_name="appointments", db_constraint=False
    )
    title = models.CharField(max_length=200, null=True, help_text="What it is about; the service's name unless told.")
    notes = models.TextField(null=True, max_length=5000, help_text="What whoever goes there should know.")
    starts_at = models.DateTimeField(help_text="When the work begins.")
    ends_at = models.DateTimeField(help_text="When the work ends.")
    timezone = models.CharField(max_length=64, default="UTC", help_text="Where its clocks are.")
    address = models.JSONField(null=True, help_text="Where the work is done.")
    status = models.CharField(
        max_length=11, choices=Status, default=Status.SCHEDULED, editable=False, help_text="Changed by the commands."
    )
    buffer_before_minutes = models.PositiveIntegerField(
        default=0, editable=False, help_text="Kept free before it, as its service wanted when it was booked."
    )
    buffer_after_minutes = models.PositiveIntegerField(
        default=0, editable=False, help_text="Kept free after it, as its service wanted when it was booked."
    )
    confirmed_at = models.DateTimeField(null=True, editable=False, help_text="When it was confirmed.")
    en_route_at = models.DateTimeField(null=True, editable=False, help_text="When somebody set out for it.")
    started_at = models.DateTimeField(null=True, editable=False, help_text="When the work began.")
    completed_at = models.DateTimeField(null=True, editable=False, help_text="When the work was done.")
    no_show_at = models.DateTimeField(null=True, editable=False, help_text="When nobody was met.")
    cancelled_at = models.DateTimeField(null=True, editable=False, help_text="When it was cancelled.")
    cancel_reason = models.CharField(max_length=500, null=True, editable=False, help_text="Why it was cancelled.")
    reschedules = models.JSONField(default=list, editable=False, help_text="Every move to another time.")
    search = search_column("title", "notes")

    class Meta:
        verbose_name_plural = "appointments"
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="appointment_ends"),
            models.CheckConstraint(
                condition=LessThanOrEqual(F("ends_at") - F("starts_at"), LONGEST), name="appointment_length"
            ),
            *(
                models.CheckConstraint(condition=dated(state), name=f"appointment_{MOMENTS[state]}")
                for state in MOMENTS
            ),
            models.CheckConstraint(
                condition=Q(status=Status.CANCELLED) | Q(cancel_reason=None), name="appointment_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="appointment_latest"),
            models.Index(fields=["tenant", "starts_at", "id"], name="appointment_calendar"),
            models.Index(fields=["tenant", "client", "starts_at"], name="appointment_client"),
            models.Index(fields=["tenant", "service"], name="appointment_service"),
            search_index("appointment_words"),
        ]

    def __str__(self) -> str:
        return self.title or "Appointment"


class AppointmentAssignee(TenantRow):
    """A team member's part in an appointment. Two of one member's slots that overlap cannot both be stored."""

    # Counted as its appointment where it keeps a member from being removed, and named in refusals as shown there.
    inside = "appointment"
    shown_as = "assignee_ids"

    appointment = models.ForeignKey(
        Appointment, on_delete=models.CASCADE, related_name="assignees", db_constraint=False
    )
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="assignments", db_constraint=False)
    position = models.PositiveSmallIntegerField()
    # The member's number times 2^34, plus seconds since 1970: one range holds both, so plain GiST can compare them.
    slot: Any = DecimalRangeField(null=True, help_text="Empty where the member's time is free again.")

    class Meta:
        verbose_name_plural = "appointments"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "appointment", "member"], name="assignee_once"),
            models.UniqueConstraint(fields=["tenant", "appointment", "position"], name="assignee_position"),
            ExclusionConstraint(
                name="assignee_booked_once",
                expressions=[("slot", RangeOperators.OVERLAPS)],
                violation_error_message="One of them is booked at that time, or too close to it: choose another time "
                "({starts_at}) or others.",
            ),
        ]
        indexes = [models.Index(fields=["tenant", "member"], name="assignee_member")]

    def __str__(self) -> str:
        return str(self.member)
