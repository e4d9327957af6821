"""Pokes: a delivery started at once. Where one gets lost, the clock's sweep finds the work in the database."""

import logging
import time
from contextlib import suppress
from uuid import UUID

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

from tenants.line import Line

__all__ = ["DELIVER", "poke", "taken"]

log = logging.getLogger("kith.webhooks")
DELIVER = "webhooks.deliver"
# While this key stands a poke is on its way, and a second one would find nothing to do.
PENDING, PENDING_MS = "kith:webhooks:poked", 2000
# In seconds: how long a request waits for it, and how long nobody asks a Redis that did not answer.
line = Line(patience=0.25, rest=2.0)


def poke(tenant_id: UUID | None = None) -> None:
    """Have the worker look for events and deliveries now; many pokes at once are one."""
    if line.is_resting:
        return
    try:
        if line.ask("SET", PENDING, 1, "NX", "PX", PENDING_MS):
            current_app.send_task(DELIVER, expires=settings.TASK_EXPIRES, retry=False)
    except (redis.RedisError, OSError, OperationalError) as error:
        line.resting_until = time.monotonic() + line.rest
        log.warning("poke lost", extra={"error": type(error).__name__})


def taken() -> None:
    """Let the next poke through: whoever works now has begun to look."""
    # Where it fails it goes by itself.
    with suppress(redis.RedisError, OSError):
        line.ask("DEL", PENDING)
