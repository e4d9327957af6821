"""Making, rotating and revoking keys; each leaves its event in the tenant's log."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from apikeys import secrets
from apikeys.models import ApiKey
from apikeys.scopes import normalise
from tenants.actor import Actor
from tenants.ledger import record
from tenants.models import Event, Tenant
from tenants.routing import alias
from tenants.scope import tenant_scope

__all__ = ["GRACE", "GRACE_LIMIT", "issue", "renew", "revoke", "rotate"]

GRACE = timedelta(hours=24)
GRACE_LIMIT = timedelta(days=7)
ROTATED = "This key has a successor already: rotate that one. If its text was lost, revoke it and issue a new key."


def issue(
    *,
    tenant: Tenant,
    name: str,
    scopes: Iterable[str],
    actor: Actor,
    user: User | None = None,
    expires_at: datetime | None = None,
    **own: Any,
) -> tuple[ApiKey, str]:
    """Make a key for one side of a tenant; return it with its plaintext, which exists nowhere else.

    `own` takes allowed_networks, per_minute, per_hour and per_day. Raises UnknownScope, and ValueError without a scope.
    """
    granted = normalise(scopes)
    if not granted:
        raise ValueError("A key needs at least one scope.")
    secret = secrets.make_secret(tenant.environment)
    key = ApiKey(
        tenant=tenant,
        name=name,
        environment=tenant.environment,
        scopes=granted,
        created_by=user,
        expires_at=expires_at,
        **own,
    )
    return save_new(key, secret, actor=actor, type="api_key.created"), secret.plaintext


def rotate(key: ApiKey, *, actor: Actor, grace: timedelta = GRACE, user: User | None = None) -> tuple[ApiKey, str]:
    """Make the successor of `key` with the same rights; the old one works on for `grace` (at most seven days)."""
    if not timedelta(0) <= grace <= GRACE_LIMIT:
        raise ValueError("The grace is between 0 and 7 days.")
    now = timezone.now()
    if key.state(now) in ("revoked", "expired"):
        raise ValueError("A revoked or expired key cannot be rotated: issue a new one.")
    secret = secrets.make_secret(key.environment)
    copied = (
        "tenant",
        "name",
        "environment",
        "scopes",
        "allowed_networks",
        "per_minute",
        "per_hour",
        "per_day",
        "expires_at",
    )
    successor = ApiKey(**{field: getattr(key, field) for field in copied}, created_by=user, rotated_from=key)
    with tenant_scope(key.tenant_id):
        key.grace_until = now + grace
        key.save(update_fields=["grace_until"])
        save_new(successor, secret, actor=actor, type="api_key.rotated")
    return successor, secret.plaintext


def renew(key: ApiKey, *, actor: Actor, grace: timedelta, user: User | None) -> tuple[ApiKey, ApiKey, str]:
    """Rotate a key that has no successor yet; return it, its successor, and that one's plaintext.

    Raises ValueError with the reason. Two at once make one successor.
    """
    with transaction.atomic(using=alias()):
        held = ApiKey.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=key.pk)
        if held.apikey_set.exists():
            raise ValueError(ROTATED)
        return held, *rotate(held, actor=actor, grace=grace, user=user)


def revoke(key: ApiKey, *, actor: Actor) -> None:
    """End `key` at once; revoking a revoked key changes nothing."""
    if key.revoked_at:
        return
    with tenant_scope(key.tenant_id):
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        note(key, actor=actor, type="api_key.revoked")


def save_new(key: ApiKey, secret: secrets.Secret, *, actor: Actor, type: str) -> ApiKey:
    key.digest, key.prefix, key.last4 = secret.digest, secret.prefix, secret.last4
    with tenant_scope(key.tenant_id):
        key.save(force_insert=True)
        note(key, actor=actor, type=type)
    return key


def note(key: ApiKey, *, actor: Actor, type: str) -> None:
    """Write the key's event: for staff only, a key's life is no business of webhooks."""
    record(
        actor=actor, type=type, resource="api_key", record_id=key.id, record_version=1,
        data=key.snapshot(), audience=Event.Audience.AUDIT,
    )  # fmt: skip
