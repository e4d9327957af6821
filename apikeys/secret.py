"""The one page on which a new key can be read: sent once, kept nowhere."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.response import TemplateResponse

from apikeys.models import ApiKey
from apikeys.scopes import allows, catalogue

__all__ = ["shown_once"]


def shown_once(request: HttpRequest, template: str, key: ApiKey, plaintext: str, **context: Any) -> TemplateResponse:
    """Return the page with the plaintext of `key`, as the answer to the POST that made it.

    No session, message, address or log line holds it, so nothing shows it again.
    """
    shown = {
        "title": "Your new key",
        "key": key,
        "plaintext": plaintext,
        "curl": f'curl -H "Authorization: Bearer {plaintext}" {settings.PUBLIC_URL}{readable_path(key)}',
        **context,
    }
    response = TemplateResponse(request, template, shown)
    response["Cache-Control"] = "no-store, private"
    response["Pragma"] = "no-cache"
    return response


def readable_path(key: ApiKey) -> str:
    """Return the address of a list that the key may read, else of the first one, which then says what is missing."""
    resources = [category.resource for category in catalogue() if not category.note and "read" in category.actions]
    chosen = next((name for name in resources if allows(key.scopes, f"{name}:read")), resources[0])
    return f"/v1/{chosen}"
