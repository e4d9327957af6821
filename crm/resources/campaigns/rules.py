"""What holds for campaigns: their states, what is frozen once sending has begun, and who their recipients are."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connections
from django.utils import timezone

from crm.errors import Conflict, Invalid
from crm.pokes import poke
from crm.resources.campaigns.models import TRANSITIONS, Campaign, Recipient, State, Status, progress_of
from crm.resources.lists.models import ListMember, MarketingList
from crm.rest import writes
from crm.transitions import check_transition
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.routing import alias
from tenants.scope import tenant_scope

__all__ = ["cancel", "change", "delete", "schedule", "send", "start_due"]

# What some have received does not change for the others.
FROZEN = ("subject", "body", "body_html", "list_id")
OPEN = (Status.DRAFT, Status.SCHEDULED)
DELIVER = "crm.tasks.deliver_campaign"
BATCH = 20
# In one statement, as a list may be long.
FILL = f"""
INSERT INTO {Recipient._meta.db_table} (id, tenant_id, campaign_id, client_id, state, tries)
SELECT gen_random_uuid(), tenant_id, %s, client_id, %s, 0 FROM {ListMember._meta.db_table}
WHERE tenant_id = %s AND list_id = %s
"""  # noqa: S608  the tables' own names


def change(campaign: Campaign, data: Mapping[str, Any], *, actor: Actor) -> None:
    """Change a campaign; raises Conflict for what is frozen once sending has begun."""
    with writes.changing(campaign, actor=actor):
        if campaign.status not in OPEN and (frozen := [name for name in FROZEN if name in data]):
            raise Conflict(f"Frozen, as this is {campaign.status}. Make a new one.", *frozen)
        for name, value in data.items():
            setattr(campaign, name, value)


def delete(campaign: Campaign, *, actor: Actor) -> None:
    """Delete a draft; raises Conflict for anything else."""
    if campaign.status != Status.DRAFT:
        raise Conflict(f"Only drafts can be deleted, and this is {campaign.status}. {Campaign.instead_of_deleting}")
    writes.delete(campaign, actor=actor)


def schedule(campaign: Campaign, at: datetime, *, actor: Actor) -> None:
    """Let a campaign be sent at a moment to come, or at another than before."""
    with writes.changing(campaign, actor=actor, verb="scheduled"):
        check_transition(TRANSITIONS, campaign.status, Status.SCHEDULED)
        if at <= timezone.now():
            raise Invalid("Lies in the past: send the {campaign} now instead.", "at")
        campaign.status, campaign.scheduled_at = Status.SCHEDULED, at


def send(campaign: Campaign, *, actor: Actor) -> None:
    """Begin to send a campaign now; raises Conflict where its list is empty."""
    with writes.changing(campaign, actor=actor, verb="started"):
        check_transition(TRANSITIONS, campaign.status, Status.SENDING)
        if not MarketingList.objects.of(actor.tenant).get(pk=campaign.list_id).member_count:
            raise Conflict("Nobody is on the {list}.", "list_id")
        begin(campaign)


def cancel(campaign: Campaign, *, actor: Actor) -> None:
    """Stop a campaign for good: what is out is out, and nobody else gets it."""
    with writes.changing(campaign, actor=actor, verb="cancelled"):
        check_transition(TRANSITIONS, campaign.status, Status.CANCELLED)
        campaign.status = Status.CANCELLED


def start_due(tenant: Tenant, *, now: datetime) -> int:
    """Begin to send the tenant's scheduled campaigns whose time has come, each once; return how many."""
    actor = Actor.system(tenant, "campaigns")
    with tenant_scope(tenant.id):
        due = Campaign.objects.of(tenant).filter(status=Status.SCHEDULED, scheduled_at__lte=now)
        batch = list(due.select_for_update(skip_locked=True).order_by("id")[:BATCH])
        for campaign in batch:
            writes.hold(campaign)
            with writes.changing(campaign, actor=actor, verb="started"):
                begin(campaign)
        return len(batch)


def begin(campaign: Campaign) -> None:
    """Make a recipient of everyone who is on the list at this moment, and wake the worker once that is committed."""
    with connections[alias()].cursor() as cursor:
        cursor.execute(FILL, [campaign.pk, State.WAITING, campaign.tenant_id, campaign.list_id])
        campaign.progress = progress_of(recipients=cursor.rowcount)
    campaign.status = Status.SENDING
    poke(DELIVER, str(campaign.tenant_id), str(campaign.pk))
