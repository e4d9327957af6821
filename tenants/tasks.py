"""The ledger's task: sealing."""

from functools import partial

import structlog
from celery import shared_task

from tenants import audit
from tenants.models import Tenant

log = structlog.get_logger("kith.audit")


@shared_task
def seal_events() -> None:
    """Seal every tenant's settled events, and log each new head, out of reach of whoever has the database."""
    for tenant in Tenant.objects.all():
        # A batch at a time, until nothing settled is left.
        if count := sum(iter(partial(audit.seal, tenant), 0)):
            place = {"tenant": tenant.slug, "environment": tenant.environment}
            log.info("sealed", **place, events=count, head=audit.head(tenant))
