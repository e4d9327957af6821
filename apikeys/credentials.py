"""What a caller can show, and what the rest of Kith asks of it: whose data, what it may do, how often, and its name."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from apikeys.models import ApiKey
from apikeys.usage import counter
from tenants.actor import Actor
from tenants.models import Tenant

__all__ = ["KEY", "SESSION", "Credential", "KeyCredential"]

# What contracts and resources call the kinds of credentials.
KEY, SESSION = "key", "session"


@dataclass(frozen=True, slots=True)
class Credential(ABC):
    """A working credential: its tenant, and the scopes it may use there."""

    kind: ClassVar[str]

    tenant: Tenant
    scopes: frozenset[str]

    @property
    @abstractmethod
    def subject(self) -> str:
        """The name that limits and Idempotency-Keys count under: no two callers share one."""

    @property
    @abstractmethod
    def limits(self) -> Mapping[str, int | None]:
        """Its own limit of each window; none where the contract's or the plan's holds."""

    @property
    @abstractmethod
    def holder(self) -> UUID:
        """What has the rights: the key, or the member's seat. Where it is gone, so are they."""

    @abstractmethod
    def actor(self, *, address: str | None, request_id: str) -> Actor:
        """Return the caller as the ledger knows it."""

    @abstractmethod
    def described(self) -> dict[str, Any]:
        """Return what the log says about the caller."""

    @abstractmethod
    def answered(self, status: int, *, address: str | None) -> None:
        """Take note of an answered request."""


@dataclass(frozen=True, slots=True)
class KeyCredential(Credential):
    """An API key."""

    kind = KEY

    key: ApiKey

    @property
    def subject(self) -> str:
        return f"key:{self.key.id}"

    @property
    def limits(self) -> Mapping[str, int | None]:
        return {"minute": self.key.per_minute, "hour": self.key.per_hour, "day": self.key.per_day}

    @property
    def holder(self) -> UUID:
        return self.key.id

    def actor(self, *, address: str | None, request_id: str) -> Actor:
        label = f"{self.key.name} ({self.key.masked})"
        return Actor("key", self.tenant, self.key.public_id, label, address, request_id)

    def described(self) -> dict[str, Any]:
        return {"key": self.key.prefix}

    def answered(self, status: int, *, address: str | None) -> None:
        self.key.note_use(address=address)
        counter.note(self.tenant.pk, self.key.pk, status)
