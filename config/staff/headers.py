"""Headers of the pages for people: nothing is loaded from, sent to, or framed by another host."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tenants.routing import PEOPLE, for_people

__all__ = ["StaffHeaders"]

# Unfold works with scripts and styles inside its pages, and Alpine evaluates expressions in attributes.
ADMIN = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


# Our own pages do without either.
MEMBERS = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
POLICIES = {**dict.fromkeys(PEOPLE, MEMBERS), "/admin/": ADMIN}


class StaffHeaders:
    """Middleware: put its policy on every answer of a page for people."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if for_people(request):
            response["Content-Security-Policy"] = POLICIES[f"/{request.path_info.split('/')[1]}/"]
            response.setdefault("Cache-Control", "no-store")
        return response
