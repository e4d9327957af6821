"""Deliveries and attempts by month: tables that forget by dropping a partition, which deletes no row.

The parts themselves are closed to everybody but their owner: rows are reached through the whole, under its policies.
"""

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, connections, models
from psycopg.errors import LockNotAvailable

from tenants import ids
from tenants.policies import TableOperation

__all__ = ["KEPT", "Partition", "oldest_event", "renew"]

log = logging.getLogger("kith.webhooks")
# Deliveries and attempts are kept for ninety days at least. A delivery lies where its event does, which may be sent
# again for fourteen days, and tried for four more.
KEPT = timedelta(days=90 + 14 + 4)
# Months to come that always have their partition: so long may nobody look after them.
AHEAD = 3
TABLES = ("webhooks_delivery", "webhooks_attempt")

SPLIT = """
ALTER TABLE {table} RENAME TO {table}_whole;
CREATE TABLE {table} (LIKE {table}_whole INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE ({key});
DROP TABLE {table}_whole;
ALTER TABLE {table} ADD PRIMARY KEY ({primary});
"""
# Rows are written once and changed twice, early: old pages are never touched again.
MAKE = """
CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ('{first}') TO ('{end}')
  WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {name} FORCE ROW LEVEL SECURITY;
REVOKE ALL ON {name} FROM kith_app, kith_admin;
"""
PARTS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"


class Partition(TableOperation):
    """Make a table, still empty, one that is partitioned by the month of `key`, a UUIDv7."""

    def __init__(self, model_name: str, *, key: str) -> None:
        super().__init__(model_name)
        self.key = key

    def forwards(self, model: type[models.Model]) -> str:
        table, primary = model._meta.db_table, ", ".join(dict.fromkeys(["id", self.key]))
        parts = [SPLIT.format(table=table, key=self.key, primary=primary)]
        today = datetime.now(UTC).date()
        parts += [making(table, month) for month in months(first_kept(today), today)]
        return "\n".join(parts)

    def backwards(self, model: type[models.Model]) -> str:
        # The table goes with the model.
        return "SELECT 1;"


def months(first: date, last: date) -> list[date]:
    """Return the first days of the months of `first` to `last`, and of AHEAD more."""
    start, count = first.replace(day=1), (last.year - first.year) * 12 + last.month - first.month + AHEAD
    return [shifted(start, n) for n in range(count + 1)]


def shifted(month: date, by: int) -> date:
    number = month.year * 12 + month.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)


def bound(month: date) -> str:
    return str(ids.first_of(datetime(month.year, month.month, 1, tzinfo=UTC)))


def making(table: str, month: date) -> str:
    """Return the statements that make a month's partition, unless it is there."""
    return MAKE.format(
        name=f"{table}_{month:%Y_%m}", table=table, first=bound(month), end=bound(shifted(month, 1))
    )  # fmt: skip


def first_kept(today: date) -> date:
    """Return the oldest month that is kept: it goes when its last day is that old."""
    return (today - KEPT).replace(day=1)


def oldest_event(today: date) -> UUID:
    """Return a lower bound of the events whose deliveries have a partition."""
    return UUID(bound(first_kept(today)))


def renew(today: date) -> tuple[list[str], list[str]]:
    """Make the partitions that will be needed and drop those that are over; return the names of both.

    Runs as the owner of the tables. What somebody else holds, reading it for long, is left to a later run.
    """
    made, dropped = [], []
    with connections["owner"].cursor() as cursor:
        # While it waits everybody else waits behind it, so it gives up before any of them does.
        cursor.execute("SET lock_timeout = '500ms'")
        for table in TABLES:
            found = parts_of(cursor, table)
            wanted = {f"{table}_{month:%Y_%m}": making(table, month) for month in months(first_kept(today), today)}
            made += [name for name in wanted if name not in found and is_done(cursor, wanted[name], name)]
            over = sorted(name for name in found if name < min(wanted))
            dropped += [name for name in over if is_done(cursor, f"DROP TABLE IF EXISTS {name}", name)]
    return made, dropped


def is_done(cursor: Any, sql: str, name: str) -> bool:
    """Run a statement; tell whether it could be, or somebody else was in its way."""
    try:
        cursor.execute(sql)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        log.info("partition in use", extra={"partition": name})
        return False
    return True


def parts_of(cursor: Any, table: str) -> set[str]:
    """Return the names of a table's partitions."""
    cursor.execute(PARTS, [table])
    return {str(row[0]) for row in cursor.fetchall()}
