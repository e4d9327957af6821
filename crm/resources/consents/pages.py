"""The page behind the link: it asks, and a click on its button, or a mail program's own, withdraws the consent."""

import time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apikeys.addresses import address_of, count
from apikeys.limits import Window
from crm.resources.consents import links, rules
from tenants import ids
from tenants.actor import Actor
from tenants.models import Tenant

__all__ = ["unsubscribe"]

POLICY = "; ".join(
    [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
# Wide, as the mail houses send the clicks of many people from a few addresses.
FROM_ADDRESS = Window("minute", 120)
ACTOR = "unsubscribe link"


# The signed link is the proof; a mail program that withdraws with one click (RFC 8058) has no cookie of ours.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask on GET, as scanners of mail follow every link; withdraw the consent to e-mail on POST, whatever its body."""
    usage = count(request, "unsubscribe", address_of(request), FROM_ADDRESS)
    if usage.refused:
        wait = max(1, usage.reset - int(time.time()))
        return page(request, "often", status=429, headers={"Retry-After": str(wait)})
    link = links.read(token)
    tenant = link and Tenant.objects.filter(pk=link.tenant_id).first()
    if link is None or tenant is None:
        return page(request, "unknown", status=404)
    if request.method != "POST":
        return page(request, "ask", tenant=tenant)
    actor = Actor("system", tenant, None, ACTOR, address_of(request), getattr(request, "request_id", ""))
    rules.unsubscribe(link.client_id, actor=actor, note=f"Link in {ids.encode('cam', link.campaign_id)}")
    return page(request, "done", tenant=tenant)


def page(
    request: HttpRequest,
    state: str,
    *,
    tenant: Tenant | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    """Return the page in one of its states: it names the tenant, never the client, and nobody keeps a copy."""
    context = {"state": state, "name": tenant.name if tenant else ""}
    response = render(request, "marketing/unsubscribe.html", context, status=status)
    own = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    for name, value in {**own, **(headers or {})}.items():
        response[name] = value
    return response
