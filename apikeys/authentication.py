"""From the headers of a request to the key behind them, in one statement that also sets the tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apikeys import secrets
from apikeys.errors import AddressRefused, ExpiredKey, InvalidKey, MalformedCredential
from apikeys.models import LAST_USE_STEP, ApiKey
from tenants.actor import Actor
from tenants.models import Plan, Tenant
from tenants.routing import alias
from tenants.scope import adopt

__all__ = ["Credential", "KeyAuthentication", "find_key", "note_use", "presented_key"]

# One statement: who calls, whose data, which plan, and from here on PostgreSQL shows this tenant's rows only.
LOOK_UP = """
SELECT k.id, k.tenant_id, k.name, k.environment, k.prefix, k.last4, k.scopes, k.allowed_networks,
       k.per_minute, k.per_hour, k.per_day, k.expires_at, k.revoked_at, k.grace_until, k.last_used_at,
       t.id, t.slug, t.environment, t.live_id, t.name, t.plan_id, t.country, t.currency,
       p.code, p.name, p.per_minute, p.per_day, set_config('app.tenant_id', t.id::text, true)
FROM apikeys_apikey k JOIN tenants_tenant t ON t.id = k.tenant_id JOIN tenants_plan p ON p.code = t.plan_id
WHERE k.digest = %s
"""
KEY_FIELDS = (
    "id", "tenant_id", "name", "environment", "prefix", "last4", "scopes", "allowed_networks", "per_minute", "per_hour",
    "per_day", "expires_at", "revoked_at", "grace_until", "last_used_at",
)  # fmt: skip
TENANT_FIELDS = ("id", "slug", "environment", "live_id", "name", "plan_id", "country", "currency")
PLAN_FIELDS = ("code", "name", "per_minute", "per_day")
TENANT_START = len(KEY_FIELDS)
PLAN_START = TENANT_START + len(TENANT_FIELDS)
NOTE_USE = """
UPDATE apikeys_apikey SET last_used_at = %s, last_used_ip = %s
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s)
"""
MISSING = "API key is missing or not valid. Send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`."
QUERY_NAMES = ("api_key", "apikey", "access_token", "key")


@dataclass(frozen=True, slots=True)
class Credential:
    """What the caller showed: a working key, its tenant, and the scopes it may use."""

    key: ApiKey
    tenant: Tenant
    scopes: frozenset[str]

    def actor(self, *, address: str | None, request_id: str) -> Actor:
        """Return the caller as the ledger knows it."""
        label = f"{self.key.name} ({self.key.masked})"
        return Actor("key", self.tenant, self.key.public_id, label, address, request_id)


class KeyAuthentication(BaseAuthentication):
    """DRF's door: `request.auth` becomes the Credential, `request.user` stays None (a key is no person)."""

    def authenticate(self, request: Request) -> tuple[None, Credential]:
        """Return the credential or raise; no view of the API is anonymous."""
        plaintext = presented_key(request._request.META, request._request.GET)
        return None, find_key(plaintext, address=request._request.META["REMOTE_ADDR"])

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Kith API"'


def presented_key(headers: Mapping[str, Any], query: Mapping[str, Any]) -> str:
    """Return the key that the request carries in either header; raise where there is none, two, or one in the URL."""
    if any(name in query for name in QUERY_NAMES):
        raise MalformedCredential(
            "A key never belongs in a URL: send it in the Authorization header, and rotate this one."
        )
    kind, _, bearer = headers.get("HTTP_AUTHORIZATION", "").partition(" ")
    bearer = bearer.strip() if kind.lower() == "bearer" else ""
    plain = headers.get("HTTP_X_API_KEY", "").strip()
    if bearer and plain and bearer != plain:
        raise MalformedCredential("Authorization and X-API-Key hold different keys: send one of them.")
    if not (bearer or plain):
        raise InvalidKey(MISSING)
    return bearer or plain


def find_key(plaintext: str, *, address: str | None) -> Credential:
    """Return the credential of `plaintext` and set its tenant for the open transaction.

    Raises InvalidKey, ExpiredKey or AddressRefused. There is no cache: a revoked key fails from the next request on.
    """
    if not secrets.is_wellformed(plaintext):
        raise InvalidKey(MISSING)
    with connections[alias()].cursor() as cursor:
        cursor.execute(LOOK_UP, [secrets.digest(plaintext)])
        row = cursor.fetchone()
    if row is None:
        raise InvalidKey(MISSING)
    key = ApiKey(**dict(zip(KEY_FIELDS, row[:TENANT_START], strict=True)))
    state = key.state()
    if state == "revoked":
        raise InvalidKey(MISSING)
    if state == "expired":
        raise ExpiredKey("API key has expired. Issue a new one or rotate it before its time is over.")
    if not key.admits(address):
        raise AddressRefused("This key may not be used from this address.")
    tenant = Tenant(**dict(zip(TENANT_FIELDS, row[TENANT_START:PLAN_START], strict=True)))
    tenant.plan = Plan(**dict(zip(PLAN_FIELDS, row[PLAN_START : PLAN_START + len(PLAN_FIELDS)], strict=True)))
    key.tenant = tenant
    adopt(tenant.id)
    return Credential(key, tenant, frozenset(key.scopes))


def note_use(credential: Credential, *, address: str | None) -> None:
    """Remember when and from where a key was used, at most once a minute; never at the request's expense."""
    now: datetime = timezone.now()
    used: datetime | None = credential.key.last_used_at
    if used is not None and now - used < LAST_USE_STEP:
        return
    key_id: UUID = credential.key.id
    try:
        with connections[alias()].cursor() as cursor:
            cursor.execute(NOTE_USE, [now, address, key_id, now - LAST_USE_STEP])
    except DatabaseError:
        # The answer is already decided; the next request notes it.
        return
