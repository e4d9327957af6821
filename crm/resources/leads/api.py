"""Leads on the wire."""

from typing import Any
from uuid import UUID

from crm.resources.clients.models import Client
from crm.resources.leads import rules
from crm.resources.leads.models import Lead
from crm.rest.fields import IdField, OpaqueField, ReferenceField, StrictChar, StrictInteger
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer, Shape
from crm.rest.viewset import Include, ResourceViewSet
from crm.rest.writes import command
from crm.standards import EmailField, MomentText, PhoneField
from tenants.models import Member

__all__ = ["AttributionSerializer", "LeadSerializer", "LeadViewSet"]


def words(length: int, told: str) -> Any:
    return StrictChar(max_length=length, required=False, allow_null=True, help_text=told)


class AttributionSerializer(Shape):
    """What led the person here."""

    utm_source = words(200, "Who sent them, like google.")
    utm_medium = words(200, "By which means, like cpc or email.")
    utm_campaign = words(200, "For which campaign.")
    utm_term = words(200, "For which search words.")
    utm_content = words(200, "Which of several links.")
    referrer = words(2000, "The page that they came from.")
    landing_page = words(2000, "The page that they first saw.")
    submitted_at: Any = MomentText(required=False, allow_null=True, help_text="When they sent it.")


class LeadSerializer(ResourceSerializer):
    """Somebody who has asked for something and is no {client} yet."""

    any_of = ("email", "phone")

    id = IdField("led")
    email = EmailField(required=False, allow_null=True, help_text="Where to answer; a lead has it or a {phone}.")
    phone = PhoneField(
        required=False,
        allow_null=True,
        max_length=50,
        help_text="Where to call, kept as E.164.",
    )
    owner_id = ReferenceField(Member, "usr", required=False, allow_null=True, help_text="Who cares for it.")
    score = StrictInteger(
        min_value=0, max_value=100, required=False, allow_null=True, help_text="How promising it is, 0 to 100."
    )
    fields = OpaqueField(required=False, help_text="Your own fields, kept as they come; at most 64 KB.")  # type: ignore[assignment]
    attribution = AttributionSerializer(required=False, allow_null=True, help_text="What led the person here.")
    client_id = ReferenceField(Client, "cli", read_only=True, help_text="The {client} that it became.")

    class Meta:
        model = Lead
        fields = [
            "id", "name", "email", "phone", "company", "message", "source", "status", "owner_id", "score", "fields",
            "attribution", "client_id", "client_found", "converted_at", "created_at", "updated_at",
        ]  # fmt: skip


class ConvertSerializer(ResourceSerializer):
    """Whom the lead becomes."""

    client_id = ReferenceField(
        Client,
        "cli",
        required=False,
        allow_null=True,
        help_text="Who it is; without it the {client} with the same {email} or {phone} is taken, or a new one is made.",
    )

    class Meta:
        model = Lead
        fields = ["client_id"]


class LeadFilter(ResourceFilterSet):
    """What leads can be filtered by."""

    id = IdFilter(prefix="led")
    owner_id = IdFilter(prefix="usr")
    client_id = IdFilter(prefix="cli")

    class Meta:
        model = Lead
        fields = [
            "status", "source", "name", "email", "phone", "company", "score", "client_found", "converted_at",
            "created_at", "updated_at",
        ]  # fmt: skip


class LeadViewSet(ResourceViewSet):
    """People who have asked for something. Converting one makes it a {client}, or finds the one that it is."""

    resource, plural, prefix = "lead", "leads", "led"
    model = Lead
    serializer_class = LeadSerializer
    filterset_class = LeadFilter
    search_fields = ("search",)
    ordering_fields = ("created_at", "updated_at", "name", "email", "score", "converted_at")
    example = {
        "name": "Grace Hopper",
        "email": "grace@example.com",
        "message": "The kitchen tap drips.",
        "source": "website",
        "fields": {"preferred_time": "mornings"},
    }
    includes = {"owner": Include("team", relation="owner"), "client": Include("clients", relation="client")}
    emits = {
        "converted": "The {lead} became a {client}, which {client_id} names.",
    }

    def make(self, data: dict[str, Any]) -> Lead:
        return rules.create(data, actor=self.actor)

    def change(self, record: Lead, data: dict[str, Any]) -> None:
        rules.change(record, data, actor=self.actor)

    @command(event="converted", takes=ConvertSerializer)
    def convert(self, lead: Lead, client_id: UUID | None = None) -> None:
        """Make the lead a {client}, once: the one with the same address or number is taken, else a new one made."""
        rules.convert(lead, client_id=client_id, actor=self.actor)
