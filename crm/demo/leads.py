"""The demo's leads: people who have asked for a plumber, in every state and from everywhere."""

from collections.abc import Iterator
from typing import Any

from crm.demo import words
from crm.demo.world import World, past
from crm.intake.site import decide
from crm.resources.clients.models import Client
from crm.resources.leads import rules
from crm.resources.leads.models import Lead, Status

__all__ = ["SIZE", "make"]

SIZE = {"acme": 60, "globex": 6}
STATES = (Status.NEW, Status.CONTACTED, Status.QUALIFIED, Status.CONVERTED, Status.LOST, Status.SPAM)
# source, what it says about where the person comes from
SOURCES: tuple[tuple[str, dict[str, str]], ...] = (
    ("website", {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "emergency", "utm_term": "plumber"}),
    ("website", {"referrer": "https://www.yelp.example/biz/acme-plumbing", "landing_page": "https://acme.example/drains"}),
    ("phone", {}),
    ("referral", {}),
    ("newsletter", {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "winter"}),
    ("walk-in", {}),
)  # fmt: skip
WISHES = (
    ("The kitchen sink drains slowly, and it smells.", {"preferred_time": "mornings", "property": "apartment"}),
    ("No hot water since yesterday evening.", {"urgent": "yes", "heater": "tank, about ten years old"}),
    ("What does a new bathroom cost, roughly 60 square feet?", {"budget": "8000", "property": "house"}),
    ("The toilet on the second floor keeps running.", {"preferred_time": "after 5 pm"}),
    ("We need backflow tests for two buildings each year.", {"buildings": "2"}),
    ("Water stains on the ceiling below the shower.", {"urgent": "yes", "insurance": "not told yet"}),
)
SPAM = "Grow your traffic 10x with our SEO packages, reply for a free quote!!!"
# Whose forms may send here: the firm's own site, and a page that somebody tries out on this machine.
SITES = {"acme": ["https://www.acme.example", "http://localhost:9000"]}
# One in five is a client already, who has used the form again.
KNOWN = 5


def make(world: World) -> Iterator[Lead]:
    """Make the leads; those that are converted become clients by the rule that everyone uses."""
    if sites := SITES.get(world.like):
        decide(allowed_origins=sites, honeypot_field="fax_number", actor=world.actor)
    clients: list[Client] = world.made[Client]
    for index in range(world.count(SIZE)):
        state = STATES[index % len(STATES)]
        lead = rules.create(asked(world, index, state, clients[index % len(clients)]), actor=world.actor)
        if state == Status.CONVERTED:
            rules.convert(lead, actor=world.actor)
        yield lead


def asked(world: World, index: int, state: Status, known: Client) -> dict[str, Any]:
    """Return what one of them has asked."""
    chance = world.chance
    first, last = chance.choice(words.FIRST), chance.choice(words.LAST)
    source, came = SOURCES[chance.randrange(len(SOURCES))]
    message, fields = WISHES[index % len(WISHES)]
    when = past(chance.randint(0, 90))
    came = {**came, "submitted_at": when.isoformat().replace("+00:00", "Z")} if came else came
    again = index % KNOWN == 0
    return {
        "name": known.name if again else f"{first} {last}",
        "email": known.email if again else f"{first}.{last}.{index}@example.org".lower(),
        "phone": known.phone if again else f"+1628555{index:04d}",
        "company": chance.choice(words.COMPANIES) if index % 9 == 4 else None,
        "message": SPAM if state == Status.SPAM else message,
        "source": source,
        "status": Status.QUALIFIED if state == Status.CONVERTED else state,
        "score": None if state == Status.SPAM else chance.randint(20, 95),
        "fields": {} if state == Status.SPAM else fields,
        "attribution": {name: came.get(name) for name in ATTRIBUTION} if came else None,
        "created_at": when,
        "updated_at": when,
    }


ATTRIBUTION = (
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "referrer", "landing_page", "submitted_at",
)  # fmt: skip
