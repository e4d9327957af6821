"""Deleting what is over: small batches, each in a transaction of its own, for a bounded time; the next run goes on."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import models, transaction

from tenants.models import Tenant
from tenants.scope import tenant_scope

__all__ = ["BATCH", "SECONDS", "forget", "forget_in_turns"]

BATCH = 1000
# Well under the time after which a task is ended.
SECONDS = 20.0


def forget_in_turns(
    over: Callable[[Tenant], models.QuerySet[Any]], *, batch: int = BATCH, seconds: float = SECONDS
) -> int:
    """Delete the rows that `over` gives for each tenant, a batch of each in turn; return how many.

    No tenant waits until all of another's are gone. They come in another order each time, so that a run which ends
    early has not always served the same ones.
    """
    deleted, end = 0, time.monotonic() + seconds
    waiting = list(Tenant.objects.order_by("?"))
    while waiting:
        more = []
        for tenant in waiting:
            if time.monotonic() > end:
                return deleted
            with tenant_scope(tenant.id):
                count = delete(over(tenant), batch)
            deleted += count
            if count == batch:
                more.append(tenant)
        waiting = more
    return deleted


def forget(over: models.QuerySet[Any], *, batch: int = BATCH, seconds: float = SECONDS) -> int:
    """Delete rows that belong to no tenant; return how many."""
    deleted, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        with transaction.atomic(using=over.db):
            count = delete(over, batch)
        deleted += count
        if count < batch:
            break
    return deleted


def delete(over: models.QuerySet[Any], batch: int) -> int:
    """Delete up to `batch` rows, in one statement; those that another run is at are left to it."""
    rows: Iterable[Any] = over.select_for_update(skip_locked=True).order_by().values_list("pk", flat=True)[:batch]
    found = list(rows)
    if not found:
        return 0
    return int(over.model._base_manager.using(over.db).filter(pk__in=found).delete()[0])
