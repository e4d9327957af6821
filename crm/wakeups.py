"""Wake-ups: who writes an event says so in Redis, and who waits for one hears it. A lost one only costs time."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tenants.line import Line

__all__ = ["CAN_WAIT", "WAITED", "Listener", "Wait", "announce", "wait_of"]

# What a server puts into a request's environment: that it can wait, and what the answer before said when it did.
CAN_WAIT, WAITED = "kith.can_wait", "kith.waited"
# In seconds: a write never waits longer for Redis, and after a failure lets it alone for a while.
PATIENCE, REST = 0.05, 1.0
# How often the listener looks after its channels.
TICK = 10.0


@dataclass(frozen=True)
class Wait:
    """What an answer says that has nothing to tell yet: whose news to wait for, and for how long.

    `coming` says that news is there already and only not to be told yet. The rest is for the next look: where to look
    from, and what the first look has counted.
    """

    tenant_id: UUID
    seconds: int
    coming: bool
    place: Any
    usages: Any


def wait_of(response: Any) -> Wait | None:
    """Return what an answer waits for, None for one that goes out."""
    return getattr(response, "waits", None)


def channel_of(tenant_id: UUID) -> str:
    return f"kith:events:{tenant_id}"


line = Line(patience=PATIENCE, rest=REST)


def announce(tenant_id: UUID) -> None:
    """Tell everyone who waits for a tenant's events that there are new ones; never raises, nor waits long."""
    with suppress(redis.RedisError, OSError):
        line.ask("PUBLISH", channel_of(tenant_id), "")


class Listener:
    """Hears the wake-ups of the tenants that somebody waits for: one connection a process, opened when first needed.

    Being subscribed is a wake-up too, after a lost connection as well: news may have come just before.
    """

    def __init__(self, wake: Callable[[UUID], None]) -> None:
        self.wake = wake
        self.tenants: dict[str, UUID] = {}
        self.unused: set[str] = set()
        self.pubsub: Any = None

    @property
    def hears(self) -> bool:
        """Whether wake-ups arrive."""
        return self.pubsub is not None

    async def want(self, tenant_id: UUID) -> None:
        """Hear the wake-ups of a tenant from now on."""
        channel = channel_of(tenant_id)
        self.unused.discard(channel)
        if channel not in self.tenants:
            self.tenants[channel] = tenant_id
            if self.pubsub is not None:
                # A broken connection is the business of run().
                with suppress(redis.RedisError, OSError):
                    await self.pubsub.subscribe(channel)

    async def run(self, used: Callable[[UUID], bool]) -> None:
        """Listen for good; a connection that breaks is opened anew."""
        while True:
            client: Any = AsyncRedis.from_url(
                settings.LIMITS_URL, socket_connect_timeout=1, socket_keepalive=True, retry=Retry(NoBackoff(), 0)
            )
            try:
                async with client, client.pubsub() as pubsub:
                    # The first of them is nobody's: a connection that listens to none would end.
                    await pubsub.subscribe("kith:events", *self.tenants)
                    self.pubsub = pubsub
                    await self.listen(pubsub, used)
            except (redis.RedisError, OSError):
                await asyncio.sleep(REST)
            finally:
                self.pubsub = None

    async def listen(self, pubsub: Any, used: Callable[[UUID], bool]) -> None:
        tidied = time.monotonic()
        while True:
            message = await pubsub.get_message(timeout=TICK)
            if message is not None and message["type"] in ("message", "subscribe"):
                tenant_id = self.tenants.get(message["channel"].decode())
                if tenant_id is not None:
                    self.wake(tenant_id)
            if time.monotonic() - tidied > TICK:
                tidied = time.monotonic()
                await self.tidy(pubsub, used)

    async def tidy(self, pubsub: Any, used: Callable[[UUID], bool]) -> None:
        """Let go of the tenants for whom nobody waited at the last look, nor at this one."""
        idle = {channel for channel, tenant_id in self.tenants.items() if not used(tenant_id)}
        over, self.unused = idle & self.unused, idle - self.unused
        for channel in over:
            del self.tenants[channel]
        if over:
            await pubsub.unsubscribe(*over)
