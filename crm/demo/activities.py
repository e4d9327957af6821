"""The demo's activities: what was said with its clients, and noted about them."""

import random
from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from crm.demo.world import World
from crm.resources.activities.models import Activity
from crm.resources.clients.models import Client
from crm.rest import writes
from tenants import ids

__all__ = ["SIZE", "make"]

SIZE = {"acme": 240, "globex": 10}
IN, OUT = Activity.Direction.IN, Activity.Direction.OUT
KINDS = Activity.Kind
# Kind, direction, minutes, subject, body.
SAID = (
    (KINDS.CALL, IN, 4, "Dripping tap in the kitchen", "Wants somebody before the weekend. No water damage yet."),
    (KINDS.CALL, OUT, 6, "Arranged a visit", "Will be at home from nine. The dog is friendly."),
    (KINDS.CALL, IN, 3, "Asked when we arrive", None),
    (KINDS.CALL, OUT, 2, "Reached nobody", "Left a message on the machine."),
    (KINDS.EMAIL, IN, None, "Pictures of the boiler", "It is a wall-hung one from 2009; the plate cannot be read."),
    (KINDS.EMAIL, OUT, None, "Sent the offer for the bathroom", "Two variants, with and without the heated rail."),
    (KINDS.EMAIL, IN, None, "Thanks for the quick repair", "Would recommend us to the neighbours."),
    (
        KINDS.MEETING,
        None,
        45,
        "Walked through the bathroom",
        "The drain has to move by half a metre: check the joists.",
    ),
    (KINDS.MEETING, None, 30, "Looked at the cellar", "Main valve is stuck; to be replaced with the meter."),
    (KINDS.NOTE, None, None, "Key is with the neighbour", "Second floor, left."),
    (KINDS.NOTE, None, None, "Park in the back yard", None),
    (KINDS.NOTE, None, None, "Pays late, but pays", "Remind once, by telephone."),
    (KINDS.NOTE, None, None, "Water is hard here", "Offer a softener at the next visit."),
)
PEOPLE = ("Maria Gomez", "Sam Okafor", "Lena Fischer")


def make(world: World) -> Iterator[Activity]:
    """Log calls, visits and notes on clients, the busy ones more often than others."""
    # Dice of its own: the same as ever come out for the parts before and behind.
    chance = random.Random(f"{world.like} activities")  # noqa: S311  believable, not secret
    clients = world.made[Client]
    for _ in range(world.count(SIZE)):
        client = clients[int(chance.random() ** 2 * len(clients))]
        kind, direction, minutes, subject, body = chance.choice(SAID)
        since = timezone.now() - client.created_at
        when = client.created_at + timedelta(seconds=int(since.total_seconds() * chance.random()))
        activity = Activity(
            kind=kind, direction=direction, duration_minutes=minutes, subject=subject, body=body,
            record_id=ids.encode("cli", client.pk), occurred_at=when, created_at=when, updated_at=when,
            author=chance.choice(PEOPLE),
        )  # fmt: skip
        writes.create(activity, actor=world.actor)
        yield activity
