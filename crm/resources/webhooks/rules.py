"""Who may subscribe to what, how often an endpoint is tested, and what is sent again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from apikeys.credentials import Credential
from apikeys.errors import MissingScope
from apikeys.scopes import allows
from crm.errors import Conflict, Invalid, Problem, Refusal
from crm.rest.writes import verbs_of
from tenants.actor import Actor
from tenants.models import Event
from tenants.scope import tenant_scope
from webhooks import endpoints, replay
from webhooks.models import Delivery, Endpoint, Replay
from webhooks.patterns import ALL_OF, EVERYTHING

__all__ = ["check_reach", "preview", "read_patterns", "replay_delivery", "start_replay", "take_over", "test"]

TESTS, MINUTE = 10, timedelta(minutes=1)
SHOWN = 100
OFF = "The {webhook} is switched off: POST …/enable first."
OLD = "Only events of the last 14 days can be sent again."


def scopes_by_pattern(view: Any) -> Mapping[str, str]:
    """Return what a bound view's contract tells of, as canonical patterns, each with the scope that it takes."""
    found: dict[str, str] = {}
    for other in view.siblings.values():
        resource, verbs = other.event_resource(), verbs_of(other.model)
        if verbs:
            names = (f"{resource}{ALL_OF}", *(f"{resource}.{verb}" for verb in verbs))
            found |= dict.fromkeys(names, other.scope("read"))
    return found


def read_patterns(view: Any, patterns: Sequence[str]) -> list[str]:
    """Return patterns, said in the words of the view's contract, in canonical ones; raise for what it does not have."""
    known = {view.contract.event(name): name for name in (EVERYTHING, *scopes_by_pattern(view))}
    unknown: Any = {place: [near(name, known)] for place, name in enumerate(patterns) if name not in known}
    if unknown:
        raise serializers.ValidationError({view.contract.wire("events"): unknown})
    return [known[name] for name in patterns]


def near(name: str, known: Collection[str]) -> str:
    """Return what to say of a pattern that nobody knows."""
    close = get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(close)}?" if close else "GET /event-types lists those that there are."
    return f"No such event. {hint}"


def check_reach(view: Any, patterns: Collection[str], scopes: Collection[str]) -> None:
    """Raise MissingScope for a canonical pattern that `scopes` do not reach; EVERYTHING means what they do."""
    needed = scopes_by_pattern(view)
    for pattern in patterns:
        if pattern in needed and not allows(scopes, needed[pattern]):
            raise MissingScope(needed[pattern])


def take_over(endpoint: Endpoint, *, credential: Credential, actor: Actor) -> None:
    """Let the endpoint hear what the caller may read, and no more."""
    endpoints.take_over(endpoint, maker_id=credential.holder, label=actor.label, scopes=sorted(credential.scopes))


def test(endpoint: Endpoint, *, actor: Actor) -> Delivery:
    """Send a test, at most TESTS in a minute."""
    check_active(endpoint)
    with tenant_scope(actor.tenant.id):
        rows = Delivery.objects.of(actor.tenant).filter(endpoint_id=endpoint.pk, type=endpoints.PING)
        now = timezone.now()
        latest = list(rows.filter(created_at__gt=now - MINUTE).order_by("-created_at").values_list("created_at"))
        if len(latest) >= TESTS:
            wait = max(1, round((latest[TESTS - 1][0] + MINUTE - now).total_seconds()))
            message = f"A webhook is tested {TESTS} times in a minute at most. Try again in {wait} s."
            details = {"window": "minute", "limit": TESTS, "retry_after": wait}
            raise Refusal(Problem(429, "RATE_LIMIT_EXCEEDED", message, {}, details, {"Retry-After": str(wait)}))
        made = endpoints.ping(endpoint, actor=actor)
        # With the times that the database has given it.
        made.refresh_from_db()
        return made


def check_active(endpoint: Endpoint) -> None:
    if not endpoint.active:
        raise Conflict(OFF, "active")


def replay_delivery(delivery: Delivery, *, actor: Actor) -> Delivery:
    """Send a delivery's event once more."""
    try:
        return replay.again(delivery, actor=actor)
    except replay.Silent as error:
        raise Conflict("Its {webhook} is switched off or gone: POST …/enable on it first.") from error
    except replay.Forgotten as error:
        raise Conflict(f"{OLD} A test is not: send another with POST …/test.") from error


def window_of(endpoint: Endpoint, since: datetime | None, until: datetime | None) -> dict[str, Any]:
    """Return the window of a replay, a day unless told; raise for one that is too old or the wrong way round."""
    check_active(endpoint)
    now = timezone.now()
    end = min(until or now, now)
    start = since or end - timedelta(days=1)
    # A program that counts back 14 days is a little late when it arrives.
    if start < now - replay.AGE - MINUTE:
        raise Invalid(OLD, "since")
    if start >= end:
        raise Invalid("Must be before {until}, which is now unless told.", "since")
    return {"since": start, "until": end}


def preview(endpoint: Endpoint, *, since: Any, until: Any, **chosen: Any) -> tuple[int, list[Event]]:
    """Return how many events a replay would send, and the first of them."""
    found = replay.choose(endpoint, **window_of(endpoint, since, until), **chosen)
    return found.count(), list(found.only("id", "type", "occurred_at")[:SHOWN])


def start_replay(endpoint: Endpoint, *, actor: Actor, since: Any, until: Any, **chosen: Any) -> Replay:
    """Begin to send the events of a window again."""
    try:
        return replay.start(endpoint, actor=actor, **window_of(endpoint, since, until), **chosen)
    except replay.TooMany as error:
        raise Conflict(f"More than {replay.MOST:,} events: narrow the window, or {{events}}.", "since") from error
