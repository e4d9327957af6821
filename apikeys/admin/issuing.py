"""The page that issues a key: a form, and as its answer the key, once."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from apikeys.admin.forms import StaffIssueForm
from apikeys.admin.granting import may_issue
from apikeys.forms import USED
from apikeys.models import ApiKey
from apikeys.secret import shown_once
from tenants.staff import bounded

__all__ = ["issue_page"]


def issue_page(request: HttpRequest) -> HttpResponse:
    """Show the form, or make the key and show that."""
    if not may_issue(request.user):
        raise PermissionDenied
    form = StaffIssueForm(request.user, request.POST or None, initial={"tenant": request.GET.get("tenant")})
    if request.method == "POST" and form.is_valid():
        return made(request, form)
    context = {
        **admin.site.each_context(request),
        "title": "Issue an API key",
        "form": form,
        "media": form.media,
    }
    return TemplateResponse(request, "admin/kith/issue.html", context)


def made(request: HttpRequest, form: StaffIssueForm) -> HttpResponse:
    """Make the key and show it; where the form was sent before, lead to the key it made."""
    if issued := form.issue(request):
        return shown_once(request, "admin/kith/secret.html", *issued, **admin.site.each_context(request))
    messages.warning(request, USED)
    key_id = form.cleaned_data["ticket"]
    known = bounded(ApiKey.objects.filter(pk=key_id), request.user).exists()
    return redirect("admin:apikeys_apikey_change", key_id) if known else redirect("admin:apikeys_apikey_changelist")
