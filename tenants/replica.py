"""Reads from a replica, where it shows at least everything that the caller's tenant committed.

First the replica is asked how far it has replayed the primary's log: each later statement sees that, or more. Once the
tenant is known this must reach the tenant's last commit. Whoever is not sure asks the primary; a replica that does not
answer is left alone until a thread in the background finds it well again, so that it costs no request a wait.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from threading import Lock, Timer
from typing import Any
from uuid import UUID

import redis
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction

from tenants.routing import REPLICA, alias, unbound_role, using
from tenants.written import notes, position

__all__ = ["Unfit", "confirm", "doubts", "note_commit", "reading", "replica"]

log = logging.getLogger("kith.replica")
PRIMARY = "default"
# In seconds: how long the replica may take to say how far it is, and how long it is left alone after a failure.
PATIENCE, REST = 0.25, 2.0
# How far behind the primary it may be for tenants that wrote nothing, and how often the primary is looked at for that.
LAG, LOOK = 10.0, 2.0
# Nothing, on a server that follows no other one.
QUESTION = "SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::bigint END"
# A second try elsewhere may heal these: a conflict with what the primary sent, a lost connection, a read that writes.
PASSING = ("40", "08", "57P", "25006")


class Unfit(Exception):
    """The replica may not answer this request: the primary must."""


@dataclass
class Reading:
    """One request at the replica: how far that had come, and whether its tenant's commits are known to be there."""

    replayed: int = 0
    confirmed: bool = False


_reading: ContextVar[Reading | None] = ContextVar("reading", default=None)


class Replica:
    """The replica as this process knows it; before the first look it does not serve."""

    def __init__(self) -> None:
        self.serving = False
        self.warned = False
        self.timer: Timer | None = None
        self.lock = Lock()
        # When the primary was looked at, and where it was.
        self.looks: deque[tuple[float, int]] = deque()

    def serves(self) -> bool:
        """Tell whether a read may try the replica."""
        if REPLICA not in connections.settings:
            return False
        if not self.serving and self.timer is None:
            self.look_again(after=0)
        return self.serving

    def rest(self, reason: object) -> None:
        """Leave the replica alone until it is found well."""
        self.serving = False
        self.warn(reason)
        self.look_again(after=REST)

    def warn(self, reason: object) -> None:
        """Say once in the log why the replica does not serve."""
        if not self.warned:
            log.warning("the primary serves all reads, as the replica does not: %s", reason)
        self.warned = True

    def look_again(self, *, after: float) -> None:
        with self.lock:
            if self.timer is None:
                self.timer = Timer(after, self.look)
                # Else a process that wants to end would wait for it.
                self.timer.daemon = True
                self.timer.start()

    def look(self) -> None:
        """Let the replica serve if it answers, follows a primary, and binds our role; runs in a thread of its own."""
        try:
            ask()
            if name := unbound_role(REPLICA):
                raise Unfit(f"It lets us in as {name}, whom row-level security does not bind.")
            self.serving, self.warned = True, False
            log.info("the replica serves reads")
        except (DatabaseError, Unfit) as error:
            self.warn(error)
        finally:
            connections.close_all()
            self.timer = None
        if not self.serving:
            self.look_again(after=REST)

    def floor(self) -> int:
        """Return where the primary was about LAG seconds ago; while it is away, where it was last."""
        now = time.monotonic()
        if not self.looks or now - self.looks[-1][0] > LOOK:
            try:
                self.looks.append((now, position(PRIMARY)))
            except DatabaseError as error:
                if not self.looks:
                    raise Unfit("The primary does not say where it is.") from error
                self.looks.append((now, self.looks[-1][1]))
        while self.looks[0][0] < now - LAG:
            self.looks.popleft()
        return self.looks[0][1]


replica = Replica()


@contextmanager
def reading() -> Iterator[None]:
    """Send the block's queries to the replica; raise Unfit before it where that does not answer or is far behind.

    An exception that leaves the block means that the replica could not answer, and is looked into.
    """
    found = Reading()
    token = _reading.set(found)
    try:
        with using(REPLICA):
            found.replayed = ask()
            if found.replayed < replica.floor():
                raise Unfit("It is far behind the primary.")
            yield
    except DatabaseError as error:
        replica.rest(error)
        raise Unfit from error
    except Exception as error:
        if is_outage(error.__cause__):
            replica.rest(error.__cause__)
        raise
    finally:
        _reading.reset(token)


def ask() -> int:
    """Return how far the replica has replayed. Raises DatabaseError where it does not say so in time, or is none."""
    connection: Any = connections[REPLICA]
    with connection.waiting(PATIENCE), connection.cursor() as cursor:
        cursor.execute(QUESTION)
        found = cursor.fetchone()[0]
    if found is None:
        raise OperationalError("It follows no primary.")
    return int(found)


def confirm(tenant_id: UUID) -> None:
    """Raise Unfit unless the running read sees everything that the tenant committed; elsewhere there is no doubt."""
    found = _reading.get()
    if found is None:
        return
    try:
        wanted = notes.reach(tenant_id, PRIMARY)
    except (redis.RedisError, OSError, DatabaseError) as error:
        raise Unfit("Nobody knows what the tenant wrote.") from error
    if found.replayed < wanted:
        raise Unfit("It has not got what the tenant wrote.")
    found.confirmed = True


def doubts(error: BaseException | None = None) -> bool:
    """Tell whether a failure at the replica may be none at the primary; never for one at the primary itself."""
    found = _reading.get()
    if found is None:
        return False
    return not found.confirmed or is_outage(error) or state_of(error).startswith(PASSING)


def is_outage(error: BaseException | None) -> bool:
    """Tell whether a failure says that the server is gone: by its state, or as no server said anything."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    return not (state := state_of(error)) or state.startswith(("08", "57P"))


def state_of(error: BaseException | None) -> str:
    return getattr(error.__cause__, "sqlstate", None) or "" if error else ""


def note_commit(tenant_id: UUID, work: object) -> None:
    """Once the running transaction, which is known by `work`, is committed, let the tenant's reads show it."""
    if REPLICA in connections.settings:
        # Each time anew: of two events of one transaction the first may be rolled back alone, with what it registered.
        transaction.on_commit(partial(notes.note, tenant_id, alias(), work), using=alias(), robust=True)
