"""Seats in a tenant: given, changed and taken away, each with its event."""

from typing import Any

from django.contrib.auth.models import User

from tenants import ids
from tenants.actor import Actor
from tenants.ledger import record
from tenants.models import Environment, Event, Member
from tenants.scope import tenant_scope

__all__ = ["change_role", "give_seat", "live_seats", "note_login", "take_seat"]


def live_seats(user: User) -> list[Member]:
    """Return a person's seats with their tenants and plans, by slug; only the staff's role sees them all."""
    seats = Member.every_tenant.filter(user=user, tenant__environment=Environment.LIVE)
    return list(seats.select_related("tenant__plan").order_by("tenant__slug"))


def give_seat(*, user: User, role: str, actor: Actor) -> Member:
    """Give a person a seat in the actor's tenant and return it."""
    with tenant_scope(actor.tenant.id):
        member: Member = Member.objects.create(tenant=actor.tenant, user=user, role=role)
        note_seat(member, "created", actor=actor)
    return member


def change_role(member: Member, role: str, *, actor: Actor) -> None:
    """Give a seat another role."""
    before, member.role = member.role, role
    if before == role:
        return
    with tenant_scope(actor.tenant.id):
        member.version += 1
        member.save(update_fields=["role", "version"])
        note_seat(member, "updated", actor=actor, changes={"role": [before, role]})


def take_seat(member: Member, *, actor: Actor) -> None:
    """Take a seat away; the person keeps their account."""
    with tenant_scope(actor.tenant.id):
        member.version += 1
        note_seat(member, "deleted", actor=actor)
        Member.objects.of(actor.tenant).filter(pk=member.pk).delete()


def note_seat(member: Member, verb: str, *, actor: Actor, changes: dict[str, Any] | None = None) -> None:
    """Write what happened to a seat, for staff only."""
    data = {"id": ids.encode("mem", member.pk), "user": member.user.get_username(), "role": member.role}
    record(
        actor=actor, type=f"member.{verb}", resource="member", record_id=member.pk, record_version=member.version,
        data=data, changes=changes, audience=Event.Audience.AUDIT,
    )  # fmt: skip


def note_login(user: User, *, succeeded: bool, address: str, request_id: str) -> None:
    """Write an attempt to log in as `user` into the log of each tenant where they have a seat."""
    for member in Member.every_tenant.filter(user=user).select_related("tenant", "user"):
        # Whoever failed was not shown to be that person.
        kind, who, label = ("user", user.pk, user.get_username()) if succeeded else ("system", None, "log-in")
        actor = Actor(kind, member.tenant, who, label, address, request_id)  # type: ignore[arg-type]
        with tenant_scope(member.tenant_id):
            note_seat(member, "logged_in" if succeeded else "login_failed", actor=actor)
