"""The requests, counted by route, and timed: a few microseconds each, and no tenant is named."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Gauge, Histogram

__all__ = ["IN_FLIGHT", "METHODS", "count", "plain"]

# Anything else is one method: who calls must not be able to make up series.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
READS = frozenset({"GET", "HEAD", "OPTIONS"})
# Asked by machines all day, they would hide how the others do.
PROBES = frozenset({"livez", "readyz", "api/health", "metrics"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
STATUSES = ("2xx", "3xx", "4xx", "5xx")
GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)|<(?:\w+:)?(\w+)>")

REQUESTS = Counter(
    "kith_http_requests", "Requests answered, by route and class of status.", ("method", "route", "status")
)
SECONDS = Counter("kith_http_request_seconds", "Seconds spent on requests, by route.", ("method", "route"))
DURATION = Histogram(
    "kith_http_request_duration_seconds",
    "How long requests took, by reads and writes and class of status; probes are left out.",
    ("kind", "status"),
    buckets=BUCKETS,
)
IN_FLIGHT = Gauge(
    "kith_http_requests_in_flight",
    "Requests that have come in and are not answered yet, those that wait for events included.",
    multiprocess_mode="livesum",
)
# Known from the start, so that the first failure is a rise from zero.
TIMED = {(kind, status): DURATION.labels(kind, status).observe for kind in ("read", "write") for status in STATUSES}

Counters = tuple[Callable[[], None], Callable[[float], None], Callable[[float], None] | None]
known: dict[tuple[str, str, int], Counters] = {}


def count(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count an answered request."""
    method = request.method if request.method in METHODS else "other"
    match = request.resolver_match
    place = (method or "other", match.route if match else "(none)", response.status_code // 100)
    one, took, timed = known.get(place) or make(place)
    one()
    took(seconds)
    if timed:
        timed(seconds)


def make(place: tuple[str, str, int]) -> Counters:
    """Return what counts the requests of one kind, kept for the next one: looking it up would cost more than it."""
    method, pattern, hundreds = place
    route, status = plain(pattern), f"{hundreds}xx"
    timed = None if route in PROBES else TIMED.get(("read" if method in READS else "write", status))
    found = REQUESTS.labels(method, route, status).inc, SECONDS.labels(method, route).inc, timed
    known[place] = found
    return found


def plain(pattern: str) -> str:
    """Return a pattern as people write paths: `v1/^clients/(?P<pk>[^/.]+)/?$` is `v1/clients/{pk}`."""
    named = GROUP.sub(lambda found: f"{{{found[1] or found[2]}}}", pattern)
    return named.replace("^", "").removesuffix("$").removesuffix("/?")
