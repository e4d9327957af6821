"""What is done when a key that seals is lost for good: nobody can read the secrets under it, so they are replaced."""

from collections.abc import Iterator
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Now

from tenants.actor import Actor
from tenants.routing import STAFF, using
from tenants.scope import tenant_scope
from webhooks.endpoints import note, rotate
from webhooks.models import Endpoint, EndpointSecret
from webhooks.resealing import LABEL

__all__ = ["renew"]


def renew(name: str) -> Iterator[Endpoint]:
    """Replace what the key with the id `name` sealed, endpoint by endpoint; each one that was done is yielded."""
    lost = Q(headers_sealed__startswith=f"{name}:") | Q(secrets__sealed__startswith=f"{name}:")
    with using(STAFF):
        found = list(Endpoint.every_tenant.filter(lost).select_related("tenant").order_by("id").distinct())
    for endpoint in found:
        with using(STAFF), tenant_scope(endpoint.tenant_id):
            renew_one(endpoint, name, actor=Actor.system(endpoint.tenant, LABEL))
        yield endpoint


def renew_one(endpoint: Endpoint, name: str, *, actor: Actor) -> None:
    if endpoint.headers_sealed.startswith(f"{name}:"):
        # Not through `changing`, which would read the headers first.
        own: Any = Endpoint.objects.of(actor.tenant).filter(pk=endpoint.pk)
        own.update(headers_sealed="", version=F("version") + 1, updated_at=Now())
        endpoint.refresh_from_db()
        note(endpoint, "headers_lost", actor=actor)
    secrets = EndpointSecret.objects.of(actor.tenant).filter(endpoint=endpoint)
    secrets.filter(sealed__startswith=f"{name}:").delete()
    if not secrets.filter(expires_at=None).exists():
        rotate(endpoint, actor=actor)
