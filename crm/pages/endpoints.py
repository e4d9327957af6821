"""Settings, webhooks: the endpoints of an organization, the page of each, and the forms that make and change one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apikeys.pages.desk import Desk
from crm.pages.chart import Drawing, drawing
from crm.pages.desk import DELETE, SECRETS, WRITE, endpoint_page, may, page_of, public_id, sides, to_endpoint
from crm.subscribing import EndpointForm, create, rights_of, update
from tenants.models import Environment
from tenants.staff import actor_of
from webhooks.endpoints import shown_headers
from webhooks.figures import days, hours
from webhooks.health import health, lanes_of
from webhooks.models import Endpoint, Replay
from webhooks.once import shown_once
from webhooks.telling import latest, rate, switched_by

__all__ = ["MemberEndpointForm", "create_page", "edit_page", "list_page", "secret_page", "show_page"]

MOST = 100
JOBS = 3
HOURS = 24


class MemberEndpointForm(EndpointForm):
    """An endpoint of the organization of the desk; a new one is of either side."""

    environment = forms.ChoiceField(
        label="Side",
        choices=[
            (Environment.LIVE, "Live: what happens to the real records"),
            (Environment.TEST, "Test: what happens in the sandbox"),
        ],
        initial=Environment.LIVE,
        widget=forms.RadioSelect,
    )

    def __init__(self, endpoint: Endpoint, data: Any = None) -> None:
        super().__init__(data)
        self.fill(endpoint)
        if "signing" not in self.fields:
            del self.fields["environment"]


@page_of()
def list_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    """List the endpoints of both sides, newest first, with how they do."""
    rows: Any = Endpoint.every_tenant.select_related("tenant").filter(tenant__in=sides(desk))
    found = list(rows.order_by("-created_at", "-id")[:MOST])
    lanes, known = (lanes_of(found), known_days(found)) if found else ({}, {})
    for row in found:
        row.public_id, row.health = public_id(row), health(row, lanes.get(row.pk))
        row.day, row.rate = known.get(row.pk), rate(known[row.pk].rate) if known else "-"
    shown = {"desk": desk, "endpoints": found, "may_write": may(desk, WRITE), "most": len(found) == MOST and MOST}
    return render(request, "settings/webhooks/list.html", shown)


@page_of(WRITE, form=True)
def create_page(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Show the form, or make the endpoint and show its secret, once."""
    endpoint = Endpoint()
    form = MemberEndpointForm(endpoint, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "settings/webhooks/form.html", {"desk": desk, "form": form})
    tenant = next(side for side in sides(desk) if side.environment == form.cleaned_data["environment"])
    secret = create(form, endpoint, actor=actor_of(request, tenant), rights=rights_of(request.user, desk.seat))
    return secret_page(request, desk, endpoint, secret, heading="The new endpoint's secret")


@endpoint_page(WRITE, form=True)
def edit_page(request: HttpRequest, desk: Desk, endpoint: Endpoint) -> HttpResponse:
    """Show the form, or change the endpoint."""
    form = MemberEndpointForm(endpoint, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "settings/webhooks/form.html", {"desk": desk, "form": form, "endpoint": endpoint})
    update(form, endpoint, actor=actor_of(request, endpoint.tenant), rights=rights_of(request.user, desk.seat))
    messages.success(request, "Changed.")
    return to_endpoint(desk, endpoint)


@endpoint_page()
def show_page(request: HttpRequest, desk: Desk, endpoint: Endpoint) -> HttpResponse:
    """Show one endpoint: its facts, its last day, its newest deliveries."""
    found = health(endpoint, lanes_of([endpoint]).get(endpoint.pk))
    day = known_days([endpoint]).get(endpoint.pk)
    jobs = Replay.every_tenant.filter(tenant=endpoint.tenant_id, endpoint=endpoint).order_by("-created_at")[:JOBS]
    shown = {
        "desk": desk,
        "endpoint": endpoint,
        "health": found,
        "switched": "" if endpoint.active else switched_by(endpoint),
        "day": day,
        "rate": rate(day.rate if day else None),
        "drawing": drawn(endpoint),
        "deliveries": latest(endpoint),
        "headers": list(shown_headers(endpoint)),
        "jobs": jobs,
        "may_write": may(desk, WRITE),
        "may_delete": may(desk, DELETE),
        "may_read_secrets": may(desk, SECRETS),
    }
    return render(request, "settings/webhooks/endpoint.html", shown)


def drawn(endpoint: Endpoint) -> Drawing | None:
    try:
        return drawing(hours(endpoint, HOURS))
    except OperationalError:
        return None


def known_days(endpoints: list[Any]) -> Any:
    """Return the last day of each; of none where it is more than can be counted in time."""
    try:
        return days(endpoints)
    except OperationalError:
        return {}


def secret_page(request: HttpRequest, desk: Desk, endpoint: Endpoint, secret: str, **more: Any) -> HttpResponse:
    """Show a secret, this once."""
    shown = {"desk": desk, "endpoint_id": public_id(endpoint), **more}
    return shown_once(request, "settings/webhooks/secret.html", endpoint, secret, **shown)
