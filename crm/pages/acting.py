"""What a member does to an endpoint: each page asks once, then acts as the member, and the audit log has it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apikeys.pages.desk import Desk
from crm.contracts.v1 import V1
from crm.errors import Refusal
from crm.pages.desk import DELETE, SECRETS, WRITE, endpoint_page, to_endpoint
from crm.pages.endpoints import secret_page
from crm.resources.webhooks.rules import test
from tenants import ids
from tenants.staff import actor_of
from webhooks import endpoints
from webhooks.again import SENTENCES, preview
from webhooks.forms import OnForm, RotateForm, WindowForm
from webhooks.models import Endpoint
from webhooks.replay import Silent, Unrepeatable, start

__all__ = ["delete_page", "replay_page", "reveal_page", "rotate_page", "switch_page", "test_page"]


def ask(request: HttpRequest, desk: Desk, endpoint: Endpoint, title: str, **more: Any) -> HttpResponse:
    """Return a page that asks before it acts."""
    return render(request, "settings/webhooks/ask.html", {"desk": desk, "endpoint": endpoint, "title": title, **more})


@endpoint_page(WRITE, form=True)
def test_page(request: HttpRequest, desk: Desk, endpoint: Endpoint) -> HttpResponse:
    """Ask, then send a test, and lead to its delivery."""
    if request.method != "POST":
        said = ("A delivery of the type ping, signed and logged like every other. It tells of no record.",)
        return ask(request, desk, endpoint, "Send a test", said=said, verb="Send the test")
    if not endpoint.active:
        messages.error(request, SENTENCES[Silent])
        return to_endpoint(desk, endpoint)
    try:
        delivery = test(endpoint, actor=actor_of(request, endpoint.tenant))
    except Refusal as error:
        messages.error(request, V1.say(error.problem.message))
        return to_endpoint(desk, endpoint)
    messages.success(request, "The test is on its way. Load the page again to see what came of it.")
    return redirect(reverse("settings-delivery", args=[ids.encode("dlv", delivery.pk)]) + desk.query)


@endpoint_page(WRITE, form=True)
def switch_page(request: HttpRequest, desk: Desk, endpoint: Endpoint) -> HttpResponse:
    """Ask, then switch the endpoint off, or on again."""
    actor, form = actor_of(request, endpoint.tenant), OnForm(request.POST or None)
    if endpoint.active:
        if request.method != "POST":
            said = ("Nothing is sent to it until it is on again. New events wait, and so does what waits now.",)
            return ask(request, desk, endpoint, "Switch off", said=said, verb="Switch off", danger=True)
        endpoints.disable(endpoint, actor=actor)
        messages.success(request, "Switched off: its events wait.")
        return to_endpoint(desk, endpoint)
    if request.method != "POST" or not form.is_valid():
        said = ("Its failures are forgotten, and sending begins anew.",)
        return ask(request, desk, endpoint, "Switch on", said=said, form=form, verb="Switch on")
    endpoints.enable(endpoint, actor=actor, skip=form.skip)
    messages.success(request, "Switched on.")
    return to_endpoint(desk, endpoint)


@endpoint_page(SECRETS, form=True)
def rotate_page(request: HttpRequest, desk: Desk, endpoint: Endpoint) -> HttpResponse:
    """Ask how long the old secret signs along, then make its successor and show that, once."""
    form = RotateForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        said = ("A new secret signs from now on. It is shown once, on the next page.",)
        verb = "Rotate, and show the new secret"
        return ask(request, desk, endpoint, "Rotate the secret", said=said, form=form, verb=verb)
    secret = endpoints.rotate(endpoint, actor=actor_of(request, endpoint.tenant), grace=form.duration)
    return secret_page(request, desk, endpoint, secret, heading="The new secret", grace=form.said)


@endpoint_page(SECRETS, form=True)
def reveal_page(request: HttpRequest, desk: Desk, endpoint: Endpoint) -> HttpResponse:
    """Ask, then show the secret; the audit log has who saw it. A public key stands on the endpoint's page."""
    if endpoint.public_key:
        return to_endpoint(desk, endpoint)
    if request.method != "POST":
        said = (
            "Whoever has the secret can sign in Kith's name towards this receiver.",
            "That you have read it will stand in the audit log. If it may have leaked, rotate it instead.",
        )
        return ask(request, desk, endpoint, "Reveal the secret", said=said, verb="Reveal it", danger=True)
    secret = endpoints.reveal(endpoint, actor=actor_of(request, endpoint.tenant))
    return secret_page(request, desk, endpoint, secret, heading="The secret")


@endpoint_page(DELETE, form=True)
def delete_page(request: HttpRequest, desk: Desk, endpoint: Endpoint) -> HttpResponse:
    """Ask, then delete the endpoint."""
    if request.method != "POST":
        said = ("Nothing more is sent to it, and what waits is skipped. To keep it, switch it off instead.",)
        return ask(request, desk, endpoint, "Delete the endpoint", said=said, verb="Delete", danger=True)
    endpoints.delete(endpoint, actor=actor_of(request, endpoint.tenant))
    messages.success(request, "Deleted.")
    return desk.redirect("settings-webhooks")


@endpoint_page(WRITE, form=True)
def replay_page(request: HttpRequest, desk: Desk, endpoint: Endpoint) -> HttpResponse:
    """Ask for the window, show what it holds, and start the job."""
    form = WindowForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        said = ("Choose a window: the next page says how many events it holds, and of which types.",)
        return ask(request, desk, endpoint, "Replay a window", said=said, form=form, verb="Show what it would send")
    try:
        found = preview(endpoint, **form.window)
        if "sure" not in request.POST:
            shown = {"desk": desk, "endpoint": endpoint, "form": form, "choice": found, "window": form.window}
            return render(request, "settings/webhooks/replay.html", shown)
        job = start(endpoint, actor=actor_of(request, endpoint.tenant), **form.window)
    except Unrepeatable as error:
        messages.error(request, SENTENCES[type(error)])
        return to_endpoint(desk, endpoint)
    messages.success(request, f"{job.total:,} events are sent again, slower than live traffic.")
    return to_endpoint(desk, endpoint)
