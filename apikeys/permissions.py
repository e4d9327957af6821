"""The one place that decides whether a key may do a thing."""

from collections.abc import Mapping
from typing import Any, Protocol

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apikeys.errors import MissingScope
from apikeys.scopes import allows

__all__ = ["HasScope", "ScopedView"]


class ScopedView(Protocol):
    """A view that says, for each of its actions, which scope it takes."""

    action: str | None
    required_scopes: Mapping[str, str]


class HasScope(BasePermission):
    """DRF permission: the credential must hold the scope that the view declares; no declaration, no entry."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True or raise MissingScope with the scope's stored name."""
        if view.action is None or view.action == "metadata":
            # DRF answers a method without an action with 405; OPTIONS tells any caller what it may do.
            return True
        needed = view.required_scopes[view.action]
        credential: Any = request.auth
        if not allows(credential.scopes, needed):
            raise MissingScope(needed)
        return True
