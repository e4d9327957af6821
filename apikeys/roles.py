"""What the role of a member allows: the scopes of a session, and so the keys that the person may issue."""

from collections.abc import Collection, Iterable, Mapping

from apikeys.scopes import EVERYTHING, allows
from tenants.models import Member

__all__ = ["MANAGE_KEYS", "MANAGE_WEBHOOKS", "SCOPES", "exceeding", "may_issue"]

# Keys are secrets, and so are those of webhooks: no wildcard but the owner's holds them.
MANAGE_KEYS, MANAGE_WEBHOOKS = "keys:admin", "webhooks:admin"
READ, WRITE, DELETE = "*:read", "*:write", "*:delete"
SCOPES: Mapping[str, frozenset[str]] = {
    Member.Role.VIEWER: frozenset({READ}),
    Member.Role.STAFF: frozenset({READ, WRITE}),
    Member.Role.ADMIN: frozenset({READ, WRITE, DELETE, MANAGE_KEYS, MANAGE_WEBHOOKS}),
    Member.Role.OWNER: frozenset({EVERYTHING}),
}


def may_issue(held: Collection[str]) -> bool:
    """Tell whether whoever holds these scopes may issue, rotate and revoke keys."""
    return allows(held, MANAGE_KEYS)


def exceeding(held: Collection[str], wanted: Iterable[str]) -> list[str]:
    """Return those of the stored scopes `wanted` that `held` do not cover: nobody grants what they do not hold."""
    return [scope for scope in wanted if not allows(held, scope)]
