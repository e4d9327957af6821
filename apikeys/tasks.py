"""What time does to keys, claims, counts and sessions: warnings before a key ends, and what is over is deleted."""

from datetime import datetime, timedelta

from celery import shared_task
from django.contrib.sessions.models import Session
from django.utils import timezone

from apikeys.claims import expired
from apikeys.issuing import note
from apikeys.models import ApiKey
from apikeys.usage import DailyUsage
from tenants.actor import Actor
from tenants.models import Event
from tenants.retention import BATCH, forget, forget_in_turns
from tenants.routing import STAFF, using
from tenants.scope import tenant_scope

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
    forget_in_turns(expired)


@shared_task
def forget_usage() -> None:
    """Delete the daily counts that no chart shows any more."""
    before = timezone.now().date() - USAGE_KEPT
    forget_in_turns(lambda tenant: DailyUsage.objects.of(tenant).filter(day__lt=before))


@shared_task
def forget_sessions() -> None:
    """Delete the browser sessions that have ended."""
    with using(STAFF):
        forget(Session.objects.filter(expire_date__lt=timezone.now()))


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
