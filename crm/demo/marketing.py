"""The demo's marketing: two lists, what their members said, a campaign that was sent and one that is being written."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.mail import get_connection
from django.utils import timezone

from crm.demo.world import World
from crm.resources.campaigns import delivery
from crm.resources.campaigns import rules as campaigns
from crm.resources.campaigns.models import Campaign
from crm.resources.clients.models import Client
from crm.resources.consents import rules as consents
from crm.resources.consents.models import Channel, Consent, Source, State
from crm.resources.lists import rules as lists
from crm.resources.lists.models import MarketingList
from crm.rest import writes

__all__ = ["SIZE", "make"]

MEMBERS = {"acme": 120, "globex": 8}
# Every fifth never said anything, and every twelfth said no later.
SILENT, CHANGED = 5, 12
SIZE = {
    slug: 2 + 2 + sum((index % SILENT != 4) + (index % CHANGED == 11) for index in range(count))
    for slug, count in MEMBERS.items()
}
NEWS = {
    "name": "Winter check",
    "subject": "Is your heating ready for winter, {{ client.name }}?",
    "body": "Hello {{ client.name }},\n\nour boiler service takes two hours and spares you a cold weekend. Answer this "
    "mail or call us, and we find a day.\n\nYours, {{ organization.name }}",
    "body_html": "<p>Hello {{ client.name }},</p><p>our <strong>boiler service</strong> takes two hours and spares you "
    "a cold weekend. Answer this mail or call us, and we find a day.</p><p>Yours, {{ organization.name }}</p>",
}
PLANS = {
    "name": "Maintenance plan",
    "subject": "One visit a year, no surprises",
    "body": "Hello {{ client.name }},\n\nwith our maintenance plan ",
}


def make(world: World) -> Iterator[Any]:
    """Make the lists with their members, the consents, and the campaigns."""
    members = world.made[Client][: world.count(MEMBERS)]
    everyone = make_list(world, "Newsletter", "Everyone who asked for our news.", members)
    plan = [client for client in members if "maintenance plan" in client.tags]
    yield everyone
    yield make_list(world, "Maintenance plan", "Clients with a plan, for reminders and offers.", plan)
    for index, client in enumerate(members):
        yield from make_consents(world, index, client)
    yield make_sent(world, everyone)
    draft = Campaign(list=everyone, **PLANS)
    writes.create(draft, actor=world.actor)
    yield draft


def make_list(world: World, name: str, description: str, members: list[Client]) -> MarketingList:
    found = MarketingList(name=name, description=description)
    writes.create(found, actor=world.actor)
    lists.add(found, [client.pk for client in members], actor=world.actor)
    return found


def make_consents(world: World, index: int, client: Client) -> Iterator[Consent]:
    """Let a client agree on the day of the first visit, and some of them withdraw later."""
    said: dict[str, Any] = {"client_id": client.pk, "channel": Channel.EMAIL}
    if index % SILENT != SILENT - 1:
        source, note = (Source.FORM, "Contact form, box ticked.") if index % 2 else (Source.IN_PERSON, "At the visit.")
        yield consents.record(
            actor=world.actor, **said, state=State.GRANTED, source=source, note=note, occurred_at=client.created_at
        )
    if index % CHANGED == CHANGED - 1:
        later = min(client.created_at + timedelta(days=20), timezone.now())
        yield consents.record(actor=world.actor, **said, state=State.WITHDRAWN, source=Source.PHONE, occurred_at=later)


def make_sent(world: World, to: MarketingList) -> Campaign:
    """Send a campaign by its rules, over a connection that carries nothing: these people do not exist."""
    campaign = Campaign(list=to, **NEWS)
    writes.create(campaign, actor=world.actor)
    campaigns.send(campaign, actor=world.actor)
    nowhere = get_connection("django.core.mail.backends.dummy.EmailBackend")
    delivery.deliver(world.tenant, campaign.pk, connection=nowhere)
    return campaign
