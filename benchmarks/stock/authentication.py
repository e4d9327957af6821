"""Who calls: the hash of the key, looked up by the ORM."""

from hashlib import sha256
from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from benchmarks.stock.models import ApiKey

__all__ = ["HasKey", "KeyAuthentication"]


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        parts = get_authorization_header(request).split()
        if len(parts) != 2 or parts[0].lower() != b"bearer":
            return None
        try:
            key = ApiKey.objects.select_related("tenant").get(digest=sha256(parts[1]).hexdigest(), revoked=False)
        except ApiKey.DoesNotExist as error:
            raise AuthenticationFailed("Invalid API key.") from error
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasKey(BasePermission):
    """Whoever has a key may do everything in its tenant."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is not None
