"""How often an address may fail: wrong keys and none, counted by django-ratelimit, locally where Redis is away."""

import time

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django_ratelimit import ALL
from django_ratelimit.core import get_usage
from redis import RedisError

from apikeys.limits import Usage, Window, local

__all__ = ["FAILURES", "count_failure"]

FAILURES = Window("minute", 20)
GROUP = "failed-keys"


def count_failure(request: HttpRequest) -> Usage:
    """Count one failed call of the request's address and return its usage; never raises."""
    now = time.time()
    try:
        usage = get_usage(request, group=GROUP, key=address_of, rate=f"{FAILURES.limit}/m", increment=True)
    except (RedisError, OSError, ImproperlyConfigured):
        usage = None
    if usage is None:
        end = (int(now) // FAILURES.seconds + 1) * FAILURES.seconds
        count, taken = local.take([f"{GROUP}:{address_of(GROUP, request)}:{end}"], [FAILURES], now)
        return Usage(FAILURES, count, end, refused=not taken)
    return Usage(FAILURES, usage["count"], int(now) + max(1, usage["time_left"]), refused=usage["should_limit"])


def address_of(group: str, request: HttpRequest) -> str:
    return str(request.META["REMOTE_ADDR"])
