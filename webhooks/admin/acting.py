"""The pages that act on an endpoint: each asks once, then acts as the person, and the audit log has it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget

from tenants.admin.widgets import dress
from tenants.staff import actor_of
from webhooks import endpoints
from webhooks.again import SENTENCES
from webhooks.forms import OnForm, RotateForm
from webhooks.models import Endpoint
from webhooks.once import shown_once
from webhooks.replay import Silent

__all__ = ["ask", "reveal_page", "rotate_page", "secret_page", "switch_page", "test_page", "wanted"]

PAGE, ASK = "admin:webhooks_endpoint_change", "admin/kith/webhook_ask.html"
SENT = "The test is on its way. Its attempt shows here as soon as it was made: load the page again."


def wanted(page: Any, request: HttpRequest, object_id: str, verb: str = "change") -> Any:
    """Return the row that an address names, if the person may do this with it."""
    found = page.get_object(request, object_id)
    if found is None:
        raise Http404
    if not getattr(page, f"has_{verb}_permission")(request, found):
        raise PermissionDenied
    return found


def ask(request: HttpRequest, endpoint: Endpoint, title: str, *, template: str = ASK, **more: Any) -> TemplateResponse:
    """Return a page that asks before it acts."""
    context = {**admin.site.each_context(request), "title": title, "endpoint": endpoint, **more}
    return TemplateResponse(request, template, context)


def test_page(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Ask, then send a test, and lead to its delivery."""
    if request.method != "POST":
        said = ("A delivery of the type ping, signed and logged like every other. It tells of no record.",)
        return ask(request, endpoint, "Send a test", said=said, verb="Send the test")
    if not endpoint.active:
        messages.error(request, SENTENCES[Silent])
        return redirect(PAGE, endpoint.pk)
    delivery = endpoints.ping(endpoint, actor=actor_of(request, endpoint.tenant))
    messages.success(request, SENT)
    return redirect("admin:webhooks_delivery_change", delivery.pk)


def switch_page(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Ask, then switch the endpoint off, or on again."""
    actor = actor_of(request, endpoint.tenant)
    if endpoint.active:
        if request.method != "POST":
            said = ("Nothing is sent to it until it is on again. New events wait, and so does what waits now.",)
            return ask(request, endpoint, "Switch off", said=said, verb="Switch off", danger=True)
        endpoints.disable(endpoint, actor=actor)
        messages.success(request, "Switched off: its events wait.")
        return redirect(PAGE, endpoint.pk)
    form = OnForm(request.POST or None)
    dress(form.fields["waiting"], UnfoldAdminSelectWidget())
    if request.method != "POST" or not form.is_valid():
        said = ("Its failures are forgotten, and sending begins anew.",)
        return ask(request, endpoint, "Switch on", said=said, form=form, verb="Switch on")
    endpoints.enable(endpoint, actor=actor, skip=form.skip)
    messages.success(request, "Switched on.")
    return redirect(PAGE, endpoint.pk)


def rotate_page(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Ask how long the old secret signs along, then make its successor and show that, once."""
    form = RotateForm(request.POST or None)
    dress(form.fields["grace"], UnfoldAdminSelectWidget())
    if request.method != "POST" or not form.is_valid():
        said = ("A new secret signs from now on. It is shown once, on the next page.",)
        return ask(request, endpoint, "Rotate the secret", said=said, form=form, verb="Rotate, and show the new secret")
    secret = endpoints.rotate(endpoint, actor=actor_of(request, endpoint.tenant), grace=form.duration)
    return secret_page(request, endpoint, secret, title="The new secret", grace=form.said)


def reveal_page(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    """Ask, then show the secret, and the audit log has who saw it; a public key is shown to whoever comes."""
    if endpoint.public_key:
        return secret_page(request, endpoint, "", title="The public key")
    if request.method != "POST":
        said = (
            "Whoever has the secret can sign in Kith's name towards this receiver.",
            "That you have read it will stand in the audit log. If it may have leaked, rotate it instead.",
        )
        return ask(request, endpoint, "Reveal the secret", said=said, verb="Reveal it", danger=True)
    secret = endpoints.reveal(endpoint, actor=actor_of(request, endpoint.tenant))
    return secret_page(request, endpoint, secret, title="The secret")


def secret_page(request: HttpRequest, endpoint: Endpoint, secret: str, **more: Any) -> HttpResponse:
    """Show a secret, this once."""
    context = {**admin.site.each_context(request), **more}
    return shown_once(request, "admin/kith/webhook_secret.html", endpoint, secret, **context)
