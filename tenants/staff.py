"""Who of the staff may do what where: their seats, what a role grants, and the actor they are for the ledger."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from tenants.actor import Actor
from tenants.models import Member, Tenant

__all__ = ["GRANTS", "actor_of", "bounded", "may", "seats_of"]

M = TypeVar("M", bound=Model)
Role = Member.Role
WORK = frozenset({"view", "add", "change"})
RUN = WORK | {"delete", "issue", "configure"}
# What each role may do in its own tenant, on both sides. A Django permission grants the same in all of a person's.
GRANTS: Mapping[str, frozenset[str]] = {
    Role.VIEWER: frozenset({"view"}),
    Role.STAFF: WORK,
    Role.ADMIN: RUN,
    Role.OWNER: RUN | {"grant", "seats"},
}


def seats_of(user: Any) -> Mapping[UUID, str]:
    """Return the tenants that a person has an active seat in, with the role; a live seat counts for the sandbox."""
    found: dict[UUID, str] | None = getattr(user, "seats", None)
    if found is None:
        found = {}
        seats = Member.every_tenant.filter(user=user.pk, active=True)
        rows: Any = seats.values_list("tenant_id", "tenant__sandbox__id", "role")
        for live, sandbox, role in rows:
            found |= {live: role} | ({sandbox: role} if sandbox else {})
        # Kept on the user, whom Django loads anew for each request: a lost seat counts from the next one on.
        user.seats = found
    return found


def bounded(rows: QuerySet[M], user: Any, path: str = "tenant") -> QuerySet[M]:
    """Return the rows of the person's own tenants, all of them for a superuser; `path` leads to the tenant."""
    return rows if user.is_superuser else rows.filter(**{f"{path}__in": list(seats_of(user))})


def may(user: Any, verb: str, permission: str, tenant_id: UUID | None = None) -> bool:
    """Tell whether a person may do `verb` in a tenant (without one: in any of theirs), by permission or by role."""
    if not (user.is_active and user.is_staff):
        return False
    if user.is_superuser:
        return True
    seats = seats_of(user)
    if tenant_id is not None and tenant_id not in seats:
        return False
    roles = seats.values() if tenant_id is None else [seats[tenant_id]]
    return user.has_perm(permission) or any(verb in GRANTS[role] for role in roles)


def actor_of(request: HttpRequest, tenant: Tenant) -> Actor:
    """Return the person behind a request as the ledger knows them."""
    user: Any = request.user
    request_id = getattr(request, "request_id", "")
    return Actor("user", tenant, user.pk, user.get_username(), request.META["REMOTE_ADDR"], request_id)
