"""What is done to endpoints, by whom ever: made, switched, given new secrets; each leaves its event."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Min, Q
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from tenants import ids
from tenants.actor import Actor
from tenants.ledger import record
from tenants.models import Event
from tenants.routing import alias
from tenants.scope import tenant_scope
from webhooks.models import Delivery, Endpoint, EndpointSecret, Lane
from webhooks.pokes import poke
from webhooks.secrets import seal, unseal
from webhooks.signing import new_secret, new_signing_key, public_key
from webhooks.speech import speech

__all__ = [
    "GRACE", "GRACE_LIMIT", "HIDDEN", "PING", "changing", "create", "delete", "disable", "enable", "hide_headers",
    "note", "opened_headers", "ping", "reveal", "rotate", "shown_headers", "take_over",
]  # fmt: skip

PREFIX = "whk"
GRACE = timedelta(hours=24)
GRACE_LIMIT = timedelta(days=7)
# Beside the newest secret: what a receiver has to try stays short.
MOST_OLD = 2
# What stands for a header's value wherever it is shown; sent back, it leaves the value as it is.
HIDDEN = "***"
PING = "ping"
# A test comes before everything that waits.
EARLIER = timedelta(days=7)


def create(endpoint: Endpoint, *, actor: Actor) -> str:
    """Save a new endpoint of the actor's tenant with its lane and its secret, which is returned, this once."""
    with tenant_scope(actor.tenant.id):
        secret = fresh_secret(endpoint)
        speech().create(endpoint, actor=actor)
        Lane.objects.create(tenant=actor.tenant, endpoint=endpoint)
        keep_secret(endpoint, secret)
        return secret


def fresh_secret(endpoint: Endpoint) -> str:
    """Return a new secret of the endpoint's kind; the caller saves the endpoint, which has the public half."""
    if endpoint.signing == Endpoint.Signing.HMAC:
        endpoint.public_key = None
        return new_secret()
    key = new_signing_key()
    endpoint.public_key = public_key(key)
    return key


def keep_secret(endpoint: Endpoint, secret: str) -> None:
    EndpointSecret.objects.create(
        tenant_id=endpoint.tenant_id, endpoint=endpoint, kind=endpoint.signing, sealed=seal(secret)
    )


@contextmanager
def changing(endpoint: Endpoint, *, actor: Actor, verb: str = "updated") -> Iterator[None]:
    """Hold the endpoint while the block changes it; what it was switched on for, and another way to sign, follow."""
    secret = None
    with tenant_scope(actor.tenant.id):
        with speech().changing(endpoint, actor=actor, verb=verb) as told:
            active, signing = endpoint.active, endpoint.signing
            sealed, headers, scopes = endpoint.headers_sealed, shown_headers(endpoint), endpoint.scopes
            yield
            if endpoint.active:
                endpoint.disabled_reason = None
            if endpoint.signing != signing:
                secret = fresh_secret(endpoint)
            # What is hidden, or not shown at all, has moved too.
            if endpoint.headers_sealed != sealed:
                told["headers"] = [headers, shown_headers(endpoint)]
            if endpoint.scopes != scopes:
                told["scopes"] = [scopes, endpoint.scopes]
        if secret:
            # Signatures of another kind: the old secrets are of no use to anybody.
            EndpointSecret.objects.of(actor.tenant).filter(endpoint=endpoint).delete()
            keep_secret(endpoint, secret)
        if endpoint.active != active:
            wake(endpoint) if endpoint.active else silence(endpoint)


def delete(endpoint: Endpoint, *, actor: Actor) -> None:
    """Delete the endpoint; its deliveries stay in the log, and those that were waiting are never sent."""
    with tenant_scope(actor.tenant.id):
        skip_waiting(endpoint)
        speech().delete(endpoint, actor=actor)


def disable(endpoint: Endpoint, *, actor: Actor, reason: str | None = None) -> None:
    """Switch the endpoint off, keeping what waits; `reason` is Kith's own, and makes it `webhook.disabled`."""
    with changing(endpoint, actor=actor, verb="disabled"):
        endpoint.active = False
        endpoint.disabled_reason = reason


def enable(endpoint: Endpoint, *, actor: Actor, skip: bool = False) -> None:
    """Switch the endpoint on again and go on with what waits, or `skip` that; its failures are forgotten."""
    with changing(endpoint, actor=actor, verb="enabled"):
        if skip:
            skip_waiting(endpoint)
        endpoint.active = True


def silence(endpoint: Endpoint) -> None:
    Lane.objects.of(endpoint.tenant_id).filter(endpoint=endpoint).update(next_due_at=None)


