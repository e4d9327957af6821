"""What the demo's parts share: the tenant they fill, the dice, and what has been made so far."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from tenants.actor import Actor
from tenants.models import Tenant

__all__ = ["YEAR", "World", "past"]

# In days.
YEAR = 365


@dataclass
class World:
    """A demo tenant in the making: as large as the demo tenant `like`; `made` holds each model's records in order."""

    tenant: Tenant
    like: str
    actor: Actor
    chance: random.Random
    made: dict[type, list[Any]] = field(default_factory=dict)

    def count(self, sizes: dict[str, int]) -> int:
        """Return how many of a kind this tenant gets."""
        return sizes[self.like]


def past(days: int) -> datetime:
    """Return a moment of working hours, `days` ago."""
    day: date = timezone.now().date() - timedelta(days=days)
    moment = datetime.combine(day, time(9 + days % 8, days * 7 % 60), UTC)
    return min(moment, timezone.now())
