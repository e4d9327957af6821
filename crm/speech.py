"""What webhooks say and to whom: events in a contract's words, for those who may read the records."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q

from apikeys.models import ApiKey
from crm.resources.events.api import record_words
from crm.resources.events.reach import Reach, reach_of
from crm.rest import writes
from crm.rest.contract import Contract
from crm.rest.router import Views, bound_views
from crm.rest.serializers import reworded
from tenants import ids
from tenants.actor import Actor
from tenants.models import Member
from tenants.routing import STAFF, using
from webhooks.speech import Heard

__all__ = ["CrmSpeech"]


class CrmSpeech:
    """The CRM's answers to what the room of webhooks asks."""

    def __init__(self, contracts: Iterable[Contract], views: Views) -> None:
        self.contracts = {contract.name: contract for contract in contracts}
        self.views = views

    def bound(self, contract: str) -> Mapping[str, Any]:
        """Return a contract's views; of one that is published no more there are none, and nothing is heard by it."""
        spoken = self.contracts.get(contract)
        return bound_views(spoken, self.views) if spoken else {}

    @lru_cache(maxsize=1024)  # noqa: B019  there is one of it, for good
    def reach(self, contract: str, scopes: tuple[str, ...]) -> Reach:
        return reach_of(self.bound(contract).values(), scopes)

    def hears(self, contract: str, scopes: Collection[str], event: Heard) -> bool:
        """Tell whether `contract` has the event, and whoever holds `scopes` may read it."""
        return self.reach(contract, tuple(scopes)).includes(event.resource, event.data)

    def conditions(self, contract: str, scopes: Collection[str]) -> Q:
        """Return the same of rows of the ledger, as a condition."""
        return self.reach(contract, tuple(scopes)).condition()

    def say(self, contract: str, event: Heard) -> bytes:
        """Return the body of a delivery, in the contract's words."""
        spoken = self.contracts[contract]
        data: Any = orjson.Fragment(event.data)
        changes: Any = orjson.Fragment(event.changes)
        if not spoken.is_plain:
            words = record_words(self.bound(contract)["events"])
            data, changes = (reworded(orjson.loads(text), words) for text in (event.data, event.changes))
        body = {
            "id": ids.encode("evt", event.id),
            "type": spoken.event(event.type),
            "timestamp": event.timestamp,
            "record_version": event.record_version,
            "data": data,
            "changes": changes,
        }
        return orjson.dumps({spoken.wire(name): value for name, value in body.items()})

    def silenced(self, makers: Iterable[UUID]) -> Collection[UUID]:
        """Return the keys that were revoked, and not replaced by a rotation, and the seats that were taken away."""
        asked = set(makers)
        with using(STAFF):
            keys = ApiKey.objects.filter(pk__in=asked, revoked_at=None).values_list("pk", flat=True)
            seats = Member.every_tenant.filter(pk__in=asked, active=True).values_list("pk", flat=True)
            return asked.difference(keys, seats)

    def changing(self, record: Any, *, actor: Actor, verb: str = "updated") -> AbstractContextManager[dict[str, Any]]:
        """Hold a record while the block changes it, then save it with one event."""
        return writes.changing(record, actor=actor, verb=verb)

    def create(self, record: Any, *, actor: Actor) -> None:
        """Save a new record with its event."""
        writes.create(record, actor=actor)

    def delete(self, record: Any, *, actor: Actor) -> None:
        """Delete a record with its event."""
        writes.delete(record, actor=actor)
