"""The log of an endpoint, and one delivery with its attempts, which can be sent again."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from apikeys.pages.desk import Desk
from crm.pages.desk import WRITE, endpoint_page, may, page_of, public_id, sides
from tenants import ids
from tenants.admin.paging import BoundedPaginator
from tenants.staff import actor_of
from webhooks.again import SENTENCES
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.replay import Unrepeatable, again
from webhooks.telling import answer, event_id

__all__ = ["again_page", "delivery_page", "log_page"]

ON_A_PAGE = 50


@endpoint_page()
def log_page(request: HttpRequest, desk: Desk, endpoint: Endpoint) -> HttpResponse:
    """List the deliveries to an endpoint, newest first; by status when asked for."""
    rows: Any = Delivery.every_tenant.filter(tenant=endpoint.tenant_id, endpoint_id=endpoint.pk)
    status = request.GET.get("status", "")
    if status in Delivery.Status.values:
        rows = rows.filter(status=status)
    page = BoundedPaginator(rows.order_by("-created_at", "-id"), ON_A_PAGE).get_page(request.GET.get("page"))
    for row in page.object_list:
        known(row)
    shown = {"desk": desk, "endpoint": endpoint, "page": page, "status": status, "statuses": Delivery.Status.values}
    return render(request, "settings/webhooks/log.html", shown)


@page_of()
def delivery_page(request: HttpRequest, desk: Desk, delivery_id: str) -> HttpResponse:
    """Show one delivery with its attempts."""
    delivery = delivery_of(desk, delivery_id)
    rows = Attempt.every_tenant.filter(tenant=delivery.tenant_id, delivery_id=delivery.pk).order_by("id")
    shown = {
        "desk": desk,
        "delivery": delivery,
        "attempts": [(row, answer(row)) for row in rows],
        "may_write": may(desk, WRITE),
    }
    return render(request, "settings/webhooks/delivery.html", shown)


@page_of(WRITE, form=True)
def again_page(request: HttpRequest, desk: Desk, delivery_id: str) -> HttpResponse:
    """Send the event of a delivery again, and lead to the new one. Its button asks; there is nothing to read here."""
    delivery = delivery_of(desk, delivery_id)
    made = delivery
    if request.method == "POST":
        try:
            made = again(delivery, actor=actor_of(request, delivery.tenant))
            messages.success(request, "On its way again. This is the new delivery.")
        except Unrepeatable as error:
            messages.error(request, SENTENCES[type(error)])
    return redirect(reverse("settings-delivery", args=[ids.encode("dlv", made.pk)]) + desk.query)


def delivery_of(desk: Desk, delivery_id: str) -> Any:
    """Return a delivery of the organization; another's is not found, like none."""
    try:
        pk = ids.decode("dlv", delivery_id)
    except ids.InvalidId as error:
        raise Http404 from error
    found: Any = Delivery.every_tenant.select_related("tenant").filter(tenant__in=sides(desk), pk=pk).first()
    if found is None:
        raise Http404
    found.endpoint = Endpoint.every_tenant.filter(tenant=found.tenant_id, pk=found.endpoint_id).first()
    if found.endpoint:
        found.endpoint.public_id = public_id(found.endpoint)
    return known(found)


def known(delivery: Any) -> Any:
    """Let a delivery know its ids and what came back last."""
    delivery.public_id, delivery.webhook_id = ids.encode("dlv", delivery.pk), event_id(delivery)
    delivery.answered = answer(delivery)
    # What goes before all else is due since long ago.
    delivery.next_at = max(delivery.due_at, timezone.now())
    return delivery
