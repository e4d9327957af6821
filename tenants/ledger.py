"""The ledger: one Event row per change, written in the caller's transaction."""

from typing import Any
from uuid import UUID

import orjson

from tenants.actor import Actor
from tenants.models import Event

__all__ = ["DATA_LIMIT", "record"]

DATA_LIMIT = 256 * 1024


def record(
    *,
    actor: Actor,
    type: str,
    resource: str,
    record_id: UUID,
    record_version: int,
    data: dict[str, Any],
    changes: dict[str, Any] | None = None,
    audience: Event.Audience = Event.Audience.PUBLIC,
) -> Event:
    """Write the one Event of a change, with the actor's name on it, and return it.

    A snapshot above DATA_LIMIT is kept thin (its id and a note): the log must not grow faster than the records.
    """
    # Through orjson and back: the row holds exactly what a JSON answer would, not Python's dates and decimals.
    body, moved = orjson.dumps(data, option=JSON), orjson.dumps(changes or {}, option=JSON)
    if len(body) + len(moved) > DATA_LIMIT:
        body, moved = orjson.dumps({"id": data.get("id"), "truncated": True}), b"{}"
    event: Event = Event.objects.create(
        tenant=actor.tenant,
        type=type,
        resource=resource,
        record_id=record_id,
        public_id=str(data["id"]),
        record_version=record_version,
        actor_kind=actor.kind,
        actor_id=str(actor.id or ""),
        actor_label=actor.label,
        address=actor.address,
        request_id=actor.request_id,
        audience=audience,
        data=orjson.loads(body),
        changes=orjson.loads(moved),
    )
    return event


JSON = orjson.OPT_UTC_Z
