"""How far a server must have come to show everything that a tenant committed: noted in Redis after each commit."""

from typing import Any
from uuid import UUID

import redis
from django.db import DatabaseError, connections

from tenants.line import Line

__all__ = ["Notes", "notes", "position"]

# One sorted set of Redis: each tenant's position in PostgreSQL's log, and one below which nobody may read.
WRITTEN, EVERYONE = "kith:written", "*"
# In seconds: no commit and no read waits longer for Redis, and after a failure it is let alone for a while.
PATIENCE, REST = 0.05, 1.0
# PostgreSQL's log comes in pages, each with a header.
PAGE, HEADER = 8192, 40


def position(alias: str) -> int:
    """Return where the log of the primary ends; whatever is committed lies before it. Raises DatabaseError."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
        return without_header(int(cursor.fetchone()[0]))


def without_header(found: int) -> int:
    """Return the end of the page before, where the log ends with it: no server replays a header without a record."""
    into = found % PAGE
    return found - into if into <= HEADER else found


class Notes:
    """What is noted, for all processes; a note that could not be made is owed, and counts as made for everyone."""

    def __init__(self) -> None:
        self.line = Line(patience=PATIENCE, rest=REST)
        self.owed = False
        self.noted: object = None

    def note(self, tenant_id: UUID, alias: str, work: object) -> None:
        """Note that a transaction of the tenant was just committed through `alias`; never raises.

        A thousand events of one transaction, which is known by `work`, are noted once.
        """
        if work is not None and (work, tenant_id) == self.noted:
            return
        self.noted = work, tenant_id
        try:
            # Never backwards: of two commits the earlier one may be noted later.
            self.ask("ZADD", "GT", position(alias), str(tenant_id))
        except (DatabaseError, redis.RedisError, OSError):
            self.owed = True

    def reach(self, tenant_id: UUID, alias: str) -> int:
        """Return the position by which everything is there that the tenant committed. Raises RedisError or OSError.

        Where notes are owed or Redis was emptied nobody knows what is missing: it is then where the primary, asked
        through `alias`, is now, for every tenant.
        """
        own, everyones = self.ask("ZMSCORE", str(tenant_id), EVERYONE)
        if everyones is None:
            everyones = position(alias)
            self.ask("ZADD", "NX", everyones, EVERYONE)
        return int(max(float(own or 0), float(everyones)))

    def ask(self, command: str, *arguments: Any) -> Any:
        """Ask Redis about the notes, for PATIENCE at most, once the debts are paid."""
        if self.owed:
            self.line.ask("ZREM", WRITTEN, EVERYONE)
            self.owed = False
        return self.line.ask(command, WRITTEN, *arguments)


notes = Notes()
