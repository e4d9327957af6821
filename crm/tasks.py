"""What time does to records."""

from celery import shared_task
from django.utils import timezone

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
