"""An endpoint in a person's hands: the form that staff and members fill in, and whose rights the endpoint gets."""

from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apikeys.roles import SCOPES
from crm.contracts.v1 import V1
from crm.docs.catalogue import tellers
from tenants.actor import Actor
from tenants.models import Member
from webhooks import endpoints
from webhooks.guard import Refused, check_url
from webhooks.headers import check_headers
from webhooks.models import Endpoint
from webhooks.patterns import ALL_OF, EVERYTHING

__all__ = ["EndpointForm", "Rights", "create", "rights_of", "update"]

TEXT = {"spellcheck": "false", "autocomplete": "off"}


class Rights(NamedTuple):
    """What an endpoint may hear: as much as whoever makes it may read."""

    holder: UUID | None
    label: str
    scopes: list[str]


def rights_of(user: Any, seat: Member | None) -> Rights:
    """Return the rights of a person at a seat; of a superuser without one, that of reading everything."""
    scopes = SCOPES[seat.role] if seat else SCOPES[Member.Role.VIEWER]
    return Rights(seat.pk if seat else None, user.get_username(), sorted(scopes))


@lru_cache(1)
def event_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what an endpoint can ask for: everything, and by resource all of it or one type."""
    groups = [("Everything", [(EVERYTHING, "Every event, also of kinds to come")])]
    for teller in tellers(V1):
        word = V1.event(teller.resource)
        types = [(teller.type(verb), verb.replace("_", " ")) for verb in teller.verbs]
        groups.append((word.replace("_", " ").capitalize(), [(f"{word}{ALL_OF}", "all of them"), *types]))
    return groups


class EventPicker(forms.CheckboxSelectMultiple):
    """Tick boxes in one card a resource; those in which nothing is ticked are folded."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the boxes."""
        context = self.get_context(name, value, attrs)
        found = context["widget"]["optgroups"]
        groups = [(group, options, not place or any(o["selected"] for o in options)) for group, options, place in found]
        return render_to_string("admin/kith/events.html", {**context, "groups": groups})


class EndpointForm(forms.Form):
    """Where to, what, and how. How it is signed is decided once: other secrets would be of no use to the receiver."""

    instance: Endpoint

    url = forms.CharField(
        label="Address",
        max_length=2048,
        widget=forms.TextInput(attrs={**TEXT, "inputmode": "url"}),
        help_text="Where events are posted, like https://shop.example.com/hooks: https, reachable from the internet.",
    )
    description = forms.CharField(max_length=500, required=False, help_text="What it is for.")
    events = forms.MultipleChoiceField(
        choices=event_choices,
        widget=EventPicker,
        error_messages={"required": "Tick at least one: an endpoint that asks for nothing is sent nothing."},
    )
    ordered = forms.BooleanField(
        label="In order",
        required=False,
        help_text="The events of one record wait for one another: slower where something fails.",
    )
    signing = forms.ChoiceField(label="Signed with", choices=Endpoint.Signing.choices, initial=Endpoint.Signing.HMAC)
    headers = forms.CharField(
        label="Headers",
        required=False,
        widget=forms.Textarea(attrs={**TEXT, "rows": 3}),
        help_text="One a line, like X-Api-Key: 5f2c. Their values are kept sealed; *** leaves one as it is.",
    )

    def fill(self, endpoint: Endpoint) -> None:
        """Show what an endpoint has."""
        self.instance = endpoint
        if endpoint._state.adding:  # noqa: SLF001  Django's own word for it
            return
        del self.fields["signing"]
        headers = endpoints.shown_headers(endpoint)
        self.initial.update(
            url=endpoint.url,
            description=endpoint.description or "",
            events=endpoint.events,
            ordered=endpoint.ordered,
            headers="\n".join(f"{name}: {value}" for name, value in headers.items()),
        )
        offered: Any = self.fields["events"]
        known = {value for _, choices in event_choices() for value, _ in choices}
        if strange := [pattern for pattern in endpoint.events if pattern not in known]:
            offered.choices = [*event_choices(), ("Others", [(pattern, pattern) for pattern in strange])]

    def clean_url(self) -> str:
        """Return the address in its normal form, if Kith may post there."""
        try:
            return check_url(self.cleaned_data["url"].strip())
        except Refused as error:
            raise ValidationError(str(error)) from error

    def clean_events(self) -> list[str]:
        """Return the patterns, without those that others hold already."""
        chosen: list[str] = self.cleaned_data["events"]
        if EVERYTHING in chosen:
            return [EVERYTHING]
        whole = {pattern.removesuffix(ALL_OF) for pattern in chosen if pattern.endswith(ALL_OF)}
        return [item for item in chosen if item.endswith(ALL_OF) or item.partition(".")[0] not in whole]

    def clean_headers(self) -> dict[str, str]:
        """Return the headers by name."""
        found: dict[str, str] = {}
        for line in filter(None, map(str.strip, self.cleaned_data["headers"].splitlines())):
            name, colon, value = line.partition(":")
            if not colon:
                raise ValidationError(f"{line[:60]} is no header: write it like X-Api-Key: 5f2c.")
            if name.strip().lower() in map(str.lower, found):
                raise ValidationError(f"The header {name.strip()[:60]} is given twice: keep one.")
            found[name.strip()] = value.strip()
        kept = {name.lower() for name in endpoints.shown_headers(self.instance)}
        if lost := [name for name, value in found.items() if value == endpoints.HIDDEN and name.lower() not in kept]:
            raise ValidationError(f"{lost[0]} has no value yet that *** could leave: write it out.")
        try:
            check_headers(found)
        except Refused as error:
            raise ValidationError(str(error)) from error
        return found

    def put(self, endpoint: Endpoint) -> None:
        """Give an endpoint what was filled in."""
        data = self.cleaned_data
        endpoint.url, endpoint.description = data["url"], data["description"] or None
        endpoint.events, endpoint.ordered = data["events"], data["ordered"]
        endpoint.signing = data.get("signing", endpoint.signing)
        if data["headers"] != endpoints.shown_headers(endpoint):
            endpoints.hide_headers(endpoint, data["headers"])


def create(form: EndpointForm, endpoint: Endpoint, *, actor: Actor, rights: Rights) -> str:
    """Make a new endpoint what a valid form says, and save it; return its secret, which can be shown this once."""
    endpoint.tenant, endpoint.contract = actor.tenant, V1.name
    form.put(endpoint)
    give(endpoint, rights)
    return endpoints.create(endpoint, actor=actor)


def update(form: EndpointForm, endpoint: Endpoint, *, actor: Actor, rights: Rights) -> None:
    """Change the endpoint; whoever points it elsewhere, or to other events, is its maker from then on."""
    with endpoints.changing(endpoint, actor=actor):
        before = endpoint.url, endpoint.events
        form.put(endpoint)
        if before != (endpoint.url, endpoint.events):
            give(endpoint, rights)


def give(endpoint: Endpoint, rights: Rights) -> None:
    endpoints.take_over(endpoint, maker_id=rights.holder, label=rights.label, scopes=rights.scopes)
