"""What holds for leads: the states they go through, and how one becomes a client, once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils import timezone

from crm.errors import Invalid
from crm.resources.clients.models import Client
from crm.resources.leads.models import CONVERSIONS, TRANSITIONS, Lead, Status
from crm.rest import writes
from crm.transitions import check_transition
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.routing import alias

__all__ = ["change", "convert", "create"]


def create(data: Mapping[str, Any], *, actor: Actor) -> Lead:
    """Make a lead in any state but converted."""
    lead = Lead(**data)
    if lead.status == Status.CONVERTED:
        raise Invalid("Only convert makes a {lead} converted.", "status")
    writes.create(lead, actor=actor)
    return lead


def change(lead: Lead, data: Mapping[str, Any], *, actor: Actor) -> None:
    """Change a lead; raises InvalidTransition for a state that may not follow."""
    with writes.changing(lead, actor=actor):
        if (wanted := data.get("status", lead.status)) != lead.status:
            check_transition(TRANSITIONS, lead.status, wanted)
        for name, value in data.items():
            setattr(lead, name, value)


def convert(lead: Lead, *, actor: Actor, client_id: UUID | None = None) -> None:
    """Make the lead a client: the one named, else the one with the same address or number, else a new one."""
    with writes.changing(lead, actor=actor, verb="converted"):
        check_transition(CONVERSIONS, lead.status, Status.CONVERTED)
        if client_id is None:
            # Leads of one person that are converted together shall find one client, not make two.
            hold_contacts(lead, actor.tenant)
            found = find_client(lead, actor.tenant)
            lead.client_found = found is not None
            client_id = found or make_client(lead, actor=actor).pk
        else:
            lead.client_found = True
        lead.client_id = client_id
        lead.status, lead.converted_at = Status.CONVERTED, timezone.now()


def hold_contacts(lead: Lead, tenant: Tenant) -> None:
    """Hold the lead's address and number until the transaction ends, in an order that is the same for everyone."""
    contacts = sorted(filter(None, [lead.email and lead.email.lower(), lead.phone]))
    with connections[alias()].cursor() as cursor:
        for contact in contacts:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [f"{tenant.id}:{contact}"])


def find_client(lead: Lead, tenant: Tenant) -> UUID | None:
    """Return the oldest client with the lead's address, whatever its case, else with its number."""
    rows = Client.objects.of(tenant).order_by("created_at", "id").values_list("pk", flat=True)
    found: UUID | None = rows.filter(email__iexact=lead.email).first() if lead.email else None
    if found is None and lead.phone:
        found = rows.filter(phone=lead.phone).first()
    return found


def make_client(lead: Lead, *, actor: Actor) -> Client:
    """Return a new client with what the lead says."""
    company_only = bool(lead.company and not lead.name)
    client = Client(
        name=str(lead.name or lead.company or lead.email or lead.phone),
        type=Client.Type.COMPANY if company_only else Client.Type.PERSON,
        company_name=lead.company,
        email=lead.email,
        phone=lead.phone,
        notes=lead.message,
    )
    writes.create(client, actor=actor)
    return client
