"""How many requests a key may make: fixed windows, all counted in one Redis round trip, locally where Redis is away."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from threading import Lock

import redis
from django.conf import settings
from prometheus_client import Counter
from redis.exceptions import NoScriptError

from apikeys.credentials import Credential
from tenants.line import Line

__all__ = ["SECONDS", "Usage", "Window", "limit_headers", "ping", "take", "windows_of"]

SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
HOURLY = 1000
PATIENCE = 0.05
# After a failure Redis is left alone this long: no request waits PATIENCE twice for the same outage.
REST = 1.0

FALLBACKS = Counter("kith_limits_fallbacks", "Requests counted by a process alone, as Redis did not answer in time.")

# Counts a request, or several, in every window, or in none when one of them has no room for them. Returns the counts
# after the request, and 1 or 0 for taken or refused.
SCRIPT = """
local counts, full, more = {}, 0, tonumber(ARGV[#ARGV])
for i, key in ipairs(KEYS) do
  counts[i] = tonumber(redis.call('GET', key) or '0')
  if counts[i] + more > tonumber(ARGV[2 * i - 1]) then full = 1 end
end
if full == 0 then
  for i, key in ipairs(KEYS) do
    counts[i] = redis.call('INCRBY', key, more)
    if counts[i] == more then redis.call('EXPIRE', key, ARGV[2 * i]) end
  end
end
counts[#counts + 1] = 1 - full
return counts
"""
SHA = sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` requests in each `seconds`."""

    name: str
    limit: int

    @property
    def seconds(self) -> int:
        return SECONDS[self.name]


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a key stands in one window after this request."""

    window: Window
    used: int
    reset: int
    refused: bool

    @property
    def remaining(self) -> int:
        return max(0, self.window.limit - self.used)


def windows_of(
    credential: Credential, names: Sequence[str], contracted: Mapping[str, Mapping[str, int]]
) -> tuple[Window, ...]:
    """Return the windows `names` of a credential; unlimited ones are left out.

    Its own limits count first, then those `contracted` for its kind, then its plan's.
    """
    plan = credential.tenant.plan
    usual: dict[str, int | None] = {"minute": plan.per_minute, "hour": HOURLY, "day": plan.per_day}
    usual |= contracted.get(credential.kind, {})
    own = credential.limits
    return tuple(Window(name, limit) for name in names if (limit := own.get(name) or usual[name]))


def take(subject: str, windows: Sequence[Window], count: int = 1) -> tuple[Usage, ...]:
    """Count a request of `subject`, or `count` of them or none, and return its usage of each window.

    It never raises, and never waits over 50 ms.

    Windows start at multiples of their length, so up to twice a limit can pass around an edge. A refused request is
    not counted: retrying does not push the end away.
    """
    now = time.time()
    ends = [(int(now) // window.seconds + 1) * window.seconds for window in windows]
    keys = [f"limit:{subject}:{window.name}:{end}" for window, end in zip(windows, ends, strict=True)]
    *counts, taken = shared.take(keys, windows, now, count) or alone.take(keys, windows, now, count)
    return tuple(
        Usage(window, used, end, refused=not taken and used + count > window.limit)
        for window, used, end in zip(windows, counts, ends, strict=True)
    )


def limit_headers(usages: Sequence[Usage]) -> list[tuple[str, str]]:
    """Return the headers of the exhausted window, else of the first, and the IETF pair for all of them."""
    if not usages:
        return []
    shown = next((usage for usage in usages if usage.refused), usages[0])
    now = int(time.time())
    policy = ", ".join(f'"{usage.window.name}";q={usage.window.limit};w={usage.window.seconds}' for usage in usages)
    left = ", ".join(f'"{usage.window.name}";r={usage.remaining};t={max(0, usage.reset - now)}' for usage in usages)
    return [
        ("X-RateLimit-Limit", str(shown.window.limit)),
        ("X-RateLimit-Remaining", str(shown.remaining)),
        ("X-RateLimit-Reset", str(shown.reset)),
        ("RateLimit-Policy", policy),
        ("RateLimit", left),
    ]


class SharedCounter:
    """The counters in Redis, with a short patience and a rest after every failure."""

    def __init__(self) -> None:
        self.line = Line(patience=PATIENCE, rest=REST)

    def take(self, keys: Sequence[str], windows: Sequence[Window], now: float, more: int = 1) -> list[int] | None:
        """Return the counts and the verdict, or None where Redis does not answer in time."""
        if not windows:
            return [1]
        limits = [value for window in windows for value in (window.limit, window.seconds + 1)]
        try:
            try:
                return list(self.line.ask("EVALSHA", SHA, len(keys), *keys, *limits, more))
            except NoScriptError:
                return list(self.line.ask("EVAL", SCRIPT, len(keys), *keys, *limits, more))
        except (redis.RedisError, OSError):
            return None


class LocalCounter:
    """The stand-in while Redis is away: this process's share of each limit."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.lock = Lock()

    def take(self, keys: Sequence[str], windows: Sequence[Window], now: float, more: int = 1) -> list[int]:
        """Return the counts and the verdict, scaled so that all web processes together hold the limit."""
        FALLBACKS.inc()
        with self.lock:
            self.forget(now)
            shares = [max(1, window.limit // settings.WEB_WORKERS) for window in windows]
            taken = all(self.counts.get(key, 0) + more <= share for key, share in zip(keys, shares, strict=True))
            for key in keys:
                self.counts[key] = self.counts.get(key, 0) + taken * more
            counts = [self.counts[key] for key in keys]
            full = [
                window.limit if count + more > share and not taken else count
                for window, count, share in zip(windows, counts, shares, strict=True)
            ]
            return [*full, int(taken)]

    def forget(self, now: float) -> None:
        """Drop the windows that are over; their names end with the second in which they end."""
        if len(self.counts) > 10_000:
            self.counts = {key: count for key, count in self.counts.items() if int(key.rpartition(":")[2]) > now}


shared = SharedCounter()
alone = LocalCounter()


def ping() -> bool:
    """Ask Redis whether it answers, within PATIENCE."""
    try:
        return bool(shared.line.answer("PING"))
    except (redis.RedisError, OSError):
        return False
