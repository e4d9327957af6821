"""How much each key is used: counted in the process, written every few seconds. A picture for charts, not a bill."""

import logging
import time
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from multiprocessing.util import Finalize
from threading import Lock, Timer
from typing import Any
from uuid import UUID

from django.db import DatabaseError, OperationalError, connections, models

from tenants import ids
from tenants.models import TenantRow
from tenants.routing import alias
from tenants.scope import tenant_scope

__all__ = ["Counter", "DailyUsage", "counter", "per_day"]

log = logging.getLogger("kith.usage")
EVERY = 10.0
DAY = 86_400
EPOCH = date(1970, 1, 1)
ADD = """
INSERT INTO apikeys_dailyusage AS known (id, tenant_id, key_id, day, requests, refused, failed)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, key_id, day) DO UPDATE SET requests = known.requests + excluded.requests,
  refused = known.refused + excluded.refused, failed = known.failed + excluded.failed
"""
Place = tuple[UUID, UUID, int]


class DailyUsage(TenantRow):
    """The requests of one key on one day of UTC. The key is named, not referred to: a count holds nothing back."""

    key_id = models.UUIDField()
    day = models.DateField()
    requests = models.BigIntegerField()
    refused = models.BigIntegerField(help_text="Answered with 4xx.")
    failed = models.BigIntegerField(help_text="Answered with 5xx.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key_id", "day"], name="usage_once")]
        indexes = [models.Index(fields=["day"], name="usage_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.requests}"


class Counter:
    """The counts of this process that are not written yet. A process that is killed loses the last EVERY seconds."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.counts: dict[Place, list[int]] = {}
        self.timer: Timer | None = None

    def note(self, tenant_id: UUID, key_id: UUID, status: int) -> None:
        """Count one answered request; costs a microsecond and never touches the database."""
        place = (tenant_id, key_id, int(time.time()) // DAY)
        with self.lock:
            counts = self.counts.setdefault(place, [0, 0, 0])
            counts[0] += 1
            if status >= 400:
                counts[1 if status < 500 else 2] += 1
            if self.timer is None:
                self.timer = Timer(EVERY, self.flush_in_thread)
                # Else a process that wants to end would wait for it.
                self.timer.daemon = True
                self.timer.start()

    def flush(self) -> None:
        """Write the counts, one transaction a tenant; what cannot be written is lost, with a line in the log."""
        with self.lock:
            counts, self.counts, self.timer = self.counts, {}, None
        for tenant_id in {place[0] for place in counts}:
            try:
                write(tenant_id, ((place, row) for place, row in counts.items() if place[0] == tenant_id))
            except DatabaseError as error:
                log.warning("usage counts are lost: %s", error)
                if isinstance(error, OperationalError):
                    # The database is away: asking it once more for each tenant would only take time.
                    return

    def flush_in_thread(self) -> None:
        """Write the counts from a thread of its own, and leave no connection behind."""
        try:
            self.flush()
        finally:
            connections.close_all()


def write(tenant_id: UUID, counts: Iterable[tuple[Place, list[int]]]) -> None:
    """Add counts to a tenant's rows."""
    rows: list[Any] = [
        [ids.new(), tenant, key, EPOCH + timedelta(days=day), *row] for (tenant, key, day), row in counts
    ]
    # Always in one order: two processes that add to the same rows must not wait for each other.
    rows.sort(key=lambda row: row[2:4])
    with tenant_scope(tenant_id), connections[alias()].cursor() as cursor:
        cursor.executemany(ADD, rows)


def per_day(rows: models.QuerySet[DailyUsage], first: date, last: date) -> list[tuple[date, Mapping[str, int]]]:
    """Return the sums of `rows` for each day from `first` to `last`, days without any included."""
    names = ("requests", "refused", "failed")
    sums: Any = (
        rows.filter(day__range=(first, last))
        .values("day")
        .annotate(**{f"{name}_sum": models.Sum(name) for name in names})
    )
    found = {row["day"]: {name: int(row[f"{name}_sum"]) for name in names} for row in sums.order_by("day")}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [(day, found.get(day, dict.fromkeys(names, 0))) for day in days]


counter = Counter()
# Not by atexit: the web server's processes are children that end without it.
Finalize(None, counter.flush, exitpriority=1)
