"""What the CRM lends this room when Kith starts: how events are said, who may hear them, and how a record is written.

So this room knows no resource and no contract, and an endpoint is written like every other record.
"""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.db.models import Q

from tenants.actor import Actor

__all__ = ["Heard", "Speech", "speak_by", "speech"]


class Heard(NamedTuple):
    """An event as it is told; `data` and `changes` are JSON texts in canonical words, as the ledger has them."""

    id: UUID
    type: str
    resource: str
    timestamp: str
    record_version: int
    data: str
    changes: str


class Speech(Protocol):
    """Everything that the room above knows better."""

    def hears(self, contract: str, scopes: Collection[str], event: Heard) -> bool:
        """Tell whether `contract` has the event, and whoever holds `scopes` may read it."""

    def conditions(self, contract: str, scopes: Collection[str]) -> Q:
        """Return the same of rows of the ledger, as a condition."""

    def say(self, contract: str, event: Heard) -> bytes:
        """Return the body of a delivery, in the contract's words."""

    def silenced(self, makers: Iterable[UUID]) -> Collection[UUID]:
        """Return the makers whose right was taken away: their endpoints must hear nothing more."""

    def changing(self, record: Any, *, actor: Actor, verb: str = "updated") -> AbstractContextManager[dict[str, Any]]:
        """Hold a record while the block changes it, then save it with one event."""

    def create(self, record: Any, *, actor: Actor) -> None:
        """Save a new record with its event."""

    def delete(self, record: Any, *, actor: Actor) -> None:
        """Delete a record with its event."""


_speech: list[Speech] = []


def speak_by(speech: Speech) -> None:
    """Let deliveries be said by `speech`; called once when Kith starts."""
    _speech[:] = [speech]


def speech() -> Speech:
    """Return what the CRM has lent."""
    return _speech[0]
