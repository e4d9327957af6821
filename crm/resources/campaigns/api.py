"""Campaigns on the wire."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from crm.resources.campaigns import rules
from crm.resources.campaigns.mail import PLACEHOLDERS, stranger_in
from crm.resources.campaigns.models import Campaign
from crm.resources.lists.models import MarketingList
from crm.rest.fields import IdField, ReferenceField, StrictInteger
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer, Shape
from crm.rest.viewset import Include, ResourceViewSet
from crm.rest.writes import command

__all__ = ["CampaignViewSet"]

TEMPLATES = ("subject", "body", "body_html")


class ProgressSerializer(Shape):
    """How far a campaign has come."""

    recipients = StrictInteger(help_text="Members of the list when the sending began.")
    sent = StrictInteger(help_text="Mails that the mail server has taken.")
    skipped = StrictInteger(help_text="Members without an address, or without a granted consent to e-mail.")
    failed = StrictInteger(help_text="Mails that the mail server has refused for good.")


class CampaignSerializer(ResourceSerializer):
    """One mail to the consenting members of a list."""

    id = IdField("cam")
    list_id = ReferenceField(MarketingList, "lst", help_text="Whom it goes to: the members when the sending begins.")
    progress = ProgressSerializer(read_only=True, help_text="How far the sending has come.")

    class Meta:
        model = Campaign
        fields = [
            "id", "name", "subject", "body", "body_html", "list_id", "status", "scheduled_at", "sent_at", "progress",
            "created_at", "updated_at",
        ]  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse placeholders that nobody fills in."""
        for name in TEMPLATES:
            stranger = stranger_in(attrs.get(name) or "")
            if stranger is not None:
                raise self.invalid(name, f"Unknown placeholder {stranger[:50]!r}. Known: {', '.join(PLACEHOLDERS)}.")
        return attrs


class ScheduleSerializer(ResourceSerializer):
    """When the campaign shall be sent."""

    example = {"at": "2030-01-31T12:00:00Z"}

    at = serializers.DateTimeField(help_text="A moment to come; it is sent within a minute after.")

    class Meta:
        model = Campaign
        fields = ["at"]


class CampaignFilter(ResourceFilterSet):
    """What campaigns can be filtered by."""

    id = IdFilter(prefix="cam")
    list_id = IdFilter(prefix="lst")

    class Meta:
        model = Campaign
        fields = ["name", "subject", "status", "scheduled_at", "sent_at", "created_at", "updated_at"]


class CampaignViewSet(ResourceViewSet):
    """Mails to the members of a list. Who gets one must have granted it: the newest consent to e-mail counts."""

    resource, plural, prefix = "campaign", "campaigns", "cam"
    path, scope_name, scope_verbs = "marketing/campaigns", "marketing", {"delete": "write"}
    model = Campaign
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilter
    search_fields = ("search",)
    ordering_fields = ("created_at", "updated_at", "name", "scheduled_at", "sent_at")
    example = {
        "name": "Winter check 2026",
        "subject": "Is your heating ready, {{ client.name }}?",
        "body": "Hello {{ client.name }},\n\nbook a check before it gets cold.\n\n{{ organization.name }}",
        "progress": {"recipients": 0, "sent": 0, "skipped": 0, "failed": 0},
    }
    includes = {"list": Include("marketing_lists", relation="list")}
    emits = {
        "scheduled": "The {campaign} will be sent at {scheduled_at}.",
        "started": "The sending of the {campaign} began.",
        "progressed": "Some more of the {campaign}'s mails went out: {progress} tells how many.",
        "sent": "All mails of the {campaign} went out.",
        "cancelled": "The {campaign} was stopped for good; what is out is out.",
    }

    def change(self, record: Campaign, data: dict[str, Any]) -> None:
        rules.change(record, data, actor=self.actor)

    def remove(self, record: Campaign) -> None:
        rules.delete(record, actor=self.actor)

    @command(event="scheduled", takes=ScheduleSerializer)
    def schedule(self, campaign: Campaign, at: datetime) -> None:
        """Let the campaign be sent at a moment to come, or at another than before."""
        rules.schedule(campaign, at, actor=self.actor)

    @command(event="started")
    def send(self, campaign: Campaign) -> None:
        """Begin to send the campaign now, to those on its list who agreed to e-mail; `progress` tells how far it is."""
        rules.send(campaign, actor=self.actor)

    @command(event="cancelled")
    def cancel(self, campaign: Campaign) -> None:
        """Stop the campaign for good: what is out is out, and nobody else gets it."""
        rules.cancel(campaign, actor=self.actor)
