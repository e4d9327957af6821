"""The forms of keys, for staff and members alike: what to issue, and how long an old key lives on."""

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from apikeys.issuing import issue
from apikeys.models import ApiKey, validate_network
from apikeys.scopes import ACTIONS, catalogue, powerful
from tenants import ids
from tenants.models import Environment, Tenant
from tenants.staff import actor_of

__all__ = ["USED", "IssueForm", "RotateForm", "scope_choices"]

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
BARE = {
    "read": "Read everything",
    "write": "Write everything",
    "delete": "Delete everything",
    "admin": "Everything, secrets included",
}
MOST_NETWORKS = 50
TICKET_AGE = timedelta(days=1)
DAY_INPUT = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
NARROWER = "You may not grant {}: ask somebody who may, or tick narrower scopes."
USED = (
    "This form has made its key already, and the key was shown then. It cannot be shown again: revoke it if it is lost."
)


def scope_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every scope, by resource, for tick boxes."""
    bare = ("Every resource", [(action, BARE[action]) for action in ACTIONS])
    by_resource = [
        (category.label, [(scope, action) for scope, action in zip(category.scopes, category.actions, strict=True)])
        for category in catalogue()
    ]
    return [bare, *by_resource]


class ScopePicker(forms.CheckboxSelectMultiple):
    """Tick boxes in one card a resource."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the boxes with the notes of their resources."""
        notes = {category.label: category.note for category in catalogue()}
        # Form renderers look in the packages' folders alone.
        return render_to_string("admin/kith/scopes.html", {**self.get_context(name, value, attrs), "notes": notes})


class IssueForm(forms.Form):
    """A new key: what for, what it may do, how long and from where. Subclasses know whose, and what may be granted."""

    name = forms.CharField(max_length=100, help_text="What the key is for, like Web shop. It stands in the audit log.")
    environment = forms.ChoiceField(
        label="Side",
        choices=[
            (Environment.LIVE, "Live: the real records"),
            (Environment.TEST, "Test: the sandbox, apart from them"),
        ],
        initial=Environment.LIVE,
        widget=forms.RadioSelect,
    )
    scopes = forms.MultipleChoiceField(
        choices=scope_choices,
        widget=ScopePicker,
        error_messages={"required": "Tick at least one: a key without scopes can do nothing."},
    )
    sure = forms.BooleanField(label="Yes, this key may do everything, and whoever has it", required=False)
    expiry = forms.ChoiceField(label="Ends", choices=EXPIRIES)
    last_day = forms.DateField(
        required=False, widget=DAY_INPUT, help_text="The key works until the end of this day (UTC)."
    )
    networks = forms.CharField(
        label="Only from these networks",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line, like 203.0.113.0/24 or 2001:db8::/32. Empty: from anywhere.",
    )
    ticket = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        # The key's future id, signed: sent twice (a reload, a double click), the form makes one key.
        self.fields["ticket"].initial = lambda: signing.dumps(str(ids.new()), salt="issue")

    @property
    def live(self) -> Tenant:
        """The live side of the tenant that gets the key."""
        raise NotImplementedError

    def beyond(self, scopes: Collection[str]) -> list[str]:
        """Return the scopes that the person may not grant."""
        raise NotImplementedError

    def clean_ticket(self) -> UUID:
        """Return the id that the key will have."""
        try:
            return UUID(signing.loads(self.cleaned_data["ticket"], salt="issue", max_age=TICKET_AGE))
        except signing.BadSignature as error:
            raise ValidationError("This form is too old. Open it again.") from error

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
        scopes = data.get("scopes", [])
        if beyond := self.beyond(scopes):
            self.add_error("scopes", NARROWER.format(", ".join(beyond)))
        elif powerful(scopes) and not data.get("sure"):
            self.add_error("sure", "Tick this too: nothing narrows this key.")
        if data.get("expiry") == "custom" and not (data.get("last_day") and data["last_day"] >= timezone.now().date()):
            self.add_error("last_day", "Choose a day that is not over.")
        return data

    @property
    def side(self) -> Tenant:
        """The side of the tenant that the key will belong to."""
        return self.live if self.cleaned_data["environment"] == Environment.LIVE else self.live.sandbox

    @property
    def expires_at(self) -> datetime | None:
        """When the key ends."""
        choice = self.cleaned_data["expiry"]
        if choice == "custom":
            return datetime.combine(self.cleaned_data["last_day"] + timedelta(days=1), time(), UTC)
        return None if choice == "never" else timezone.now() + timedelta(days=int(choice))

    @property
    def own(self) -> dict[str, Any]:
        """The key's own id and networks, as issue() takes them."""
        return {"id": self.cleaned_data["ticket"], "allowed_networks": self.cleaned_data["networks"]}

    def issue(self, request: HttpRequest) -> tuple[ApiKey, str] | None:
        """Make the key and return it with its plaintext; None where this form has made its key before."""
        user: Any = request.user
        data = self.cleaned_data
        if ApiKey.objects.filter(pk=data["ticket"]).exists():
            return None
        try:
            return issue(
                tenant=self.side,
                name=data["name"],
                scopes=data["scopes"],
                actor=actor_of(request, self.side),
                user=user,
                expires_at=self.expires_at,
                **self.own,
            )
        except IntegrityError:
            # The same form, sent twice at the same moment.
            return None


class RotateForm(forms.Form):
    """How long the old key works on beside its successor."""

    grace = forms.ChoiceField(
        label="The old key works on for",
        choices=GRACES,
        help_text="Time to bring the new key to every place that has the old one.",
    )

    @property
    def duration(self) -> timedelta:
        """The chosen time."""
        return timedelta(hours=int(self.cleaned_data["grace"]))
