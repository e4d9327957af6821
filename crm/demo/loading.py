"""Loads the demo through the front door: the same rules, events and numbers as any other data."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from crm.demo import (
    activities,
    appointments,
    clients,
    files,
    invoices,
    leads,
    marketing,
    orders,
    payments,
    products,
    projects,
    quotes,
    story,
    tasks,
    team,
    webhooks,
)
from crm.demo.world import World
from crm.resources.clients.models import Client
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope

__all__ = ["load", "size_of"]

# One file a resource, each with its SIZE and its make(); later ones build on what earlier ones made.
PARTS: tuple[Any, ...] = (
    clients, products, invoices, payments, quotes, orders, leads, team, appointments, projects, tasks, marketing,
    activities, files, story, webhooks,
)  # fmt: skip


def size_of(slug: str) -> int:
    """Return how many records the demo tenant gets."""
    sizes: list[Mapping[str, int]] = [part.SIZE for part in PARTS]
    return sum(size[slug] for size in sizes)


def load(tenant: Tenant, *, like: str, step: Callable[[], None]) -> int:
    """Fill an empty tenant like one of the demo, all or nothing, calling `step` once a record.

    Returns how many records it made; 0 says that the tenant is not empty.
    """
    with tenant_scope(tenant.id):
        if Client.objects.of(tenant).exists():
            return 0
        # The same seed, the same demo: pictures and guides stay true.
        chance = random.Random(tenant.slug)  # noqa: S311  believable, not secret
        world = World(tenant, like, Actor.system(tenant, "demo"), chance)
        for part in PARTS:
            for record in part.make(world):
                world.made.setdefault(type(record), []).append(record)
                step()
    return sum(map(len, world.made.values()))
