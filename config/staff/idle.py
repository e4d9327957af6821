"""Half an hour without a click, and a person must log in again."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apikeys.credentials import SESSION
from tenants.routing import for_people

__all__ = ["Idle"]


class Idle:
    """Middleware: every use of a session, a click or a call of the API, starts its time anew.

    Not SESSION_SAVE_EVERY_REQUEST, which would write a session also for callers with a key, and none was asked for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if used_session(request):
            request.session.modified = True
        return response


def used_session(request: HttpRequest) -> bool:
    """Tell whether a person's session has let the request in."""
    if for_people(request):
        return bool(request.user.is_authenticated)
    return getattr(getattr(request, "credential", None), "kind", None) == SESSION
