"""The forms of keys as staff see them: in unfold's clothes, for any tenant they may issue in, and with limits."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    INPUT_CLASSES,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from apikeys.admin import granting
from apikeys.forms import IssueForm, RotateForm
from apikeys.models import ApiKey
from apikeys.scopes import powerful
from tenants.admin.widgets import dress, let_search
from tenants.models import Environment, Tenant
from tenants.staff import bounded

__all__ = ["StaffIssueForm", "StaffRotateForm"]

LIMIT = {"min_value": 1, "max_value": 10_000_000, "required": False, "widget": UnfoldAdminIntegerFieldWidget}
LIMITS = ("per_minute", "per_hour", "per_day")


class StaffIssueForm(IssueForm):
    """A new key for a tenant that is chosen here."""

    tenant = forms.ModelChoiceField(Tenant.objects.none())
    per_minute = forms.IntegerField(label="Requests a minute", **LIMIT)
    per_hour = forms.IntegerField(label="Requests an hour", **LIMIT)
    per_day = forms.IntegerField(label="Requests a day", **LIMIT)

    def __init__(self, user: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.user = user
        live = bounded(Tenant.objects.filter(environment=Environment.LIVE), user, "pk")
        field = ApiKey._meta.get_field("tenant")
        let_search(self.fields["tenant"], live, field, {"environment": Environment.LIVE})
        dress(self.fields["name"], UnfoldAdminTextInputWidget())
        dress(self.fields["environment"], UnfoldAdminRadioSelectWidget())
        dress(self.fields["sure"], UnfoldBooleanWidget())
        dress(self.fields["expiry"], UnfoldAdminSelectWidget())
        dress(self.fields["networks"], UnfoldAdminTextareaWidget(attrs={"rows": 3}))
        self.fields["last_day"].widget.attrs["class"] = " ".join(INPUT_CLASSES)

    def clean_tenant(self) -> Tenant:
        """Refuse a tenant in which the person may not issue keys."""
        tenant: Tenant = self.cleaned_data["tenant"]
        if not granting.may_issue(self.user, tenant.pk):
            raise ValidationError("You may not issue keys here: an owner or admin of the tenant may.")
        return tenant

    @property
    def live(self) -> Tenant:
        tenant: Tenant = self.cleaned_data["tenant"]
        return tenant

    def beyond(self, scopes: Collection[str]) -> list[str]:
        tenant = self.cleaned_data.get("tenant")
        return [] if tenant is None or granting.may_grant(self.user, scopes, tenant.pk) else powerful(scopes)

    @property
    def own(self) -> dict[str, Any]:
        """The key's own limits too."""
        return {**super().own, **{name: self.cleaned_data[name] for name in LIMITS}}


class StaffRotateForm(RotateForm):
    """The same, in unfold's clothes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self.fields["grace"], UnfoldAdminSelectWidget())
