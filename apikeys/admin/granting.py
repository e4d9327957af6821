"""What a person may put into a key: nothing that lets it do everything, unless they may grant that."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from apikeys.scopes import ACTIONS, catalogue
from tenants.staff import may

__all__ = ["ISSUE", "choices", "may_grant", "may_issue", "powerful"]

ISSUE, GRANT = "apikeys.issue_apikey", "apikeys.grant_admin"
BARE = {
    "read": "Read everything",
    "write": "Write everything",
    "delete": "Delete everything",
    "admin": "Everything, secrets included",
}


def may_issue(user: Any, tenant_id: UUID | None = None) -> bool:
    """Tell whether a person may issue, rotate and revoke keys of a tenant."""
    return may(user, "issue", ISSUE, tenant_id)


def powerful(scopes: Collection[str]) -> list[str]:
    """Return the scopes that let a key do everything to a resource, or to all of them."""
    return [scope for scope in scopes if scope == "admin" or scope.endswith(":admin")]


def may_grant(user: Any, scopes: Collection[str], tenant_id: UUID | None = None) -> bool:
    """Tell whether a person may issue or renew a key with `scopes`."""
    return not powerful(scopes) or may(user, "grant", GRANT, tenant_id)


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every scope, by resource, for tick boxes."""
    bare = ("Every resource", [(action, BARE[action]) for action in ACTIONS])
    by_resource = [
        (category.label, [(scope, action) for scope, action in zip(category.scopes, category.actions, strict=True)])
        for category in catalogue()
    ]
    return [bare, *by_resource]
