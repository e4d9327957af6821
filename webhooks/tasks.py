"""What the worker does for webhooks: deliver, replay, write to owners, and keep the tables in shape."""

import multiprocessing
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.signals import worker_shutting_down
from django.db import connections
from django.utils import timezone

from tenants.models import Tenant
from tenants.routing import using
from webhooks import notices, partitions, pokes, replay
from webhooks.drain import Drain
from webhooks.fanout import fan_out
from webhooks.places import place
from webhooks.queue import is_due

# Made before the processes that work are forked: the one that is told to stop tells the others.
stopping = multiprocessing.Event()


@worker_shutting_down.connect
def stop(**_: Any) -> None:
    """Let a running drain give back what it holds, instead of being waited for."""
    stopping.set()


@shared_task(name=pokes.DELIVER)
def deliver() -> None:
    """Send what is due; where this machine is at it already, only hand it what is new, and what is to be sent again."""
    pokes.taken()
    fan_out()
    replay.sweep()
    with place() as mine:
        more = mine and Drain(stopping.is_set).run()
    # Asked when the place is free again: who found it taken has left its work before.
    if mine and not stopping.is_set() and (more or is_due()):
        pokes.poke()


@shared_task(name=notices.NOTIFY)
def notify(tenant_id: str, endpoint_id: str, reason: str) -> None:
    """Write to the owners of an endpoint."""
    notices.send_mail(Tenant.objects.get(pk=tenant_id), UUID(endpoint_id), reason)


@shared_task(name="webhooks.partitions")
def renew_partitions() -> None:
    """Make the tables of the months to come, and drop those whose time is over."""
    with using("owner"):
        try:
            partitions.renew(timezone.now().date())
        finally:
            connections["owner"].close()
