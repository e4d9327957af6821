"""Tenants: made with their sandbox, changed on both sides at once, never deleted."""

from typing import Any

import phonenumbers
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from iso4217 import Currency
from unfold.widgets import UnfoldAdminSelectWidget

from tenants.admin import show
from tenants.admin.base import StaffAdmin
from tenants.membership import give_seat
from tenants.models import Environment, Member, Tenant
from tenants.provisioning import ProvisioningError, check_slug, provision, reshape
from tenants.staff import actor_of

__all__ = ["TenantAdmin"]

COUNTRIES = [(code, code) for code in sorted(phonenumbers.SUPPORTED_REGIONS)]
CURRENCIES = sorted((currency.code, f"{currency.code} · {currency.currency_name}") for currency in Currency)


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    """What can be said of a tenant; the slug only once."""

    country = forms.ChoiceField(
        choices=COUNTRIES,
        initial="US",
        widget=UnfoldAdminSelectWidget,
        help_text="How phone numbers without a country code are read.",
    )
    currency = forms.ChoiceField(
        choices=CURRENCIES,
        initial="USD",
        widget=UnfoldAdminSelectWidget,
        help_text="What new records take unless told.",
    )

    class Meta:
        model = Tenant
        fields = ("slug", "name", "plan", "country", "currency")

    def clean_slug(self) -> str:
        """Refuse what provisioning would refuse, while the form is still open."""
        slug: str = self.cleaned_data["slug"]
        try:
            check_slug(slug)
        except ProvisioningError as error:
            raise ValidationError(str(error)) from error
        return slug


@admin.register(Tenant)
class TenantAdmin(StaffAdmin):
    """Both sides of each tenant; the sandbox follows its live side."""

    form = TenantForm
    tenant_path = "pk"
    narrowed_by = "environment"
    resource = "tenant"
    # No role makes or changes tenants: that is for superusers and for those with Django's permission.
    verbs = {"view": "view", "add": "provision", "change": "provision"}
    empty_title = "No tenant yet"
    empty_text = "A tenant is a customer of this installation: its records, keys and people. Make the first one."
    list_display = ("name", "slug", "side", "plan", "currency", "created")
    list_filter = ("environment", "plan")
    search_fields = ("slug__istartswith", "name__icontains")
    ordering = ("slug", "environment")
    readonly_fields = ("public_id", "side", "other_side", "people", "created")
    fieldsets = (
        (None, {"fields": ("name", "slug", "plan", "country", "currency")}),
        ("Sides", {"fields": ("public_id", "side", "other_side", "created")}),
        ("People", {"fields": ("people",)}),
    )
    add_fieldsets = ((None, {"fields": ("slug", "name", "plan", "country", "currency")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        """Return the tenants with what the list shows of them."""
        return super().get_queryset(request).select_related("plan", "live", "sandbox")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep the slug."""
        return ("slug", *self.readonly_fields) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may change this side: the sandbox only follows."""
        follows = isinstance(obj, Tenant) and obj.environment == Environment.TEST
        return not follows and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        """Make a tenant with its sandbox, or change both sides."""
        values = {
            name: form.cleaned_data[name]
            for name in ("name", "plan", "country", "currency")
            if name in form.cleaned_data
        }
        if change:
            reshape(actor=actor_of(request, Tenant.objects.get(pk=obj.pk)), **values)
            return
        live = provision(slug=form.cleaned_data["slug"], **{**values, "plan": values["plan"].pk})
        obj.pk = live.pk
        user: Any = request.user
        if not user.is_superuser:
            # Else they could not see what they have just made.
            give_seat(user=user, role=Member.Role.OWNER, actor=actor_of(request, live))

    @admin.display(description="Side", ordering="environment")
    def side(self, tenant: Tenant) -> str:
        """Return live or test."""
        return show.badge(tenant.environment)

    @admin.display(description="Other side")
    def other_side(self, tenant: Tenant) -> str:
        """Return a link to the other side."""
        other = tenant.live or tenant.sandbox
        return show.link(reverse("admin:tenants_tenant_change", args=[other.pk]), f"{other} · {other.environment}")

    @admin.display(description="Made", ordering="created_at")
    def created(self, tenant: Tenant) -> str:
        """Return when it was made."""
        return show.moment(tenant.created_at)

    @admin.display(description="Members")
    def people(self, tenant: Tenant) -> str:
        """Return the tenant's members and the way to a new one."""
        live = tenant.live or tenant
        members = Member.every_tenant.filter(tenant=live).order_by("name")
        return render_to_string("admin/kith/people.html", {"members": members, "tenant": live})
