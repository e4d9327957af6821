"""What every page of webhooks starts with: the member's desk, what the role allows, and whose endpoint it is."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apikeys.pages.desk import Desk, member_page
from apikeys.roles import MANAGE_WEBHOOKS
from apikeys.scopes import allows
from tenants import ids
from tenants.models import Tenant
from webhooks.endpoints import PREFIX
from webhooks.models import Endpoint

__all__ = ["DELETE", "READ", "SECRETS", "WRITE", "endpoint_page", "may", "page_of", "public_id", "sides", "to_endpoint"]

READ, WRITE, DELETE, SECRETS = "webhooks:read", "webhooks:write", "webhooks:delete", MANAGE_WEBHOOKS
Page = Callable[..., HttpResponse]


def may(desk: Desk, scope: str) -> bool:
    """Tell whether the member's role holds a scope."""
    return allows(desk.held, scope)


def sides(desk: Desk) -> list[Tenant]:
    """Return both sides of the organization, the live one first."""
    return [desk.tenant, desk.tenant.sandbox]


def public_id(endpoint: Endpoint) -> str:
    """Return the id that addresses have."""
    return ids.encode(PREFIX, endpoint.pk)


def page_of(scope: str = READ, *, form: bool = False) -> Callable[[Page], Page]:
    """Let a view be a page for members whose role holds a scope; others are told whom to ask."""

    def wrap(view: Page) -> Page:
        @(require_http_methods(["GET", "HEAD", "POST"]) if form else require_safe)
        @member_page
        @wraps(view)
        def page(request: HttpRequest, desk: Desk, **kwargs: Any) -> HttpResponse:
            if not may(desk, scope):
                return render(request, "settings/webhooks/refused.html", {"desk": desk}, status=403)
            return view(request, desk, **kwargs)

        return page

    return wrap


def endpoint_page(scope: str = READ, *, form: bool = False) -> Callable[[Page], Page]:
    """Do the same for pages of one endpoint, which the view gets; another organization's is not found, like none."""

    def wrap(view: Page) -> Page:
        @page_of(scope, form=form)
        @wraps(view)
        def page(request: HttpRequest, desk: Desk, endpoint_id: str) -> HttpResponse:
            return view(request, desk, endpoint_of(desk, endpoint_id))

        return page

    return wrap


def endpoint_of(desk: Desk, endpoint_id: str) -> Endpoint:
    try:
        pk = ids.decode(PREFIX, endpoint_id)
    except ids.InvalidId as error:
        raise Http404 from error
    rows = Endpoint.every_tenant.select_related("tenant").filter(tenant__in=sides(desk))
    endpoint: Any = rows.filter(pk=pk).first()
    if endpoint is None:
        raise Http404
    endpoint.public_id = public_id(endpoint)
    return endpoint  # type: ignore[no-any-return]


def to_endpoint(desk: Desk, endpoint: Endpoint) -> HttpResponse:
    """Lead to the endpoint's page."""
    return redirect(reverse("settings-webhook", args=[public_id(endpoint)]) + desk.query)
