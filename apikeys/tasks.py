"""What time does to keys and claims: warnings before a key ends, and claims whose day is over."""

from datetime import datetime, timedelta

from celery import shared_task
from django.utils import timezone

from apikeys.claims import forget_expired
from apikeys.issuing import note
from apikeys.models import ApiKey
from apikeys.usage import DailyUsage
from tenants.actor import Actor
from tenants.models import Event, Tenant
from tenants.scope import tenant_scope

BATCH = 1000
# The event that a key leaves when its end is this near, the nearest first.
NOTICES = (
    ("api_key.expired", timedelta(0)),
    ("api_key.expiring_1d", timedelta(days=1)),
    ("api_key.expiring_7d", timedelta(days=7)),
)
# How long an end may lie back and still be noted: a worker that was down for a weekend catches up.
LOOK_BACK = timedelta(days=3)
USAGE_KEPT = timedelta(days=400)


@shared_task
def forget_claims() -> None:
    """Delete the claims that nobody can replay any more."""
    for tenant in Tenant.objects.all():
        while forget_expired(tenant, batch=BATCH) == BATCH:
            pass


@shared_task
def forget_usage() -> None:
    """Delete the daily counts that no chart shows any more."""
    before = timezone.now().date() - USAGE_KEPT
    for tenant in Tenant.objects.all():
        with tenant_scope(tenant.id):
            DailyUsage.objects.of(tenant).filter(day__lt=before).delete()


@shared_task
def note_expiring_keys() -> None:
    """Write the event of every key that ends soon or has ended, each once."""
    now = timezone.now()
    near = ApiKey.objects.filter(revoked_at=None, expires_at__gt=now - LOOK_BACK, expires_at__lte=now + NOTICES[-1][1])
    for key in near.select_related("tenant").order_by("expires_at").iterator(chunk_size=BATCH):
        with tenant_scope(key.tenant_id):
            # Two clocks at once would both find no event yet.
            ApiKey.objects.select_for_update().filter(pk=key.pk).first()
            kind = notice(key, now)
            if not Event.objects.of(key.tenant).filter(record_id=key.id, type=kind).exists():
                note(key, actor=Actor.system(key.tenant, "expiry"), type=kind)


def notice(key: ApiKey, now: datetime) -> str:
    """Return the event that fits how near the key's end is."""
    assert key.expires_at is not None
    return next(kind for kind, ahead in NOTICES if key.expires_at <= now + ahead)
