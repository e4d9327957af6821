"""The pages that rotate and revoke keys: each asks once before it acts."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from apikeys.admin.forms import StaffRotateForm
from apikeys.admin.granting import may_grant, may_issue
from apikeys.issuing import renew, revoke
from apikeys.models import ApiKey
from apikeys.secret import shown_once
from tenants.routing import alias
from tenants.staff import actor_of

__all__ = ["revoke_page", "rotate_page"]


def rotate_page(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Ask how long the old key lives on, then make its successor and show that once."""
    if not may_issue(request.user, key.tenant_id) or not may_grant(request.user, key.scopes, key.tenant_id):
        # Its successor's text would come to somebody who may not have a key like it.
        raise PermissionDenied
    form = StaffRotateForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return confirmation(request, "admin/kith/rotate.html", f"Rotate {key.name}", key=key, form=form)
    user: Any = request.user
    try:
        old, successor, plaintext = renew(key, actor=actor_of(request, key.tenant), grace=form.duration, user=user)
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("admin:apikeys_apikey_change", key.pk)
    shown = {"old": old, **admin.site.each_context(request)}
    return shown_once(request, "admin/kith/secret.html", successor, plaintext, **shown)


def revoke_page(request: HttpRequest, keys: Sequence[ApiKey], *, action: str = "") -> HttpResponse | None:
    """Ask, then revoke and return None; `action` is the list's action that chose the keys."""
    allowed = [key for key in keys if may_issue(request.user, key.tenant_id)]
    if len(allowed) != len(keys):
        raise PermissionDenied
    if "sure" not in request.POST:
        title = f"Revoke {keys[0].name}" if len(keys) == 1 else f"Revoke {len(keys)} keys"
        return confirmation(request, "admin/kith/revoke.html", title, keys=keys, action=action)
    with transaction.atomic(using=alias()):
        for key in keys:
            revoke(key, actor=actor_of(request, key.tenant))
    messages.success(
        request, "Revoked: the next request with it is refused." if len(keys) == 1 else f"{len(keys)} keys revoked."
    )
    return None


def confirmation(request: HttpRequest, template: str, title: str, **more: Any) -> TemplateResponse:
    """Return a page that asks before it acts."""
    context = {**admin.site.each_context(request), "title": title, **more}
    return TemplateResponse(request, template, context)
