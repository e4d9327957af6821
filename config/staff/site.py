"""The admin's site: unfold's, with a limited and recorded log-in, and a search that can do without Redis."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from redis import RedisError
from unfold.sites import UnfoldAdminSite

from apikeys.logins import attempted

__all__ = ["StaffSite"]

NO_SEARCH = "The search is away for a moment. The menu still works."


class StaffSite(UnfoldAdminSite):
    """Where every page of the admin is registered."""

    enable_nav_sidebar = True

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Let people in, at most so often; every attempt is written down."""
        response: HttpResponse = super().login(request, extra_context)
        if request.method == "POST":
            attempted(request, response)
        return response

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Search the menu; unfold keeps results in the cache, and the cache may be away."""
        try:
            return super().search(request, extra_context)  # type: ignore[no-any-return]
        except (RedisError, OSError):
            return HttpResponse(NO_SEARCH)
