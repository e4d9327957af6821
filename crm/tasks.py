"""What time does to records, and what is done when nobody waits for it."""

from celery import shared_task
from django.utils import timezone

from crm.resources.files import rules as files
from crm.resources.files import store
from crm.resources.invoices.rules import mark_overdue
from tenants.models import Tenant


@shared_task
def mark_invoices_overdue() -> None:
    """Mark the invoices whose last day to pay is over."""
    today = timezone.now().date()
    for tenant in Tenant.objects.all():
        mark_overdue(tenant, today=today)


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
