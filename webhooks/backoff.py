"""When a delivery is tried again: ten attempts over 75 h 35 min 05 s, and what a receiver may ask for instead."""

import random

from django.conf import settings

__all__ = ["JITTER", "delay_after"]

MINUTE, HOUR = 60, 3600
JITTER = 0.2
LONGEST = 24 * HOUR
# What an endpoint itself must mend first: a refused address, a bad certificate.
SLOW = 30 * MINUTE


def delay_after(
    attempts: int, *, retry_after: float | None = None, slow: bool = False, chance: float | None = None
) -> float | None:
    """Return the seconds until the next attempt when `attempts` have ended; None when that was the last one.

    `retry_after`, what the receiver asked for, counts within one and two steps, at most a day. `chance` in 0..1 takes
    the place of the random number that spreads the delay by JITTER both ways.
    """
    if attempts >= len(settings.WEBHOOK_SCHEDULE):
        return None
    step = float(settings.WEBHOOK_SCHEDULE[attempts])
    if slow:
        step = max(step, SLOW)
    if retry_after is not None:
        return min(max(retry_after, step), 2 * step, LONGEST)
    return step * (1 - JITTER + 2 * JITTER * (random.random() if chance is None else chance))  # noqa: S311  no secret
