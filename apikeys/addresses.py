"""How often an address, or a name, may be tried: counted by django-ratelimit, locally where Redis is away."""

import time

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis import RedisError

from apikeys.limits import Usage, Window, alone

__all__ = ["FAILURES", "address_of", "count", "count_failure", "look_up_failures"]

FAILURES = Window("minute", 20)
GROUP = "failed-keys"


def count_failure(request: HttpRequest) -> Usage:
    """Count one failed call of the request's address and return its usage; never raises."""
    return count(request, GROUP, address_of(request), FAILURES)


def look_up_failures(request: HttpRequest) -> Usage:
    """Return how often the request's address has failed, and count nothing."""
    return count(request, GROUP, address_of(request), FAILURES, add=False)


def count(request: HttpRequest, group: str, value: str, window: Window, *, add: bool = True) -> Usage:
    """Count one try of `value` in the window (unless told not to `add`) and return its usage; never raises."""
    now = time.time()
    rate = f"{window.limit}/{window.name[0]}"
    try:
        usage = get_usage(request, group=group, key=lambda *_: value, rate=rate, increment=add)
    except (RedisError, OSError, ImproperlyConfigured):
        usage = None
    if usage is None:
        end = (int(now) // window.seconds + 1) * window.seconds
        if not add:
            return Usage(window, 0, end, refused=False)
        used, taken = alone.take([f"{group}:{value}:{end}"], [window], now, 1)
        return Usage(window, used, end, refused=not taken)
    return Usage(window, usage["count"], int(now) + max(1, usage["time_left"]), refused=usage["should_limit"])


def address_of(request: HttpRequest) -> str:
    """Return the caller's address."""
    return str(request.META["REMOTE_ADDR"])
