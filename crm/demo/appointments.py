"""The demo's calendar: what was done in the last weeks, today, and what is to come."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from crm.demo.world import World
from crm.resources.appointments import rules
from crm.resources.appointments.models import Appointment, Status
from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from tenants.models import Member

__all__ = ["SIZE", "make"]

SIZE = {"acme": 120, "globex": 8}
ZONE = "America/Los_Angeles"
# Far enough apart for a service of two hours and its buffers.
HOURS = (time(8), time(10, 30), time(13), time(15, 30))
LONGEST = 120
# In days from today.
PAST, AHEAD = 24, 9
# Vans on the road at once, where the tenant has fewer people than that.
VANS = 3
# How much later some begin: the gap between two leaves room for it.
LATER = timedelta(minutes=15)
# Bounds of chance: up to the first are cancelled, up to the second nobody was met, and so on.
CANCELLED, MISSED, UNCONFIRMED, POSTPONED = 0.06, 0.1, 0.75, 0.94
NOTES = ("Key is with the neighbor.", "Ring twice.", "Dog in the yard.", "Park behind the house.", None, None, None)
REASONS = ("Client is travelling.", "Part has not arrived.", "Client fixed it.")


def make(world: World) -> Iterator[Appointment]:
    """Make appointments in the order of their times, each brought to where it would be by now."""
    chance, clients = world.chance, world.made[Client]
    services = [item for item in world.made[Product] if item.duration_minutes and item.duration_minutes <= LONGEST]
    team: list[Member | None] = list(Member.objects.of(world.tenant).order_by("pk"))
    vans = team + [None] * (VANS - len(team))
    places = [(start, van) for start in starts() for van in range(len(vans))]
    for start, van in sorted(chance.sample(places, world.count(SIZE))):
        member, made_at = vans[van], min(start - timedelta(days=chance.randint(1, 9)), timezone.now())
        data = {
            "client_id": chance.choice(clients).pk,
            "service_id": chance.choice(services).pk,
            "assignee_ids": [member.pk] if member else [],
            "starts_at": start,
            "timezone": ZONE,
            "notes": chance.choice(NOTES),
            "created_at": made_at,
            "updated_at": made_at,
        }
        appointment = rules.create(data, actor=world.actor)
        live(appointment, world)
        yield appointment


def starts() -> list[datetime]:
    """Return every time at which work may begin; nobody works on Sundays."""
    zone = ZoneInfo(ZONE)
    today = timezone.now().astimezone(zone).date()
    days = [today + timedelta(days=number) for number in range(-PAST, AHEAD + 1)]
    return [datetime.combine(day, hour, zone) for day in days if day.weekday() < 6 for hour in HOURS]


def live(appointment: Appointment, world: World) -> None:
    """Bring an appointment to where it would be by now, step by step."""
    fate, now, actor = world.chance.random(), timezone.now(), world.actor
    agreed = min(appointment.created_at + timedelta(minutes=20), now)
    if fate < CANCELLED:
        reason = world.chance.choice(REASONS)
        rules.move(appointment, Status.CANCELLED, actor=actor, at=agreed, reason=reason)
        return
    if fate > POSTPONED:
        rules.change(appointment, {"starts_at": appointment.starts_at + LATER}, actor=actor, reason="Traffic.")
    start, end = appointment.starts_at, appointment.ends_at
    came = [(Status.IN_PROGRESS, start), (Status.COMPLETED, end)] if fate > MISSED else [(Status.NO_SHOW, start)]
    # Some of those to come have not been confirmed yet.
    confirmed = agreed if fate < UNCONFIRMED or start < now else end
    for status, at in ((Status.CONFIRMED, confirmed), (Status.EN_ROUTE, start - LATER), *came):
        if at <= now:
            rules.move(appointment, status, actor=actor, at=at)
