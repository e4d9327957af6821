"""A viewset without a request: the same rules, for a person at a form."""

from typing import Any

from crm.rest.contract import CANONICAL
from crm.rest.viewset import ResourceViewSet
from crm.rest.writes import check_match, lock
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

__all__ = ["Desk", "create", "desk_of", "remove", "update"]


class Desk(ResourceViewSet):
    """What a viewset asks of its request, answered by an actor instead."""

    def __init__(self, actor: Actor) -> None:
        self.acting = actor

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self.acting

    @property
    def tenant(self) -> Tenant:
        """For which tenant."""
        return self.acting.tenant


def desk_of(view: type[ResourceViewSet]) -> type[Desk]:
    """Return the class of a resource's desk."""
    return type(view.__name__, (Desk, view), {})


def create(desk: type[Desk], body: dict[str, Any], *, actor: Actor) -> Any:
    """Create a record from a body in canonical names, as a POST would, and return it."""
    with tenant_scope(actor.tenant.pk):
        return desk(actor).make(validated(desk, body, None, actor.tenant))


def update(desk: type[Desk], record: Any, body: dict[str, Any], *, actor: Actor, version: str = "") -> None:
    """Change a record as a PATCH would; `version`, where given, must still be the record's."""
    with tenant_scope(actor.tenant.pk):
        lock(record, actor=actor)
        check_match(f'"{version}"' if version else None, record)
        desk(actor).change(record, validated(desk, body, record, actor.tenant))


def remove(desk: type[Desk], record: Any, *, actor: Actor) -> None:
    """Delete a record as a DELETE would."""
    with tenant_scope(actor.tenant.pk):
        lock(record, actor=actor)
        desk(actor).remove(record)


def validated(desk: type[Desk], body: dict[str, Any], record: Any, tenant: Tenant) -> dict[str, Any]:
    """Return what the resource's serializer makes of the body; it raises for what it refuses."""
    context = {"tenant": tenant, "contract": CANONICAL}
    serializer = desk.serializer_class(record, data=body, partial=record is not None, context=context)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
