"""What holds for consents: they are added, never changed; the newest one counts, and none is from the future."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from crm.errors import Invalid
from crm.resources.clients.models import Client
from crm.resources.consents.models import Channel, Consent, Source, State
from crm.rest import writes
from tenants.actor import Actor
from tenants.scope import tenant_scope

__all__ = ["allows", "record", "unsubscribe"]

# How far another machine's clock may be ahead of ours.
SKEW = timedelta(minutes=1)


def record(*, actor: Actor, **fields: Any) -> Consent:
    """Note what a client said and return it; raises Invalid for the future, where it would outrank what comes next."""
    now = timezone.now()
    if (given := fields.get("occurred_at")) and given > now + SKEW:
        raise Invalid("A {consent} cannot come from the future.", "occurred_at")
    consent = Consent(**fields)
    consent.occurred_at = min(consent.occurred_at, now)
    writes.create(consent, actor=actor)
    return consent


def allows(client_id: UUID, channel: str, *, actor: Actor) -> bool:
    """Tell whether the client's newest word on a channel lets the tenant use it; without any word it does not."""
    with tenant_scope(actor.tenant.id):
        said = Consent.objects.of(actor.tenant).filter(client_id=client_id, channel=channel)
        newest = said.order_by("-occurred_at", "-id").values_list("state", flat=True).first()
        return bool(newest == State.GRANTED)


def unsubscribe(client_id: UUID, *, actor: Actor, note: str = "") -> bool:
    """Withdraw a client's consent to e-mail, once; False where there is no such client any more."""
    with tenant_scope(actor.tenant.id):
        # Two clicks at once wait here for one another.
        if not Client.objects.of(actor.tenant).select_for_update().filter(pk=client_id).first():
            return False
        if allows(client_id, Channel.EMAIL, actor=actor):
            said = {"channel": Channel.EMAIL, "state": State.WITHDRAWN, "source": Source.UNSUBSCRIBE_LINK}
            record(actor=actor, client_id=client_id, note=note or None, **said)
        return True
