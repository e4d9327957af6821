"""The first page after the log-in: who one is here, and what there is to set."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apikeys.pages.desk import Desk, member_page

__all__ = ["home"]


@require_safe
@member_page
def home(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the menu."""
    return render(request, "settings/home.html", {"desk": desk})
