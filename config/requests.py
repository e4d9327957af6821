"""Middleware round every request: its address, its id, and one line about it in the log."""

import re
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from uuid_utils.compat import uuid7

from config.metrics.requests import count
from crm.wakeups import wait_of

__all__ = ["ClientAddress", "RequestLog"]

log = structlog.get_logger("kith.request")
WELLFORMED = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
Handler = Callable[[HttpRequest], HttpResponse]


class ClientAddress:
    """Set REMOTE_ADDR to the caller's: the n-th from the right of X-Forwarded-For behind n proxies, else the peer's."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.PROXY_COUNT:
            hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
            if len(hops) >= settings.PROXY_COUNT:
                request.META["REMOTE_ADDR"] = hops[-settings.PROXY_COUNT]
        return self.get_response(request)


class RequestLog:
    """Give each request an id (the caller's where it is well-formed), and log how it went and whose it was."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        given = request.headers.get("X-Request-ID", "")
        request_id = given if WELLFORMED.fullmatch(given) else f"req_{uuid7().hex}"
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            response["X-Request-ID"] = request_id
            # One that waits is the same request when it is looked at again.
            if not wait_of(response):
                seconds = time.perf_counter() - started
                count(request, response, seconds)
                log.info("request", **describe(request, response, seconds))
        return response


def describe(request: HttpRequest, response: HttpResponse, seconds: float) -> dict[str, Any]:
    """Return the line's fields; the route is the pattern, never the path, which may hold ids."""
    route = request.resolver_match.route if request.resolver_match else "(none)"
    fields = {"method": request.method, "route": route, "status": response.status_code, "ms": round(seconds * 1000, 1)}
    if database := getattr(request, "database", None):
        fields["database"] = database
    credential = getattr(request, "credential", None)
    if credential is not None:
        tenant = credential.tenant
        fields |= {"tenant": tenant.slug, "environment": tenant.environment, **credential.described()}
    return fields
