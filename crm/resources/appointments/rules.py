"""What holds for appointments: their times, their states, who is booked, and that each move is remembered."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.timezone import now

from crm.errors import Conflict, Invalid
from crm.resources.appointments.models import MOMENTS, OVER, TRANSITIONS, Appointment, AppointmentAssignee, Status
from crm.resources.appointments.times import Times, slot_of, times_of
from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from crm.rest import writes
from crm.transitions import check_transition
from tenants.actor import Actor
from tenants.models import Member, Tenant
from tenants.scope import tenant_scope

__all__ = ["change", "create", "move"]

# What has been is not planned any more.
FROZEN = ("client_id", "service_id", "assignee_ids", "starts_at", "ends_at", "timezone")
# The event that each state leaves.
VERBS: dict[str, str] = {
    Status.CONFIRMED: "confirmed",
    Status.EN_ROUTE: "en_route",
    Status.IN_PROGRESS: "started",
    Status.COMPLETED: "completed",
    Status.NO_SHOW: "no_show",
    Status.CANCELLED: "cancelled",
}
RELEASED = (Status.NO_SHOW, Status.CANCELLED)
# The ledger has them all; a record is not to grow without end.
MOVES_KEPT = 100


def create(data: Mapping[str, Any], *, actor: Actor) -> Appointment:
    """Schedule an appointment; raises IntegrityError where one of the members is booked then."""
    fields = dict(data)
    member_ids = fields.pop("assignee_ids", ())
    with tenant_scope(actor.tenant.id):
        service = find_service(fields.get("service_id"), actor.tenant)
        appointment = Appointment(tenant=actor.tenant)
        start, end = times_of(appointment, fields, service)
        take_over(appointment, {**fields, "starts_at": start, "ends_at": end}, service)
        if "address" not in fields:
            appointment.address = address_of(fields["client_id"], actor.tenant)
        appointment.save(force_insert=True)
        book(appointment, member_ids)
        writes.record_created(appointment, actor=actor)
    return appointment


def change(appointment: Appointment, data: Mapping[str, Any], *, actor: Actor, reason: str | None = None) -> None:
    """Change an appointment; another time makes it rescheduled, and to be confirmed anew where it starts otherwise.

    Raises Conflict for what is frozen once it is over, IntegrityError where one of the members is booked then.
    """
    with tenant_scope(actor.tenant.id):
        writes.lock(appointment, actor=actor)
        booked = [row.member_id for row in appointment.assignees.all()]
        fields = dict(data)
        moved_service = fields.get("service_id", appointment.service_id) != appointment.service_id
        service = find_service(fields["service_id"], actor.tenant) if moved_service else None
        before, after = (appointment.starts_at, appointment.ends_at), times_of(appointment, fields, service)
        fields |= dict(zip(("starts_at", "ends_at"), after, strict=True))
        member_ids = fields.pop("assignee_ids", booked)
        check_frozen(appointment, {**fields, "assignee_ids": member_ids}, booked)
        with writes.changing(appointment, actor=actor, verb="updated" if before == after else "rescheduled"):
            if before != after:
                note_move(appointment, before, after, actor=actor, reason=reason)
            take_over(appointment, fields, service)
            if before != after or moved_service or member_ids != booked:
                book(appointment, member_ids)


def move(
    appointment: Appointment, to: str, *, actor: Actor, at: datetime | None = None, reason: str | None = None
) -> None:
    """Bring an appointment into another state, `at` a moment (default now), with its event; raises InvalidTransition.

    Nobody's time is taken any more by one that is cancelled, or where nobody was met.
    """
    with writes.changing(appointment, actor=actor, verb=VERBS[to]):
        check_transition(TRANSITIONS, appointment.status, to)
        appointment.status = to
        setattr(appointment, MOMENTS[to], at or now())
        if to == Status.CANCELLED:
            appointment.cancel_reason = reason
        if to in RELEASED:
            AppointmentAssignee.objects.of(actor.tenant).filter(appointment=appointment).update(slot=None)


def check_frozen(appointment: Appointment, fields: Mapping[str, Any], booked: Sequence[UUID]) -> None:
    """Raise Conflict where something of an appointment that is over would become something else."""
    if appointment.status not in OVER:
        return
    held = {name: getattr(appointment, name) for name in FROZEN if name != "assignee_ids"} | {"assignee_ids": booked}
    if frozen := [name for name in FROZEN if fields.get(name, held[name]) != held[name]]:
        raise Conflict(f"Frozen, as this is {appointment.status}. Make a new {{appointment}}.", *frozen)


def note_move(appointment: Appointment, before: Times, after: Times, *, actor: Actor, reason: str | None) -> None:
    """Write down a move; one that starts at another time has not been confirmed."""
    if before[0] != after[0]:
        check_transition(TRANSITIONS, appointment.status, Status.SCHEDULED)
        appointment.status, appointment.confirmed_at, appointment.en_route_at = Status.SCHEDULED, None, None
    names = ("from_starts_at", "from_ends_at", "to_starts_at", "to_ends_at", "at")
    moments = map(text_of, (*before, *after, now().replace(microsecond=0)))
    entry = {**dict(zip(names, moments, strict=True)), "by": actor.label, "reason": reason}
    appointment.reschedules = [*appointment.reschedules, entry][-MOVES_KEPT:]


def text_of(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def take_over(appointment: Appointment, fields: Mapping[str, Any], service: Product | None) -> None:
    """Set fields, and what a newly chosen service decides: later changes of the service move nothing."""
    for name, value in fields.items():
        setattr(appointment, name, value)
    if "service_id" in fields and (service is not None or fields["service_id"] is None):
        booking = (service and service.booking) or {}
        appointment.buffer_before_minutes = booking.get("buffer_before_minutes") or 0
        appointment.buffer_after_minutes = booking.get("buffer_after_minutes") or 0
    if service is not None and appointment.title is None and "title" not in fields:
        appointment.title = service.name


def book(appointment: Appointment, member_ids: Sequence[UUID]) -> None:
    """Book the members for the appointment's time and nobody else; the database refuses one who is booked then.

    Two who book the same people at once find each other's rows and wait for each other: whoever locks the members
    first, in the one order of their ids, comes first instead. Inactive members are not told apart yet.
    """
    rows = AppointmentAssignee.objects.of(appointment.tenant).filter(appointment=appointment)
    team = Member.objects.of(appointment.tenant).filter(pk__in=member_ids).order_by("pk")
    if member_ids:
        list(team.select_for_update(no_key=True).values_list("pk"))
    rows.delete()
    made = [
        AppointmentAssignee(
            tenant=appointment.tenant,
            appointment=appointment,
            member_id=member_id,
            position=position,
            slot=slot_of(appointment, member_id),
        )
        for position, member_id in enumerate(member_ids)
    ]
    AppointmentAssignee.objects.bulk_create(made)
    writes.know_rows(appointment, assignees=made)


def find_service(pk: UUID | None, tenant: Tenant) -> Product | None:
    """Return the service of this id, None without one; raises Invalid for goods."""
    if pk is None:
        return None
    found: Product = Product.objects.of(tenant).get(pk=pk)
    if found.type != Product.Type.SERVICE:
        raise Invalid("This {product} is no service: name one whose {type} is service.", "service_id")
    return found


def address_of(client_id: UUID, tenant: Tenant) -> Any:
    """Return where a client's things are done: where goods go, else where invoices go."""
    names = ("shipping_address", "billing_address")
    return next(filter(None, Client.objects.of(tenant).values_list(*names).get(pk=client_id)), None)
