"""The worker's tasks, counted in Redis: its processes have no port of their own, and come and go.

Where Redis loses them they begin at 0 again, which Prometheus knows how to read.
"""

import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import redis
from celery import current_app
from celery.signals import task_postrun, task_prerun
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["counted", "queue_length"]

PLACE = "kith:metrics:tasks"
# No task, and nobody who asks, waits longer for it.
PATIENCE = 0.25
DONE = "succeeded"
started: dict[str, float] = {}


@cache
def connect(url: str) -> redis.Redis:
    waits: Any = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    return redis.Redis.from_url(url, **waits, retry=Retry(NoBackoff(), 0), decode_responses=True)


@task_prerun.connect
def begin(task_id: str, **_: Any) -> None:
    """Note when a task began."""
    started[task_id] = time.monotonic()


@task_postrun.connect
def end(task_id: str, task: Any, state: str, retval: Any, **_: Any) -> None:
    """Count a task that ended: as done, or by the name of what it failed with."""
    seconds = time.monotonic() - started.pop(task_id, time.monotonic())
    outcome = DONE if state == "SUCCESS" else type(retval).__name__
    try:
        with connect(settings.LIMITS_URL).pipeline(transaction=False) as pipe:
            pipe.hincrby(PLACE, f"{task.name} {outcome}", 1)
            pipe.hincrbyfloat(PLACE, task.name, seconds)
            pipe.execute()
    except (redis.RedisError, OSError):
        # A count is not worth a task.
        return


def counted() -> tuple[Mapping[tuple[str, str], float], Mapping[str, float]] | None:
    """Return how many tasks ended, by name and outcome, and their seconds by name; None where Redis is away."""
    try:
        found: Any = connect(settings.LIMITS_URL).hgetall(PLACE)
    except (redis.RedisError, OSError):
        return None
    names = [(*name.partition(" "), float(value)) for name, value in found.items()]
    return (
        {(task, outcome): value for task, _, outcome, value in names if outcome},
        {task: value for task, _, outcome, value in names if not outcome},
    )


def queue_length() -> int | None:
    """Return how many tasks wait in the broker; None where it is no Redis, or does not answer."""
    broker = str(current_app.conf.broker_url)
    if not broker.startswith(("redis", "unix")):
        return None
    try:
        length: Any = connect(broker).llen(current_app.conf.task_default_queue)
    except (redis.RedisError, OSError):
        return None
    return int(length)
