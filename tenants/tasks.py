"""The ledger's task: sealing."""

import structlog
from celery import shared_task

from tenants import audit
from tenants.models import Tenant

log = structlog.get_logger("kith.audit")


@shared_task
def seal_events() -> None:
    """Seal every tenant's settled events, and log each new head, out of reach of whoever has the database."""
    for tenant in Tenant.objects.all():
        if count := audit.seal(tenant):
            log.info(
                "sealed", tenant=tenant.slug, environment=tenant.environment, events=count, head=audit.head(tenant)
            )
