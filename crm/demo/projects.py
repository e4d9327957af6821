"""The demo's projects, in every state."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from crm.demo.world import World, past
from crm.resources.clients.models import Client
from crm.resources.projects.models import Project
from crm.rest import writes

__all__ = ["SIZE", "make"]

SIZE = {"acme": 10, "globex": 2}
# name, status, days since its start, days from start to end, budget
PROJECTS = (
    ("Bathroom renovation, second floor", "active", 20, 45, "12500.00"),
    ("Repiping of six apartments", "active", 35, 80, "48000.00"),
    ("Kitchen rough-in", "active", 9, 21, "6800.00"),
    ("Restaurant grease trap and drains", "on_hold", 60, 50, "15400.00"),
    ("New boiler and radiators", "planned", -14, 12, "21900.00"),
    ("Backflow preventers, all units", "planned", -30, 5, "4200.00"),
    ("Sewer lateral replacement", "completed", 150, 20, "17300.00"),
    ("Tankless conversion", "completed", 95, 6, "3900.00"),
    ("Rain water tank", "cancelled", 70, 30, "5600.00"),
    ("Van fleet: spare parts by vehicle", "active", 15, 60, None),
)


def make(world: World) -> Iterator[Project]:
    """Make the projects, the firm's own without a client."""
    for name, status, age, length, budget in PROJECTS[: world.count(SIZE)]:
        made = past(max(age, 0) + 7)
        start = made.date() + timedelta(days=7 - min(age, 0))
        done = status == Project.Status.COMPLETED
        project = Project(
            client=world.chance.choice(world.made[Client]) if budget else None,
            name=name,
            status=status,
            start_date=start,
            due_date=start + timedelta(days=length),
            completed_at=past(age - length) if done else None,
            budget=Decimal(budget) if budget else None,
            currency=world.tenant.currency,
            tags=["internal"] if budget is None else [],
            created_at=made,
            updated_at=past(age - length) if done else made,
        )
        writes.create(project, actor=world.actor)
        yield project
