"""Pokes: a delivery started at once. Where one gets lost, the clock's sweep finds the work in the database."""

import logging
import time
from uuid import UUID

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

__all__ = ["DELIVER", "poke", "taken"]

log = logging.getLogger("kith.webhooks")
DELIVER = "webhooks.deliver"
# While this key stands a poke is on its way, and a second one would find nothing to do.
PENDING, PENDING_MS = "kith:webhooks:poked", 2000
# How long nobody asks a Redis that did not answer, so that no request waits for it twice.
REST_SECONDS = 2.0
_rest_until = 0.0
_client: list[redis.Redis] = []


def client() -> redis.Redis:
    if not _client:
        waits = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25}
        _client.append(redis.Redis.from_url(settings.LIMITS_URL, **waits))
    return _client[0]


def poke(tenant_id: UUID | None = None) -> None:
    """Have the worker look for events and deliveries now; many pokes at once are one."""
    global _rest_until  # noqa: PLW0603  one for the process
    if time.monotonic() < _rest_until:
        return
    try:
        if client().set(PENDING, 1, nx=True, px=PENDING_MS):
            current_app.send_task(DELIVER, retry=False, **settings.SWEEP)
    except (redis.RedisError, OSError, OperationalError) as error:
        _rest_until = time.monotonic() + REST_SECONDS
        log.warning("poke lost", extra={"error": type(error).__name__})


def taken() -> None:
    """Let the next poke through: whoever works now has begun to look."""
    try:
        client().delete(PENDING)
    except (redis.RedisError, OSError):
        # It goes by itself.
        return
