"""Seats in a tenant: given, changed and taken away, each with its event, and linked to the person's account."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from tenants import ids
from tenants.actor import Actor
from tenants.ledger import record
from tenants.models import Environment, Event, Member
from tenants.routing import alias
from tenants.scope import tenant_scope

__all__ = [
    "LastOwner", "change", "find_invited", "give_seat", "link", "live_seats", "note_login", "show_by", "take_seat",
]  # fmt: skip

PREFIX = "usr"


class LastOwner(Exception):
    """The change would leave a tenant that has an owner without one."""

    def __init__(self) -> None:
        super().__init__("This is the last active owner: make somebody else an owner first.")


def plain(member: Member) -> dict[str, Any]:
    return {"id": ids.encode(PREFIX, member.pk), "name": member.name, "role": member.role, "active": member.active}


# How the ledger shows a seat: as the API does, once the room above has said how that is.
_show: list[Callable[[Member], dict[str, Any]]] = [plain]


def show_by(show: Callable[[Member], dict[str, Any]]) -> None:
    """Let the ledger show seats by `show`; called once when Kith starts."""
    _show[0] = show


def live_seats(user: User) -> list[Member]:
    """Return a person's active seats with their tenants and plans, by slug; only the staff's role sees them all."""
    seats = Member.every_tenant.filter(user=user, active=True, tenant__environment=Environment.LIVE)
    return list(seats.select_related("tenant__plan").order_by("tenant__slug"))


def give_seat(*, user: User, role: str, actor: Actor) -> Member:
    """Give a person a seat in the actor's tenant and return it: the one they were invited to, if there is one."""
    with tenant_scope(actor.tenant.id):
        invited = find_invited(user, actor.tenant)
        if invited is not None:
            change(invited, {"user": user, "role": role}, actor=actor)
            return invited
        name = user.get_full_name() or user.get_username()
        email = user.email.lower() or None
        member: Member = Member.objects.create(tenant=actor.tenant, user=user, name=name, email=email, role=role)
        note(member, "created", actor=actor)
    return member


def find_invited(user: User, tenant: Any) -> Member | None:
    """Return the seat without an account that waits for this person in a tenant."""
    found: Member | None = invitations(user).filter(tenant=tenant).first()
    return found


def invitations(user: User) -> Any:
    """Return the seats without an account whose e-mail address is the person's."""
    addresses = {user.email.lower(), user.get_username().lower()} - {""}
    return Member.every_tenant.filter(user=None, email__in=addresses).order_by("id")


def change(member: Member, values: Mapping[str, Any], *, actor: Actor) -> None:
    """Change a seat, with its event if anything moves; raises LastOwner."""
    with tenant_scope(actor.tenant.id):
        member.refresh_from_db(from_queryset=Member.objects.of(actor.tenant).select_for_update())
        before, account, owned = _show[0](member), member.user_id, is_owner(member)
        for name, value in values.items():
            setattr(member, name, value)
        after = _show[0](member)
        moved = {name: [before[name], value] for name, value in after.items() if before[name] != value}
        if not moved and member.user_id == account:
            return
        if owned and not is_owner(member):
            keep_an_owner(member)
        member.version += 1
        member.updated_at = timezone.now()
        member.save()
        note(member, "updated", actor=actor, changes=moved)


def take_seat(member: Member, *, actor: Actor) -> None:
    """Take a seat away; the person keeps their account. Raises LastOwner."""
    with tenant_scope(actor.tenant.id):
        if is_owner(member):
            keep_an_owner(member)
        member.version += 1
        note(member, "deleted", actor=actor)
        Member.objects.of(actor.tenant).filter(pk=member.pk).delete()


def is_owner(member: Member) -> bool:
    return member.active and member.role == Member.Role.OWNER


def keep_an_owner(member: Member) -> None:
    """Raise LastOwner unless another active owner stays."""
    with connections[alias()].cursor() as cursor:
        # Two owners who step down at once would each still see the other.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"owners:{member.tenant_id}"])
    owners = Member.objects.of(member.tenant_id).filter(role=Member.Role.OWNER, active=True)
    if not owners.exclude(pk=member.pk).exists():
        raise LastOwner


def link(user: User) -> None:
    """Give a person's account the live seats that they were invited to by e-mail; for the staff's role only."""
    for member in invitations(user).filter(tenant__environment=Environment.LIVE).select_related("tenant"):
        if not Member.every_tenant.filter(tenant=member.tenant, user=user).exists():
            change(member, {"user": user}, actor=Actor("user", member.tenant, user.pk, user.get_username()))


def note(member: Member, verb: str, *, actor: Actor, changes: dict[str, Any] | None = None) -> None:
    """Write what happened to a seat."""
    record(
        actor=actor, type=f"member.{verb}", resource="member", record_id=member.pk, record_version=member.version,
        data=_show[0](member), changes=changes,
    )  # fmt: skip


def note_login(user: User, *, succeeded: bool, address: str, request_id: str) -> None:
    """Write an attempt to log in as `user` into the log of each tenant where they have a seat, for staff only."""
    for member in Member.every_tenant.filter(user=user).select_related("tenant"):
        # Whoever failed was not shown to be that person.
        kind, who, label = ("user", user.pk, user.get_username()) if succeeded else ("system", None, "log-in")
        actor = Actor(kind, member.tenant, who, label, address, request_id)  # type: ignore[arg-type]
        with tenant_scope(member.tenant_id):
            record(
                actor=actor, type="member.logged_in" if succeeded else "member.login_failed", resource="member",
                record_id=member.pk, record_version=member.version, audience=Event.Audience.AUDIT,
                data={"id": ids.encode(PREFIX, member.pk), "user": user.get_username(), "role": member.role},
            )  # fmt: skip
