"""A viewset without a request: the same rules, for a person at a form."""

from functools import lru_cache
from typing import Any

from crm.rest.contract import CANONICAL
from crm.rest.viewset import ResourceViewSet
from crm.rest.writes import check_match, lock
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

__all__ = ["create", "remove", "update"]


class Desk:
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


@lru_cache(maxsize=256)
def desk_of(view: type[ResourceViewSet]) -> Any:
    """Return the class of the view's desk."""
    return type(view.__name__, (Desk, view), {})


def create(view: type[ResourceViewSet], body: dict[str, Any], *, actor: Actor) -> Any:
    """Create a record from a body in canonical names, as a POST would, and return it."""
    with tenant_scope(actor.tenant.pk):
        return desk_of(view)(actor).make(validated(view, body, None, actor.tenant))


def update(view: type[ResourceViewSet], record: Any, body: dict[str, Any], *, actor: Actor, version: str = "") -> None:
    """Change a record as a PATCH would; `version`, where given, must still be the record's."""
    with tenant_scope(actor.tenant.pk):
        lock(record, actor=actor)
        check_match(f'"{version}"' if version else None, record)
        desk_of(view)(actor).change(record, validated(view, body, record, actor.tenant))


def remove(view: type[ResourceViewSet], record: Any, *, actor: Actor) -> None:
    """Delete a record as a DELETE would."""
    with tenant_scope(actor.tenant.pk):
        lock(record, actor=actor)
        desk_of(view)(actor).remove(record)


def validated(view: type[ResourceViewSet], body: dict[str, Any], record: Any, tenant: Tenant) -> dict[str, Any]:
    """Return what the resource's serializer makes of the body; it raises for what it refuses."""
    context = {"tenant": tenant, "contract": CANONICAL}
    serializer = view.serializer_class(record, data=body, partial=record is not None, context=context)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
