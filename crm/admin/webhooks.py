"""The form of an endpoint in the admin, which hears what the person may read in its tenant."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from crm.admin import choosing
from crm.subscribing import TEXT, EndpointForm, Rights, create, rights_of, update
from tenants import ids
from tenants.admin import show
from tenants.admin.widgets import dress
from tenants.models import Member, Tenant
from tenants.staff import actor_of
from webhooks import endpoints
from webhooks.admin.acting import secret_page
from webhooks.admin.endpoints import EndpointAdmin
from webhooks.models import Endpoint

__all__ = ["WebhookPage"]


class StaffEndpointForm(forms.ModelForm, EndpointForm):  # type: ignore[type-arg]
    """The same, in unfold's clothes."""

    class Meta:
        model = Endpoint
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fill(self.instance)
        dress(self.fields["url"], UnfoldAdminTextInputWidget(attrs=TEXT))
        dress(self.fields["description"], UnfoldAdminTextInputWidget())
        dress(self.fields["ordered"], UnfoldBooleanSwitchWidget())
        dress(self.fields["headers"], UnfoldAdminTextareaWidget(attrs={**TEXT, "rows": 3}))
        if "signing" in self.fields:
            dress(self.fields["signing"], UnfoldAdminRadioSelectWidget())

    def _post_clean(self) -> None:
        """Leave out Django's own checks: they ask the table, which nobody may outside a tenant's scope."""


FIELDS = ("url", "description", "events", "ordered", "headers")
FACTS = ("public_id", "tenant", "side", "signed", "says", "hears", "made_by", "made_at")
SHOWN = ("url", "description", "asked_for", "in_order", "header_names")


@admin.register(Endpoint)
class WebhookPage(EndpointAdmin):
    """Endpoints, with the form that makes and changes them."""

    form = StaffEndpointForm

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form; for those who may only look, an empty one."""
        if obj is not None and not self.has_change_permission(request, obj):
            return super().get_form(request, obj, change, **{**kwargs, "form": forms.ModelForm, "fields": ()})
        return StaffEndpointForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return what can be changed, then what cannot."""
        if obj is None:
            return [(None, {"fields": ("url", "description", "events", "ordered", "signing", "headers")})]
        if not self.has_change_permission(request, obj):
            return [(None, {"fields": SHOWN}), ("Facts", {"fields": FACTS})]
        return [(None, {"fields": FIELDS}), ("Facts", {"fields": FACTS})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return what nobody types."""
        if obj is None:
            return ()
        if self.has_change_permission(request, obj):
            return FACTS
        return (*SHOWN, *FACTS)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for the tenant and its side first."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        tenant = choosing.chosen(request, self)
        if tenant is None:
            return choosing.page(request, self)
        more = {**(extra_context or {}), "subtitle": f"for {tenant}"}
        return super().add_view(request, form_url, more)  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make or change the endpoint."""
        tenant = obj.tenant if change else choosing.chosen(request, self)
        if tenant is None:
            raise PermissionDenied
        actor, rights = actor_of(request, tenant), rights_in(request, tenant)
        if change:
            update(form, obj, actor=actor, rights=rights)
            return
        # For the answer to this request alone.
        vars(request)["made_secret"] = create(form, obj, actor=actor, rights=rights)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """Show the secret, this once."""
        return secret_page(request, obj, vars(request)["made_secret"], title="The new endpoint's secret")

    # Facts.

    @admin.display(description="Id")
    def public_id(self, endpoint: Endpoint) -> str:
        """Return the id that programs use."""
        return show.code(ids.encode(endpoints.PREFIX, endpoint.pk))

    @admin.display(description="Signed with")
    def signed(self, endpoint: Endpoint) -> str:
        """Return how it is signed, and what verifies it where that is no secret."""
        return show.two_lines(f"{endpoint.signing}: {endpoint.get_signing_display()}", endpoint.public_key or "")

    @admin.display(description="Says events")
    def says(self, endpoint: Endpoint) -> str:
        """Return in whose words."""
        return f"in the words of the contract {endpoint.contract}"

    @admin.display(description="May hear")
    def hears(self, endpoint: Endpoint) -> str:
        """Return the scopes that it was made with."""
        return show.badges(endpoint.scopes, most=12)

    @admin.display(description="Made by")
    def made_by(self, endpoint: Endpoint) -> str:
        """Return whose rights it has."""
        return endpoint.maker_label or "Kith"

    @admin.display(description="Made")
    def made_at(self, endpoint: Endpoint) -> str:
        """Return when it was made."""
        return show.moment(endpoint.created_at)

    @admin.display(description="Events")
    def asked_for(self, endpoint: Endpoint) -> str:
        """Return what it asks for."""
        return show.badges(endpoint.events, most=100)

    @admin.display(description="In order")
    def in_order(self, endpoint: Endpoint) -> str:
        """Tell whether events of one record wait for one another."""
        return show.text(endpoint.ordered)

    @admin.display(description="Headers")
    def header_names(self, endpoint: Endpoint) -> str:
        """Return the names of the headers; nobody sees their values."""
        return show.text(", ".join(endpoints.shown_headers(endpoint)) or None)


def rights_in(request: HttpRequest, tenant: Tenant) -> Rights:
    """Return what the person may read in a tenant: a seat holds for both sides."""
    user: Any = request.user
    seats = Member.every_tenant.filter(tenant=tenant.live_id or tenant.pk, user=user.pk, active=True)
    return rights_of(user, seats.first())
