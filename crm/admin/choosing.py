"""In which tenant a new record shall be made: asked before the form, whose choices depend on it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tenants.admin.widgets import let_search
from tenants.models import Tenant
from tenants.staff import bounded

__all__ = ["FEW", "SideForm", "chosen", "page"]

# More tenants than this are searched by typing.
FEW = 12


class SideForm(forms.Form):
    """Which side, found by typing."""

    tenant = forms.ModelChoiceField(Tenant.objects.none())

    def __init__(self, sides: QuerySet[Tenant], model: Any) -> None:
        super().__init__()
        let_search(self.fields["tenant"], sides, model._meta.get_field("tenant"))


def possible(request: HttpRequest, page: Any) -> list[Tenant] | None:
    """Return the sides in which the person may add to a page, None where there are too many to list."""
    sides = list(bounded(Tenant.objects.select_related("live"), request.user, "pk")[: FEW + 1])
    if len(sides) > FEW:
        return None
    return [side for side in sides if may_add(request, page, side)]


def may_add(request: HttpRequest, page: Any, side: Tenant) -> bool:
    return bool(page.allows(request, "add", page.model(tenant=side)))


def chosen(request: HttpRequest, page: Any) -> Tenant | None:
    """Return the side that the address names, if the person may add there."""
    try:
        key = UUID(request.GET.get("tenant", ""))
    except ValueError:
        return None
    side = bounded(Tenant.objects.all(), request.user, "pk").filter(pk=key).first()
    return side if side and may_add(request, page, side) else None


def page(request: HttpRequest, page: Any) -> HttpResponse:
    """Ask for the side."""
    noun = page.opts.verbose_name
    context = {
        **admin.site.each_context(request),
        "title": f"Add {noun}",
        "noun": noun,
        "sides": possible(request, page),
        "form": SideForm(bounded(Tenant.objects.all(), request.user, "pk"), page.model),
    }
    return TemplateResponse(request, "admin/kith/choose.html", context)
