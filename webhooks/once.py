"""The page on which a receiver's secret can be read: the answer to the POST that made or revealed it."""

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse

from webhooks.models import Endpoint
from webhooks.signing import public_key

__all__ = ["shown_once"]


def shown_once(
    request: HttpRequest, template: str, endpoint: Endpoint, secret: str, **context: Any
) -> TemplateResponse:
    """Return the page with what the receiver verifies with: the secret, or of a key pair the public half.

    No session, message, address or log line holds it, so nothing shows it again.
    """
    public = endpoint.signing == Endpoint.Signing.ED25519
    plaintext = public_key(secret) if public else secret
    response = TemplateResponse(
        request, template, {"endpoint": endpoint, "public": public, "plaintext": plaintext, **context}
    )
    response["Cache-Control"] = "no-store, private"
    response["Pragma"] = "no-cache"
    return response
