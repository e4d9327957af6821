"""Idempotency: a claim on a key is stored with the effects it stands for, in their transaction, or not at all."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import Counter

from apikeys.errors import ClaimInProgress, ClaimMalformed, ClaimMismatch, ClaimUnrepeatable
from tenants import ids
from tenants.models import Tenant, TenantManager
from tenants.statements import fetch

__all__ = ["KEPT", "Claim", "OnceResponse", "claimed", "expired"]

KEPT = timedelta(hours=24)
MAX_LENGTH = 255
# The status of a claim whose answer was not kept: no other claim has one that is no success.
ONCE = 409
# Not by the ORM, which would compile them anew for each write.
LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
EARLIER = """
SELECT fingerprint, status, headers, body FROM apikeys_claim
WHERE tenant_id = %s AND owner = %s AND key = %s AND expires_at > %s
"""
KEEP = """
INSERT INTO apikeys_claim (id, tenant_id, owner, key, fingerprint, status, headers, body, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, owner, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
  headers = excluded.headers, body = excluded.body, expires_at = excluded.expires_at
"""
COUNTED = Counter("kith_idempotency", "Requests with an Idempotency-Key, by what became of it.", ("outcome",))
# Known from the start, so that the first one is a rise from zero.
KEPT_NEW, REPLAYED, IN_PROGRESS, MISMATCH, UNREPEATABLE = (
    COUNTED.labels(outcome) for outcome in ("kept", "replayed", "in_progress", "mismatch", "unrepeatable")
)


class Claim(models.Model):
    """The answer that an Idempotency-Key stands for; it exists exactly where the write it belongs to was committed."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    owner = models.CharField(max_length=60, help_text="Who claimed: keys of one tenant do not share their names.")
    key = models.CharField(max_length=MAX_LENGTH)
    fingerprint = models.BinaryField()
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField()
    body = models.BinaryField()
    expires_at = models.DateTimeField(db_index=False)

    objects = TenantManager()
    every_tenant = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "owner", "key"], name="claim_once")]
        indexes = [models.Index(fields=["tenant", "expires_at"], name="claim_expiry")]

    def __str__(self) -> str:
        return self.key


class OnceResponse(HttpResponse):
    """An answer that is given once, as a secret is in it: of it only `instead` is kept, what a second request hears."""

    def __init__(self, content: bytes, *, instead: str, **kwargs: Any) -> None:
        super().__init__(content, **kwargs)
        self.instead = instead
        self["Cache-Control"] = "no-store"


def claimed(
    request: HttpRequest,
    *,
    tenant: Tenant,
    owner: str,
    content: Callable[[], bytes],
    write: Callable[[], HttpResponse],
) -> HttpResponse:
    """Answer `request` by `write`; with an Idempotency-Key they happen once and the answer is replayed.

    `content` gives what the body says, which two requests with the same key must agree in.

    Only a 2xx is kept: every other answer left no effect, so running again is safe, and a corrected retry too.
    """
    key = key_of(request)
    if key is None:
        return write()
    fingerprint = fingerprint_of(request, content())
    take_lock(tenant, owner, key)
    if earlier := fetch(EARLIER, [tenant.id, owner, key, timezone.now()]):
        return replay(*earlier[0], asked=fingerprint)
    response = write()
    if response.status_code < 300:
        store(tenant, owner, key, fingerprint, response)
    return response


def key_of(request: HttpRequest) -> str | None:
    """Return the request's Idempotency-Key, None without one; raise ClaimMalformed for one that cannot be stored."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (0 < len(key) <= MAX_LENGTH and key.isascii() and key.isprintable()):
        raise ClaimMalformed(f"Idempotency-Key must be 1 to {MAX_LENGTH} printable ASCII characters.")
    return key


def fingerprint_of(request: HttpRequest, content: bytes) -> bytes:
    """Return what makes two requests the same: method, path, query, media type and what the body says."""
    query = "&".join(sorted(request.META.get("QUERY_STRING", "").split("&")))
    head = "\n".join([request.method or "", request.path, query, request.content_type or ""])
    return sha256(head.encode() + b"\n" + content).digest()


def take_lock(tenant: Tenant, owner: str, key: str) -> None:
    """Hold the key until the transaction ends; raise ClaimInProgress where another request holds it now.

    PostgreSQL drops the lock with the transaction, however that ends: no key can stay stuck after a crash.
    """
    [[taken]] = fetch(LOCK, [f"{tenant.id}:{owner}:{key}"])
    if not taken:
        IN_PROGRESS.inc()
        raise ClaimInProgress("A request with this Idempotency-Key is being answered right now. Try again in a second.")


def replay(fingerprint: bytes, status: int, headers: str, body: bytes, *, asked: bytes) -> HttpResponse:
    """Return the stored answer again; raise ClaimMismatch for another request, ClaimUnrepeatable for a secret."""
    if fingerprint != asked:
        MISMATCH.inc()
        raise ClaimMismatch("This Idempotency-Key was used with another request. Use a new key for a new request.")
    if status == ONCE:
        UNREPEATABLE.inc()
        raise ClaimUnrepeatable(body.decode())
    REPLAYED.inc()
    return HttpResponse(body, status=status, headers={**orjson.loads(headers), "Idempotent-Replayed": "true"})


def store(tenant: Tenant, owner: str, key: str, fingerprint: bytes, response: HttpResponse) -> None:
    """Keep the answer for a day, in the transaction of its effects; an expired claim of the same name gives way."""
    kept = (response.status_code, dict(response.items()), response.content)
    status, headers, body = (ONCE, {}, response.instead.encode()) if isinstance(response, OnceResponse) else kept
    until = timezone.now() + KEPT
    fetch(KEEP, [ids.new(), tenant.id, owner, key, fingerprint, status, orjson.dumps(headers).decode(), body, until])
    KEPT_NEW.inc()


def expired(tenant: Tenant) -> models.QuerySet[Claim]:
    """Return the tenant's claims whose day is over."""
    rows: models.QuerySet[Claim] = Claim.objects.of(tenant).filter(expires_at__lt=timezone.now())
    return rows
