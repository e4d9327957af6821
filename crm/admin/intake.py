"""What a tenant decides about its web forms: which sites may send, and the field that only robots fill in."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from crm.intake.models import IntakeSettings
from crm.intake.site import decide, origin_of
from crm.intake.view import OWN_FIELDS
from crm.resources.leads.form import LeadFormSerializer
from tenants.admin import show
from tenants.admin.base import StaffAdmin
from tenants.admin.widgets import let_search
from tenants.models import Environment, Tenant
from tenants.staff import actor_of, bounded, may

__all__ = ["IntakeSettingsAdmin"]

ADD = "crm.add_intakesettings"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}", re.ASCII)
MOST = 50


class IntakeForm(forms.ModelForm):  # type: ignore[type-arg]
    """Origins, one a line, and the name of the trap."""

    request: HttpRequest

    tenant = forms.ModelChoiceField(Tenant.objects.none(), help_text="Both its sides go by these settings.")
    allowed_origins = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One a line, like https://www.example.com. Forms on pages of other sites are refused.",
    )
    honeypot_field = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The name of a form field that people do not see; a lead that fills it in is marked as spam.",
    )

    class Meta:
        model = IntakeSettings
        fields = ("allowed_origins", "honeypot_field")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["allowed_origins"] = "\n".join(self.instance.allowed_origins)
        if "tenant" in self.fields:
            live = bounded(Tenant.objects.filter(environment=Environment.LIVE), self.request.user, "pk")
            column = IntakeSettings._meta.get_field("tenant")
            let_search(self.fields["tenant"], live, column, {"environment": Environment.LIVE})

    def clean_tenant(self) -> Tenant:
        """Refuse a tenant in which the person may not decide, or that has decided already."""
        tenant: Tenant = self.cleaned_data["tenant"]
        if not may(self.request.user, "configure", ADD, tenant.pk):
            raise ValidationError("Only owners and admins decide this here.")
        if IntakeSettings.every_tenant.filter(tenant=tenant).exists():
            raise ValidationError(f"{tenant} has intake settings already: change those.")
        return tenant

    def clean_allowed_origins(self) -> list[str]:
        """Return the origins as browsers send them, each once."""
        lines = self.cleaned_data["allowed_origins"].split()
        if wrong := [line for line in lines if not origin_of(line)]:
            raise ValidationError(f"{wrong[0][:100]} is no origin: write it like https://www.example.com.")
        found = list(dict.fromkeys(map(origin_of, lines)))
        if len(found) > MOST or any(len(origin) > 300 for origin in found):
            raise ValidationError(f"At most {MOST} origins of at most 300 characters.")
        return found

    def clean_honeypot_field(self) -> str | None:
        """Refuse a name that a lead's own field has."""
        name: str = self.cleaned_data["honeypot_field"].strip()
        if name and not NAME.fullmatch(name):
            raise ValidationError("Up to 50 letters, digits, hyphens and underscores, a letter first.")
        if name in (*LeadFormSerializer.Meta.fields, *OWN_FIELDS):
            raise ValidationError(f"{name} is a field that leads have: choose a name that nothing else has.")
        return name or None

    def _post_clean(self) -> None:
        """Leave out Django's own checks: they ask the table, which nobody may outside a tenant's scope."""


@admin.register(IntakeSettings)
class IntakeSettingsAdmin(StaffAdmin):
    """One row a tenant, on its live side; each change leaves its event."""

    form = IntakeForm
    resource = "intake_settings"
    verbs = {"view": "view", "add": "configure", "change": "configure"}
    empty_title = "No intake settings yet"
    empty_text = "They let forms on a tenant's web sites send leads. README tells how."
    list_display = ("tenant", "origins", "trap")
    search_fields = ("tenant__slug__istartswith",)
    ordering = ("tenant__slug",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Ask for the tenant first."""
        return ("tenant", "allowed_origins", "honeypot_field")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep the tenant."""
        return ("tenant",) if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form, which asks what the person may do."""
        # The tenant, which no form may edit, is a field of ours.
        form = super().get_form(request, obj, change, **{**kwargs, "fields": IntakeForm.Meta.fields})
        return type("BoundIntakeForm", (form,), {"request": request})

    def save_model(self, request: HttpRequest, obj: IntakeSettings, form: Any, change: bool) -> None:
        """Write what was decided."""
        tenant = obj.tenant if change else form.cleaned_data["tenant"]
        chosen = {name: form.cleaned_data[name] for name in IntakeForm.Meta.fields}
        obj.pk = decide(actor=actor_of(request, tenant), **chosen).pk
        obj.tenant = tenant

    @admin.display(description="Sites")
    def origins(self, row: IntakeSettings) -> str:
        """Return the origins."""
        return show.text(", ".join(row.allowed_origins) or None)

    @admin.display(description="Trap")
    def trap(self, row: IntakeSettings) -> str:
        """Return the trap's name."""
        return show.text(row.honeypot_field)
