"""Who acts: the frozen value that every change carries with it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tenants.models import Tenant

__all__ = ["Actor"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A key, a user or the system, acting for one tenant from one address in one request."""

    kind: Literal["key", "user", "system"]
    tenant: "Tenant"
    id: str | int | None = None
    label: str = ""
    address: str | None = None
    request_id: str = ""

    @classmethod
    def system(cls, tenant: "Tenant", label: str) -> "Actor":
        """Return the actor for what Kith does by itself: a beat task, a command, the demo."""
        return cls(kind="system", tenant=tenant, label=label)
