"""The page /metrics, in the text format of Prometheus."""

import os
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address
from pathlib import Path

import psutil
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from config.metrics.folder import FOLDER, counters
from config.metrics.readings import READINGS

__all__ = ["metrics"]

# The moment at which each count began doubles the page, and nobody asks for it.
disable_created_metrics()

WRONG = "Send METRICS_TOKEN of Kith's settings, as Authorization: Bearer <token>."
AWAY = "Without METRICS_TOKEN this is for the machine itself: set it, and send it as Authorization: Bearer <token>."
# What a proxy adds. Behind one, everybody seems to be on this machine.
PROXIED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with every count and figure, for whoever may read them; with 403 and the way in for everybody else."""
    headers = {"Cache-Control": "no-store"}
    if reason := refusal(request):
        return HttpResponse(f"{reason}\n", status=403, content_type="text/plain; charset=utf-8", headers=headers)
    readings = CollectorRegistry()
    readings.register(READINGS)
    body = generate_latest(counts()) + generate_latest(readings)
    return HttpResponse(body, content_type=CONTENT_TYPE_PLAIN_0_0_4, headers=headers)


def refusal(request: HttpRequest) -> str:
    """Return why a caller may not read; nothing for one who may."""
    if token := settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return "" if compare_digest(given.encode(), f"Bearer {token}".encode()) else WRONG
    if settings.PROXY_COUNT or any(name in request.headers for name in PROXIED):
        return AWAY
    return "" if is_loopback(request.META["REMOTE_ADDR"]) else AWAY


def is_loopback(address: str) -> bool:
    """Tell whether an address is the machine's own."""
    try:
        known = ip_address(address)
    except ValueError:
        return False
    mapped = known.ipv4_mapped if isinstance(known, IPv6Address) else None
    return (mapped or known).is_loopback


def counts() -> CollectorRegistry:
    """Return what all processes of this web server have counted; of those that died, nothing is in flight."""
    if FOLDER not in os.environ:
        return REGISTRY
    for pid in counters(Path(os.environ[FOLDER])):
        if not psutil.pid_exists(pid):
            mark_process_dead(pid)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
