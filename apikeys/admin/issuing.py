"""The page that issues a key: a form, and as its answer the key, once."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from apikeys.admin.forms import IssueForm
from apikeys.admin.granting import may_issue
from apikeys.admin.secret import secret_page
from apikeys.issuing import issue
from apikeys.models import ApiKey
from tenants.staff import actor_of, bounded

__all__ = ["issue_page"]

USED = (
    "This form has made its key already, and the key was shown then. It cannot be shown again: revoke it if it is lost."
)


def issue_page(request: HttpRequest) -> HttpResponse:
    """Show the form, or make the key and show that."""
    if not may_issue(request.user):
        raise PermissionDenied
    form = IssueForm(request.user, request.POST or None, initial={"tenant": request.GET.get("tenant")})
    if request.method == "POST" and form.is_valid():
        return made(request, form)
    context = {
        **admin.site.each_context(request),
        "title": "Issue an API key",
        "form": form,
        "media": form.media,
    }
    return TemplateResponse(request, "admin/kith/issue.html", context)


def made(request: HttpRequest, form: IssueForm) -> HttpResponse:
    """Make the key and show it; where the form was sent before, lead to the key it made."""
    user: Any = request.user
    data, key_id = form.cleaned_data, form.cleaned_data["ticket"]
    if not ApiKey.objects.filter(pk=key_id).exists():
        try:
            key, plaintext = issue(
                tenant=form.side,
                name=data["name"],
                scopes=data["scopes"],
                actor=actor_of(request, form.side),
                user=user,
                expires_at=form.expires_at,
                **form.own,
            )
        except IntegrityError:
            # The same form, sent twice at the same moment.
            pass
        else:
            return secret_page(request, key, plaintext)
    messages.warning(request, USED)
    known = bounded(ApiKey.objects.filter(pk=key_id), user).exists()
    return redirect("admin:apikeys_apikey_change", key_id) if known else redirect("admin:apikeys_apikey_changelist")
