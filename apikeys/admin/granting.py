"""What a person may put into a key: nothing that lets it do everything, unless they may grant that."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from apikeys.scopes import powerful
from tenants.staff import may

__all__ = ["ISSUE", "may_grant", "may_issue"]

ISSUE, GRANT = "apikeys.issue_apikey", "apikeys.grant_admin"


def may_issue(user: Any, tenant_id: UUID | None = None) -> bool:
    """Tell whether a person may issue, rotate and revoke keys of a tenant."""
    return may(user, "issue", ISSUE, tenant_id)


def may_grant(user: Any, scopes: Collection[str], tenant_id: UUID | None = None) -> bool:
    """Tell whether a person may issue or renew a key with `scopes`."""
    return not powerful(scopes) or may(user, "grant", GRANT, tenant_id)
