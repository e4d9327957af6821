"""The page on which a receiver's secret can be read: the answer to the POST that made or revealed it."""

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse

from webhooks.models import Endpoint

__all__ = ["shown_once"]


def shown_once(
    request: HttpRequest, template: str, endpoint: Endpoint, secret: str, **context: Any
) -> TemplateResponse:
    """Return the page with what the receiver verifies with: the secret, or of a key pair the public half.

    No session, message, address or log line holds it, so nothing shows it again.
    """
    shown = {"endpoint": endpoint, "public": bool(endpoint.public_key), "plaintext": endpoint.public_key or secret}
    response = TemplateResponse(request, template, {**shown, **context})
    response["Cache-Control"] = "no-store, private"
    response["Pragma"] = "no-cache"
    return response
