"""Half an hour without a click, and a person must log in again."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

__all__ = ["Idle"]


class Idle:
    """Middleware: every click in the admin starts the session's time anew.

    Not SESSION_SAVE_EVERY_REQUEST, which would make the API write sessions, to which its role has no right.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/admin/") and request.user.is_authenticated:
            request.session.modified = True
        return response
