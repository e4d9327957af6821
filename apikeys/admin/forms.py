"""The forms of keys: what to issue, and how long an old key lives on."""

from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
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
from apikeys.models import ApiKey, validate_network
from apikeys.scopes import catalogue
from tenants import ids
from tenants.admin.widgets import let_search
from tenants.models import Environment, Tenant
from tenants.staff import bounded

__all__ = ["IssueForm", "RotateForm"]

EXPIRIES = (
    ("365", "In a year"),
    ("90", "In 90 days"),
    ("30", "In 30 days"),
    ("never", "Never"),
    ("custom", "On a day of your choice"),
)
GRACES = (
    ("24", "A day"),
    ("1", "An hour"),
    ("72", "3 days"),
    ("168", "7 days"),
    ("0", "Not at all: the old key ends now"),
)
MOST_NETWORKS = 50
TICKET_AGE = timedelta(days=1)
DAY_INPUT = forms.DateInput(attrs={"type": "date", "class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%d")
LIMIT = {"min_value": 1, "max_value": 10_000_000, "required": False, "widget": UnfoldAdminIntegerFieldWidget}
NARROWER = "You may not grant {}: ask somebody who may, or tick narrower scopes."


class ScopePicker(forms.CheckboxSelectMultiple):
    """Tick boxes in one card a resource."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the boxes with the notes of their resources."""
        notes = {category.label: category.note for category in catalogue()}
        # Form renderers look in the packages' folders alone.
        return render_to_string("admin/kith/scopes.html", {**self.get_context(name, value, attrs), "notes": notes})


class IssueForm(forms.Form):
    """A new key: whose, what for, what it may do, how long, how much and from where."""

    name = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="What the key is for, like Web shop. It stands in the audit log.",
    )
    tenant = forms.ModelChoiceField(Tenant.objects.none())
    environment = forms.ChoiceField(
        label="Side",
        choices=[
            (Environment.LIVE, "Live: the real records"),
            (Environment.TEST, "Test: the sandbox, apart from them"),
        ],
        initial=Environment.LIVE,
        widget=UnfoldAdminRadioSelectWidget,
    )
    scopes = forms.MultipleChoiceField(
        choices=granting.choices,
        widget=ScopePicker,
        error_messages={"required": "Tick at least one: a key without scopes can do nothing."},
    )
    sure = forms.BooleanField(
        label="Yes, this key may do everything, and whoever has it", required=False, widget=UnfoldBooleanWidget
    )
    expiry = forms.ChoiceField(label="Ends", choices=EXPIRIES, widget=UnfoldAdminSelectWidget)
    last_day = forms.DateField(
        required=False, widget=DAY_INPUT, help_text="The key works until the end of this day (UTC)."
    )
    per_minute = forms.IntegerField(label="Requests a minute", **LIMIT)
    per_hour = forms.IntegerField(label="Requests an hour", **LIMIT)
    per_day = forms.IntegerField(label="Requests a day", **LIMIT)
    networks = forms.CharField(
        label="Only from these networks",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="One a line, like 203.0.113.0/24 or 2001:db8::/32. Empty: from anywhere.",
    )
    ticket = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, user: Any, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.user = user
        live = bounded(Tenant.objects.filter(environment=Environment.LIVE), user, "pk")
        field = ApiKey._meta.get_field("tenant")
        let_search(self.fields["tenant"], live, field, {"environment": Environment.LIVE})
        # The key's future id, signed: sent twice (a reload, a double click), the form makes one key.
        self.fields["ticket"].initial = lambda: signing.dumps(str(ids.new()), salt="issue")

    def clean_ticket(self) -> UUID:
        """Return the id that the key will have."""
        try:
            return UUID(signing.loads(self.cleaned_data["ticket"], salt="issue", max_age=TICKET_AGE))
        except signing.BadSignature as error:
            raise ValidationError("This form is too old. Open it again.") from error

    def clean_tenant(self) -> Tenant:
        """Refuse a tenant in which the person may not issue keys."""
        tenant: Tenant = self.cleaned_data["tenant"]
        if not granting.may_issue(self.user, tenant.pk):
            raise ValidationError("You may not issue keys here: an owner or admin of the tenant may.")
        return tenant

    def clean_networks(self) -> list[str]:
        """Return the networks, each in its plain form."""
        lines = [line.strip() for line in self.cleaned_data["networks"].replace(",", "\n").splitlines() if line.strip()]
        for line in lines:
            validate_network(line)
        if len(lines) > MOST_NETWORKS:
            raise ValidationError(f"At most {MOST_NETWORKS} networks.")
        return [str(ip_network(line, strict=False)) for line in lines]

    def clean(self) -> dict[str, Any]:
        """Refuse what the person may not grant, or has not ticked twice, and an end that is over."""
        data = super().clean() or {}
        scopes, tenant = data.get("scopes", []), data.get("tenant")
        if tenant and not granting.may_grant(self.user, scopes, tenant.pk):
            self.add_error("scopes", NARROWER.format(", ".join(granting.powerful(scopes))))
        elif granting.powerful(scopes) and not data.get("sure"):
            self.add_error("sure", "Tick this too: nothing narrows this key.")
        if data.get("expiry") == "custom" and not (data.get("last_day") and data["last_day"] >= timezone.now().date()):
            self.add_error("last_day", "Choose a day that is not over.")
        return data

    @property
    def side(self) -> Tenant:
        """The side of the tenant that the key will belong to."""
        live: Tenant = self.cleaned_data["tenant"]
        return live if self.cleaned_data["environment"] == Environment.LIVE else live.sandbox

    @property
    def expires_at(self) -> datetime | None:
        """When the key ends."""
        choice = self.cleaned_data["expiry"]
        if choice == "custom":
            return datetime.combine(self.cleaned_data["last_day"] + timedelta(days=1), time(), UTC)
        return None if choice == "never" else timezone.now() + timedelta(days=int(choice))

    @property
    def own(self) -> dict[str, Any]:
        """The key's own id, limits and networks, as issue() takes them."""
        limits = {name: self.cleaned_data[name] for name in ("per_minute", "per_hour", "per_day")}
        return {**limits, "id": self.cleaned_data["ticket"], "allowed_networks": self.cleaned_data["networks"]}


class RotateForm(forms.Form):
    """How long the old key works on beside its successor."""

    grace = forms.ChoiceField(
        label="The old key works on for",
        choices=GRACES,
        widget=UnfoldAdminSelectWidget,
        help_text="Time to bring the new key to every place that has the old one.",
    )

    @property
    def duration(self) -> timedelta:
        """The chosen time."""
        return timedelta(hours=int(self.cleaned_data["grace"]))
