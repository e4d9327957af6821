"""The short way in for programs: a call of the API with a key needs nothing of what browsers need."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

__all__ = ["Programs"]

Handler = Callable[[HttpRequest], HttpResponse]
CREDENTIALS = ("HTTP_AUTHORIZATION", "HTTP_X_API_KEY")


class Programs:
    """Middleware: send what shows a key and no session past all middleware behind this one, straight to its view.

    Sessions, forms, messages and static files are for people; they cost a call about as much as its own work.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.view = innermost(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_program(request.META):
            return self.get_response(request)
        # Raises for a host that is not ours, as Django does for everybody else.
        request.get_host()
        response = self.view(request)
        if not response.streaming and "Content-Length" not in response:
            response["Content-Length"] = str(len(response.content))
        return response


def is_program(meta: dict[str, Any]) -> bool:
    """Tell whether a request shows a key, for the API, and no session."""
    return (
        any(name in meta for name in CREDENTIALS)
        and f"{settings.SESSION_COOKIE_NAME}=" not in meta.get("HTTP_COOKIE", "")
        and meta["PATH_INFO"].startswith(settings.API_PATHS)
    )


def innermost(handler: Any) -> Handler:
    """Return what Django has put the middleware round, with its wrapper that turns exceptions into answers."""
    while hasattr(handler.__wrapped__, "get_response"):
        handler = handler.__wrapped__.get_response
    return handler  # type: ignore[no-any-return]
