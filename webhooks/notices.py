"""What becomes of an endpoint that fails, and who is told: its owners by mail, other endpoints by an event."""

import logging
from collections.abc import Collection, Iterable
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from kombu.exceptions import OperationalError

from tenants.actor import Actor
from tenants.models import Member, Tenant
from tenants.routing import alias
from tenants.scope import tenant_scope
from webhooks import endpoints
from webhooks.models import Endpoint, Lane
from webhooks.queue import Ailing

__all__ = ["NOTIFY", "note_ailing", "note_gone", "note_silenced", "send_mail"]

log = logging.getLogger("kith.webhooks")
NOTIFY = "webhooks.notify"
Key = tuple[UUID, UUID]
SILENCED = "The key that made it was revoked, or the member lost the seat. Let somebody else take it over."
ANSWERED_GONE = "It answered 410 Gone."
GIVEN_UP = "It has not taken a delivery for five days."
FAILING = "It has not taken a delivery for a day. It is switched off when that lasts for five."


def note_silenced(lanes: Iterable[Key]) -> None:
    """Switch off what may hear nothing more."""
    for lane in lanes:
        switch_off(lane, SILENCED)


def note_gone(lanes: Iterable[Key]) -> None:
    """Switch off what said that it is gone for good."""
    for lane in lanes:
        switch_off(lane, ANSWERED_GONE)


def note_ailing(lanes: Collection[Ailing]) -> None:
    """Warn the owners of what has failed for a day, and switch off what has for five."""
    for lane, given_up in lanes:
        if given_up:
            switch_off(lane, GIVEN_UP)
        else:
            poke_mail(lane, FAILING)


def switch_off(lane: Key, reason: str) -> None:
    """Switch an endpoint off and tell its owners, once; what waits for it is kept."""
    tenant_id, endpoint_id = lane
    tenant = Tenant.objects.get(pk=tenant_id)
    with tenant_scope(tenant_id):
        endpoint = Endpoint.objects.of(tenant).select_for_update().filter(pk=endpoint_id, active=True).first()
        if endpoint is None:
            return
        endpoints.disable(endpoint, actor=Actor.system(tenant, "webhooks"), reason=reason)
        transaction.on_commit(lambda: poke_mail(lane, reason), using=alias(), robust=True)
    log.warning("webhook switched off", extra={"endpoint": str(endpoint_id), "reason": reason})


def poke_mail(lane: Key, reason: str) -> None:
    """Let a task of its own talk to the mail server. Where the broker is away the event and the admin tell it alone."""
    try:
        current_app.send_task(NOTIFY, args=[*map(str, lane), reason], retry=False)
    except (OSError, OperationalError) as error:
        log.warning("no mail about a failing webhook", exc_info=error)


def send_mail(tenant: Tenant, endpoint_id: UUID, reason: str) -> int:
    """Write to the active owners of the tenant about an endpoint; return how many addresses there were."""
    with tenant_scope(tenant.pk):
        endpoint = Endpoint.objects.of(tenant).filter(pk=endpoint_id).first()
        lane = Lane.objects.of(tenant).filter(endpoint=endpoint_id).first()
        live = tenant.live_id or tenant.pk
    if endpoint is None:
        return 0
    with tenant_scope(live):
        owners = Member.objects.of(live).filter(role=Member.Role.OWNER, active=True, email__isnull=False)
        addresses = list(owners.values_list("email", flat=True))
    since = lane.failing_since if lane else None
    text = (
        f"{endpoint.url}\n\n{reason}\n\n"
        + (f"It has failed since {since:%Y-%m-%d %H:%M} UTC. " if since else "")
        + "What could not be delivered is kept, and sent when the endpoint is on again; what was given up can be "
        f"replayed.\n\nSee it: {settings.PUBLIC_URL}/settings/webhooks/\n"
    )
    subject = f"Webhook {'is failing' if endpoint.active else 'switched off'} ({tenant})"
    for address in addresses:
        EmailMessage(subject, text, to=[address]).send()
    return len(addresses)