def wake(endpoint: Endpoint) -> None:
    """Start anew: the circuit is closed, nothing is failing, and what waits is due."""
    waiting = Delivery.objects.of(endpoint.tenant_id).filter(endpoint_id=endpoint.pk, status=Delivery.Status.PENDING)
    waiting.filter(due_at__gt=Now()).update(due_at=Now())
    due = waiting.aggregate(due=Min("due_at"))["due"]
    Lane.objects.of(endpoint.tenant_id).filter(endpoint=endpoint).update(
        next_due_at=due and Greatest(due, Now()), open_until=None, opened=0, window_total=0, window_failed=0,
        failing_since=None, failures=0, warned_at=None,
    )  # fmt: skip


def skip_waiting(endpoint: Endpoint) -> int:
    """Give up what waits, visibly; return how many deliveries."""
    waiting = Delivery.objects.of(endpoint.tenant_id).filter(endpoint_id=endpoint.pk, status=Delivery.Status.PENDING)
    return int(waiting.update(status=Delivery.Status.SKIPPED, finished_at=Now()))


def take_over(endpoint: Endpoint, *, maker_id: UUID | None, label: str, scopes: list[str]) -> None:
    """Let the endpoint hear what somebody else may read; the caller saves it."""
    endpoint.maker_id, endpoint.maker_label, endpoint.scopes = maker_id, label, scopes


def rotate(endpoint: Endpoint, *, actor: Actor, grace: timedelta = GRACE) -> str:
    """Make a new secret and return it, this once; the others sign along for `grace`, at most seven days."""
    if not timedelta(0) <= grace <= GRACE_LIMIT:
        raise ValueError("The grace is between 0 and 7 days.")
    with tenant_scope(actor.tenant.id):
        # An event for everybody only where there is a new public key to be seen.
        with speech().changing(endpoint, actor=actor):
            secret = fresh_secret(endpoint)
        rows = EndpointSecret.objects.of(actor.tenant).filter(endpoint=endpoint)
        end = timezone.now() + grace
        rows.filter(Q(expires_at=None) | Q(expires_at__gt=end)).update(expires_at=end)
        newest = rows.order_by("-created_at", "-id").values_list("pk", flat=True)[:MOST_OLD]
        rows.exclude(pk__in=list(newest) if grace else []).delete()
        keep_secret(endpoint, secret)
        note(endpoint, "secret_rotated", actor=actor, grace_seconds=int(grace.total_seconds()))
        return secret


def reveal(endpoint: Endpoint, *, actor: Actor) -> str:
    """Return the newest secret; that somebody saw it is in the audit log."""
    with tenant_scope(actor.tenant.id):
        note(endpoint, "secret_revealed", actor=actor)
        rows = EndpointSecret.objects.of(actor.tenant).filter(endpoint=endpoint)
        return unseal(rows.order_by("-created_at", "-id")[0].sealed)


def note(endpoint: Endpoint, verb: str, *, actor: Actor, **said: Any) -> None:
    """Tell the audit log what no receiver needs to hear."""
    record(
        actor=actor, type=f"webhook.{verb}", resource="webhook", record_id=endpoint.pk,
        record_version=endpoint.version, data={"id": ids.encode(PREFIX, endpoint.pk), "url": endpoint.url, **said},
        audience=Event.Audience.AUDIT,
    )  # fmt: skip


def ping(endpoint: Endpoint, *, actor: Actor) -> Delivery:
    """Send a test: a delivery like every other, of an event that is in no ledger."""
    with tenant_scope(actor.tenant.id):
        test: Delivery = Delivery.objects.create(
            tenant=actor.tenant, endpoint_id=endpoint.pk, event_id=ids.new(), type=PING, record_id=endpoint.pk,
            record_version=endpoint.version, due_at=Now() - EARLIER,
        )  # fmt: skip
        Lane.objects.of(actor.tenant).filter(endpoint=endpoint).update(next_due_at=Now())
        # No event tells of it.
        transaction.on_commit(poke, using=alias(), robust=True)
        return test


def hide_headers(endpoint: Endpoint, headers: Mapping[str, str]) -> None:
    """Keep the headers that go with every delivery, sealed; HIDDEN leaves the value that a name has."""
    kept = shown_headers(endpoint, hidden=False)
    known = {name.lower(): value for name, value in kept.items()}
    new = {name: known.get(name.lower(), value) if value == HIDDEN else value for name, value in headers.items()}
    if new == kept:
        return
    endpoint.headers_sealed = seal(orjson.dumps(new).decode()) if new else ""


def shown_headers(endpoint: Endpoint, *, hidden: bool = True) -> dict[str, str]:
    """Return the headers, their values hidden unless they are to be sent."""
    headers = opened_headers(endpoint.headers_sealed)
    return dict.fromkeys(headers, HIDDEN) if hidden else headers


def opened_headers(sealed: str) -> dict[str, str]:
    """Return the headers in a sealed text; an empty one has none."""
    headers: dict[str, str] = orjson.loads(unseal(sealed)) if sealed else {}
    return headers
