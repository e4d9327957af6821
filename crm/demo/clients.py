"""The demo's clients: people of a town, and some of its companies."""

from collections.abc import Iterator

from crm.demo import words
from crm.demo.world import YEAR, World, past
from crm.resources.clients.models import Client
from crm.rest import writes

__all__ = ["SIZE", "make"]

SIZE = {"acme": 300, "globex": 12}


def make(world: World) -> Iterator[Client]:
    """Make the clients."""
    chance = world.chance
    companies = list(words.COMPANIES)
    chance.shuffle(companies)
    for index in range(world.count(SIZE)):
        first, last = chance.choice(words.FIRST), chance.choice(words.LAST)
        city, code = chance.choice(words.CITIES)
        company = companies.pop() if companies and index % 12 == 5 else None
        address = {
            "line1": f"{chance.randint(10, 2400)} {chance.choice(words.STREETS)} St",
            "line2": None,
            "city": city,
            "region": "CA",
            "postal_code": code,
            "country": "US",
        }
        when = past(chance.randint(0, YEAR))
        client = Client(
            name=company or f"{first} {last}",
            type=Client.Type.COMPANY if company else Client.Type.PERSON,
            company_name=company,
            email=f"{first}.{last}{index}@example.com".lower(),
            phone=f"+1415555{index % 10_000:04d}",
            billing_address=address,
            contact_points=[{"kind": "mobile", "label": "site", "value": f"+1510555{index:04d}", "primary": False}]
            if company
            else [],
            tags=sorted(chance.sample(words.TAGS, chance.choice((0, 0, 1, 2)))),
            status=Client.Status.ARCHIVED if index % 29 == 28 else Client.Status.ACTIVE,
            language="en",
            created_at=when,
            updated_at=when,
        )
        writes.create(client, actor=world.actor)
        yield client
