"""The demo's webhooks: the bookkeeping hears of invoices, and an old integration is switched off."""

from collections.abc import Iterator

from crm.contracts.v1 import V1
from crm.demo.world import World
from webhooks import endpoints
from webhooks.models import Endpoint

__all__ = ["SIZE", "make"]

SIZE = {"acme": 2, "globex": 0}
ENDPOINTS = (
    # Names that lead nowhere, for good (RFC 2606).
    ("https://books.example/hooks/kith", "Bookkeeping", ["invoice.*", "payment.succeeded"], True),
    ("https://old-crm.example/events", "The CRM before this one", ["*"], False),
)


def make(world: World) -> Iterator[Endpoint]:
    """Make the endpoints, as an owner would; what happened before is sent to none of them."""
    for url, description, events, active in ENDPOINTS[: world.count(SIZE)]:
        endpoint = Endpoint(url=url, description=description, events=events, contract=V1.name)
        endpoints.take_over(endpoint, maker_id=None, label=world.actor.label, scopes=["*:admin"])
        endpoints.create(endpoint, actor=world.actor)
        if not active:
            endpoints.disable(endpoint, actor=world.actor)
        yield endpoint
