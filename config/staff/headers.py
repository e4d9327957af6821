"""Headers of the admin's pages: nothing is loaded from, sent to, or framed by another host."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

__all__ = ["StaffHeaders"]

# Unfold works with scripts and styles inside its pages, and Alpine evaluates expressions in attributes.
POLICY = "; ".join(
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


class StaffHeaders:
    """Middleware: put the policy on every answer under /admin/."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/admin/"):
            response["Content-Security-Policy"] = POLICY
            response.setdefault("Cache-Control", "no-store")
        return response
