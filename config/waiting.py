"""Requests that wait for news: nothing of them is held but a place in the event loop."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from crm.wakeups import Listener

__all__ = ["MOST", "MOST_OF_A_TENANT", "Seat", "WaitingRoom"]

# In one process. Whoever finds no seat is answered at once.
MOST, MOST_OF_A_TENANT = 256, 128
# How long a look that found nothing puts off the next one, in seconds: it doubles from the first to the last.
FIRST_PAUSE, LAST_PAUSE = 0.05, 1.0
# How long nobody looks while no wake-ups arrive.
BLIND = 3.0


# Each seat is itself alone.
@dataclass(eq=False)
class Seat:
    """One request that waits; `over` when its client left, or when everybody has to go."""

    until: float
    news: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False
    looks: int = 0

    def leave(self, *, gone: bool) -> None:
        """End the waiting."""
        self.gone = self.gone or gone
        self.over.set()
        self.news.set()

    @property
    def left(self) -> float:
        return max(0.0, self.until - asyncio.get_running_loop().time())

    @property
    def is_last(self) -> bool:
        """Whether the next look is the last one."""
        return self.over.is_set() or not self.left


class WaitingRoom:
    """Everybody in this process who waits; they go as soon as the process is asked to end."""

    def __init__(self) -> None:
        self.seats: defaultdict[UUID, set[Seat]] = defaultdict(set)
        self.count = 0
        self.closed = False
        # One look at a time: between two of them other requests get their turn.
        self.turn = asyncio.Lock()
        self.listener = Listener(self.wake)
        self.listening: asyncio.Task[None] | None = None

    def close_on(self, *signals: signal.Signals, loop: asyncio.AbstractEventLoop) -> None:
        """Close at a signal. Whatever the loop itself does at that signal happens as well."""
        for number in signals:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.close))

    def close(self) -> None:
        """Let everybody go, and nobody in."""
        self.closed = True
        for seat in [seat for seats in self.seats.values() for seat in seats]:
            seat.leave(gone=False)

    def wake(self, tenant_id: UUID) -> None:
        """Tell those who wait for a tenant's news that there may be some."""
        for seat in self.seats.get(tenant_id, ()):
            seat.news.set()

    @property
    def has_room(self) -> bool:
        return not self.closed and self.count < MOST

    @contextmanager
    def seat(self, tenant_id: UUID, seconds: float, left: Awaitable[Any]) -> Iterator[Seat | None]:
        """Give a seat until the time is over or the client has `left`; None where there is none."""
        if not self.has_room or len(self.seats[tenant_id]) >= MOST_OF_A_TENANT:
            yield None
            return
        seat = Seat(asyncio.get_running_loop().time() + seconds)
        watch = asyncio.ensure_future(left)
        watch.add_done_callback(lambda _: seat.leave(gone=True))
        self.seats[tenant_id].add(seat)
        self.count += 1
        try:
            yield seat
        finally:
            watch.cancel()
            self.count -= 1
            self.seats[tenant_id].discard(seat)
            if not self.seats[tenant_id]:
                del self.seats[tenant_id]

    async def next_look(self, seat: Seat, tenant_id: UUID, *, coming: bool) -> None:
        """Return when it is time to look again: at a wake-up, or soon where news is `coming`.

        After a look in vain it is never at once: the news of others must not keep the process busy.
        """
        if self.listening is None or self.listening.done():
            self.listening = asyncio.create_task(self.listener.run(self.seats.__contains__))
        await self.listener.want(tenant_id)
        if coming or seat.looks:
            await until(seat.over, min(seat.left, LAST_PAUSE, FIRST_PAUSE * 2 ** min(seat.looks, 10)))
        if not coming:
            await until(seat.news, seat.left if self.listener.hears else min(seat.left, BLIND))
        seat.news.clear()
        seat.looks += 1


async def until(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
