"""The demo's team: who runs the firm, who drives out, and one who has left."""

from collections.abc import Iterator

from crm.demo.world import YEAR, World, past
from crm.rest import writes
from tenants.models import Member

__all__ = ["SIZE", "make"]

SIZE = {"acme": 6, "globex": 2}
# name, role, active, skills, start, end
PEOPLE = (
    ("Olivia Park", "owner", True, ("estimates", "permits"), "07:30", "16:00"),
    ("Marcus Reed", "admin", True, ("scheduling", "billing"), "08:00", "16:30"),
    ("Priya Nair", "staff", True, ("gas", "water heaters", "boilers"), "07:00", "15:30"),
    ("Diego Alvarez", "staff", True, ("drains", "sewer camera", "hydro jetting"), "08:00", "16:30"),
    ("Hannah Brooks", "viewer", True, ("bookkeeping",), "09:00", "13:00"),
    ("Walter Stone", "staff", False, ("repiping",), "08:00", "16:30"),
)
WORKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


def make(world: World) -> Iterator[Member]:
    """Invite the team; nobody has an account yet."""
    for name, role, active, skills, start, end in PEOPLE[: world.count(SIZE)]:
        member = Member(
            name=name,
            email=f"{name.split()[0].lower()}@{world.like}.example.com",
            role=role,
            active=active,
            skills=list(skills),
            timezone="America/Los_Angeles",
            working_hours=[{"day": day, "start": start, "end": end} for day in WORKDAYS],
            created_at=past(YEAR),
            updated_at=past(YEAR),
        )
        writes.create(member, actor=world.actor)
        yield member
