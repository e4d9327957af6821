"""From the headers of a request to the key behind them, in one statement that also sets the tenant."""

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from functools import lru_cache
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from apikeys import secrets
from apikeys.credentials import SESSION, Credential, KeyCredential
from apikeys.errors import AddressRefused, ExpiredKey, InvalidKey, MalformedCredential
from apikeys.models import ApiKey
from apikeys.sessions import find_session, has_session
from tenants.models import Plan, Tenant
from tenants.scope import adopt
from tenants.statements import fetch

__all__ = ["CallerAuthentication", "authenticator", "find_key", "presented_key"]

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
KEY_MOMENTS = ("expires_at", "revoked_at", "grace_until", "last_used_at")
TENANT_FIELDS = ("id", "slug", "environment", "live_id", "name", "plan_id", "country", "currency")
PLAN_FIELDS = ("code", "name", "per_minute", "per_day")
TENANT_START = len(KEY_FIELDS)
PLAN_START = TENANT_START + len(TENANT_FIELDS)
# The last rows that were found, by digest, and what was made of them: most requests find what the one before found.
MADE = 1024
_made: dict[bytes, tuple[tuple[Any, ...], ApiKey]] = {}
MISSING = "API key is missing or not valid. Send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`."
NEITHER = f"{MISSING[:-1]}, or log in at /login/ and send the session's cookie."
QUERY_NAMES = ("api_key", "apikey", "access_token", "key")


class CallerAuthentication(BaseAuthentication):
    """DRF's door: `request.auth` becomes the Credential, `request.user` stays None (the actor is the credential's).

    A key counts before a cookie: browsers send theirs unasked. Where sessions are not among `kinds`, none is looked at.
    """

    def __init__(self, kinds: tuple[str, ...], tenant_header: str, *, tenant_required: bool) -> None:
        self.kinds, self.tenant_header, self.tenant_required = kinds, tenant_header, tenant_required

    def authenticate(self, request: Request) -> tuple[None, Credential]:
        """Return the credential or raise; no view of the API is anonymous."""
        plain = request._request
        plaintext = presented_key(plain.META, plain.GET)
        if plaintext is not None:
            writes = plain.method not in SAFE_METHODS
            return None, find_key(plaintext, address=plain.META["REMOTE_ADDR"], writes=writes)
        if SESSION not in self.kinds:
            raise InvalidKey(MISSING)
        if not has_session(plain):
            raise InvalidKey(NEITHER)
        return None, find_session(plain, tenant_header=self.tenant_header, named=self.tenant_required)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Kith API"'


# One for each way in which a contract takes credentials.
authenticator = lru_cache(maxsize=64)(CallerAuthentication)


def presented_key(headers: Mapping[str, Any], query: Mapping[str, Any]) -> str | None:
    """Return the key that the request carries in either header, None where it carries neither.

    Raises for an empty one, for two different ones, and for one in the URL.
    """
    if any(name in query for name in QUERY_NAMES):
        raise MalformedCredential(
            "A key never belongs in a URL: send it in the Authorization header, and rotate this one."
        )
    kind, _, bearer = headers.get("HTTP_AUTHORIZATION", "").partition(" ")
    shown = (bearer if kind.lower() == "bearer" else None, headers.get("HTTP_X_API_KEY"))
    found = {text.strip() for text in shown if text is not None and text.strip()}
    if len(found) > 1:
        raise MalformedCredential("Authorization and X-API-Key hold different keys: send one of them.")
    if not found and shown != (None, None):
        raise InvalidKey(MISSING)
    return found.pop() if found else None


def find_key(plaintext: str, *, address: str | None, writes: bool = True) -> KeyCredential:
    """Return the credential of `plaintext` and set its tenant for the open scope; for `writes` it opens a transaction.

    Raises InvalidKey, ExpiredKey or AddressRefused. A revoked key fails from the next request on.
    """
    if not secrets.is_wellformed(plaintext):
        raise InvalidKey(MISSING)
    digest = secrets.digest(plaintext)
    found = fetch(LOOK_UP, [digest], alone=not writes)
    if not found:
        raise InvalidKey(MISSING)
    key = key_of(digest, found[0])
    state = key.state()
    if state == "revoked":
        raise InvalidKey(MISSING)
    if state == "expired":
        raise ExpiredKey("API key has expired. Issue a new one or rotate it before its time is over.")
    if not key.admits(address):
        raise AddressRefused("This key may not be used from this address.")
    adopt(key.tenant_id)
    # A copy: what one request makes of its tenant is not the next one's.
    return KeyCredential(copy(key.tenant), frozenset(key.scopes), key)


def key_of(digest: bytes, row: tuple[Any, ...]) -> ApiKey:
    """Return the key of a row, with its tenant and plan; where the row is what it was, as it was made of it then."""
    known = _made.get(digest)
    if known is None or known[0] != row:
        if len(_made) >= MADE:
            _made.clear()
        known = _made[digest] = row, make_key(row)
    return known[1]


def make_key(row: tuple[Any, ...]) -> ApiKey:
    key = ApiKey(**dict(zip(KEY_FIELDS, row[:TENANT_START], strict=True)))
    for name in KEY_MOMENTS:
        if moment := getattr(key, name):
            setattr(key, name, datetime.fromisoformat(moment))
    key.tenant = Tenant(**dict(zip(TENANT_FIELDS, row[TENANT_START:PLAN_START], strict=True)))
    key.tenant.plan = Plan(**dict(zip(PLAN_FIELDS, row[PLAN_START : PLAN_START + len(PLAN_FIELDS)], strict=True)))
    return key
