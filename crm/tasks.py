"""What time does to records, and what is done outside of requests."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from crm.pokes import poke
from crm.resources.campaigns import delivery
from crm.resources.campaigns.rules import DELIVER, start_due
from crm.resources.files import rules as files
from crm.resources.files import store
from crm.resources.invoices.rules import mark_overdue
from crm.resources.quotes.rules import mark_expired
from tenants.models import Tenant


@shared_task
def mark_invoices_overdue() -> None:
    """Mark the invoices whose last day to pay is over."""
    today = timezone.now().date()
    for tenant in Tenant.objects.all():
        mark_overdue(tenant, today=today)


@shared_task
def expire_quotes() -> None:
    """Expire the open quotes whose last day to accept is over."""
    today = timezone.now().date()
    for tenant in Tenant.objects.all():
        mark_expired(tenant, today=today)


@shared_task
def sweep_campaigns() -> None:
    """Begin the campaigns that are due, and go on with those that are being sent, each in a task of its own."""
    for tenant in Tenant.objects.all():
        start_due(tenant, now=timezone.now())
        for campaign_id in delivery.sending(tenant):
            poke(DELIVER, str(tenant.pk), str(campaign_id))


@shared_task(name=DELIVER)
def deliver_campaign(tenant_id: str, campaign_id: str) -> None:
    """Send some of a campaign's mails."""
    delivery.deliver(Tenant.objects.get(pk=tenant_id), UUID(campaign_id))


@shared_task
def sweep_files() -> None:
    """Delete content of files that has had no record for a day, and what broken uploads left behind."""
    now = timezone.now()
    store.forget_parts(before=now - files.AGE)
    for tenant in Tenant.objects.all():
        files.sweep(tenant, now=now)


@shared_task
def scan_files() -> None:
    """Let the scanner look at new files."""
    for tenant in Tenant.objects.all():
        files.scan(tenant)
