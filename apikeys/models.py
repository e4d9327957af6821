"""API keys as they are stored: a digest, never the key."""

from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connections, models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from apikeys.claims import Claim
from apikeys.usage import DailyUsage
from tenants import ids
from tenants.models import Environment, Tenant
from tenants.routing import alias

__all__ = ["ApiKey", "Claim", "DailyUsage", "validate_network"]

LAST_USE_STEP = timedelta(seconds=60)
NOTE_USE = """
UPDATE apikeys_apikey SET last_used_at = %s, last_used_ip = %s
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s)
"""


def validate_network(value: str) -> None:
    """Refuse what is neither an address nor a network in CIDR form."""
    try:
        ip_network(value, strict=False)
    except ValueError as error:
        raise ValidationError(f"{value!r} is no network: write it like 203.0.113.0/24.") from error


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Keys by state."""

    def of(self, tenant: Tenant) -> Self:
        """Return the keys of one side of a tenant."""
        return self.filter(tenant=tenant)

    def of_both_sides(self, live: Any) -> Self:
        """Return the keys of a tenant by its live side (a Tenant, or a parameter of a compiled read)."""
        return self.filter(Q(tenant=live) | Q(tenant__live=live))

    def standing(self) -> Self:
        """Return the keys that were not revoked, be it by the end of their grace."""
        return self.filter(Q(grace_until=None) | Q(grace_until__gt=Now()), revoked_at=None)

    def working(self, now: datetime) -> Self:
        """Return the keys that still open something."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None).exclude(grace_until__lte=now)


class ApiKey(models.Model):
    """A key of one side of a tenant. It lies outside row-level security: it is read before a tenant is known."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="keys")
    name = models.CharField(max_length=100)
    environment = models.CharField(max_length=4, choices=Environment)
    digest = models.BinaryField(max_length=32, unique=True)
    prefix = models.CharField(max_length=18)
    last4 = models.CharField(max_length=4)
    scopes = ArrayField(models.CharField(max_length=60))
    allowed_networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]), default=list, blank=True
    )
    per_minute = models.PositiveIntegerField(null=True, blank=True, help_text="Own limit; empty: the plan's.")
    per_hour = models.PositiveIntegerField(null=True, blank=True, help_text="Own limit; empty: the contract's.")
    per_day = models.PositiveIntegerField(null=True, blank=True, help_text="Own limit; empty: the plan's.")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    grace_until = models.DateTimeField(null=True, blank=True, editable=False)
    rotated_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_ip = models.GenericIPAddressField(null=True, blank=True, editable=False)

    tenant_id: UUID

    objects = models.Manager.from_queryset(ApiKeyQuerySet)()

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at"]
        permissions = [("issue_apikey", "Can issue API keys"), ("grant_admin", "Can issue keys that may do everything")]
        constraints = [models.UniqueConstraint(fields=["tenant", "prefix"], name="apikey_prefix")]
        indexes = [models.Index(fields=["expires_at"], condition=Q(revoked_at=None), name="apikey_expiring")]

    def __str__(self) -> str:
        return f"{self.name} ({self.masked})"

    @property
    def public_id(self) -> str:
        return ids.encode("key", self.id)

    @property
    def masked(self) -> str:
        """The form for lists: enough to recognise a key, too little to use it."""
        return f"{self.prefix}…{self.last4}"

    def state(self, now: datetime | None = None) -> str:
        """Return active, rotated (in its grace), expired or revoked."""
        now = now or timezone.now()
        if self.revoked_at or (self.grace_until and self.grace_until <= now):
            return "revoked"
        if self.expires_at and self.expires_at <= now:
            return "expired"
        return "rotated" if self.grace_until else "active"

    def admits(self, address: str | None) -> bool:
        """Tell whether a caller at `address` may use this key."""
        if not self.allowed_networks:
            return True
        return address is not None and any(
            ip_address(address) in ip_network(net, strict=False) for net in self.allowed_networks
        )

    def note_use(self, *, address: str | None) -> None:
        """Remember when and from where the key was used, at most once a minute; never at the request's expense."""
        now = timezone.now()
        if self.last_used_at is not None and now - self.last_used_at < LAST_USE_STEP:
            return
        try:
            with connections[alias()].cursor() as cursor:
                cursor.execute(NOTE_USE, [now, address, self.id, now - LAST_USE_STEP])
        except DatabaseError:
            # The answer is already decided; the next request notes it.
            return

    def snapshot(self) -> dict[str, Any]:
        """Return what the ledger keeps of a key; nothing of it opens anything."""
        return {
            "id": self.public_id,
            "name": self.name,
            "key": self.masked,
            "environment": self.environment,
            "scopes": self.scopes,
            "allowed_networks": self.allowed_networks,
            "expires_at": self.expires_at,
            "revoked_at": self.revoked_at,
            "grace_until": self.grace_until,
        }
