"""The forms of what is done to endpoints, for staff and members alike: rotate, switch, and send a window again."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

__all__ = ["OnForm", "RotateForm", "WindowForm"]

GRACES = (
    ("86400", "A day"),
    ("3600", "An hour"),
    ("259200", "3 days"),
    ("604800", "7 days"),
    ("0", "Not at all: the old secret ends now"),
)
WAITING = (
    ("resume", "Send what waits, the oldest first"),
    ("skip", "Skip what waits: it is marked, and can be replayed"),
)
MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
DAY = timedelta(hours=24)
MOST_TYPES = 50


class RotateForm(forms.Form):
    """How long deliveries are signed with the old secret, too."""

    grace = forms.ChoiceField(
        label="The old secret signs along for",
        choices=GRACES,
        help_text="So long each delivery carries both signatures: time to bring the new secret to the receiver.",
    )

    @property
    def duration(self) -> timedelta:
        """The chosen time."""
        return timedelta(seconds=int(self.cleaned_data["grace"]))

    @property
    def said(self) -> str:
        """The chosen time as a text, empty for none."""
        return dict(GRACES)[self.cleaned_data["grace"]].lower() if self.duration else ""


class OnForm(forms.Form):
    """What becomes of the deliveries that waited while the endpoint was off."""

    waiting = forms.ChoiceField(label="Deliveries that waited", choices=WAITING)

    @property
    def skip(self) -> bool:
        """Whether they are skipped."""
        return bool(self.cleaned_data["waiting"] == "skip")


class WindowForm(forms.Form):
    """Which events are sent again."""

    since = forms.DateTimeField(label="Since (UTC)", widget=MOMENT, initial=lambda: minute(timezone.now() - DAY))
    until = forms.DateTimeField(
        label="Until (UTC)", widget=MOMENT, initial=lambda: minute(timezone.now() + timedelta(minutes=1))
    )
    only_failed = forms.BooleanField(
        label="Only what was not delivered",
        required=False,
        initial=True,
        help_text="Without the tick, what arrived is sent again too, with the same webhook-id.",
    )
    events = forms.CharField(
        label="Only these types",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One a line, like invoice.paid or invoice.*. Empty: all that the endpoint asks for.",
    )

    def clean_events(self) -> list[str]:
        """Return the types, each once."""
        found = list(dict.fromkeys(self.cleaned_data["events"].replace(",", " ").split()))
        if len(found) > MOST_TYPES:
            raise ValidationError(f"At most {MOST_TYPES} types.")
        return found

    def clean(self) -> dict[str, Any]:
        """Refuse a window that ends before it begins."""
        data = super().clean() or {}
        if {"since", "until"} <= data.keys() and data["since"] >= data["until"]:
            self.add_error("until", "The end must be later than the beginning.")
        return data

    @property
    def window(self) -> dict[str, Any]:
        """What was asked for."""
        return {name: self.cleaned_data[name] for name in ("since", "until", "only_failed", "events")}


def minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
