"""A lead as a web form sends it: flat, open for more fields, and told no more than that it has arrived."""

from datetime import UTC
from typing import Any

from django.utils import timezone

from crm.resources.leads.api import AttributionSerializer
from crm.resources.leads.models import Lead
from crm.rest.fields import IdField, OpaqueField, StrictChar
from crm.rest.serializers import ResourceSerializer
from crm.standards import EmailField, MomentText, PhoneField

__all__ = ["LeadFormSerializer"]

LONGEST = 2000


def sent(told: str, source: str | None = None, length: int = 200) -> Any:
    return StrictChar(
        max_length=length, required=False, allow_null=True, write_only=True, source=source, help_text=told
    )


class LeadFormSerializer(ResourceSerializer):
    """Somebody who has filled in a form. Every further field is kept with the lead."""

    any_of = ("email", "phone")
    extras = "fields"

    id = IdField("led")
    name = sent("Who asks.")
    email = EmailField(
        required=False, allow_null=True, write_only=True, help_text="Where to answer; a lead has it or a {phone}."
    )
    phone = PhoneField(
        required=False, allow_null=True, write_only=True, max_length=50, help_text="Where to call, kept as E.164."
    )
    company = sent("The company that the person asks for.")
    message = sent("What they ask for, in their words.", length=10_000)
    source: Any = StrictChar(
        max_length=50,
        required=False,
        allow_null=True,
        write_only=True,
        default="website",
        help_text="Where they come from.",
    )
    utm_source = sent("Who sent them, like google.", "attribution.utm_source")
    utm_medium = sent("By which means, like cpc or email.", "attribution.utm_medium")
    utm_campaign = sent("For which campaign.", "attribution.utm_campaign")
    utm_term = sent("For which search words.", "attribution.utm_term")
    utm_content = sent("Which of several links.", "attribution.utm_content")
    referrer = sent("The page that they came from; the Referer header unless told.", "attribution.referrer", LONGEST)
    landing_page = sent("The page that they first saw.", "attribution.landing_page", LONGEST)
    submitted_at: Any = MomentText(
        required=False,
        allow_null=True,
        write_only=True,
        source="attribution.submitted_at",
        help_text="When they sent it; now unless told.",
    )
    fields = OpaqueField(required=False, write_only=True)  # type: ignore[assignment]

    class Meta:
        model = Lead
        fields = [
            "id", "name", "email", "phone", "company", "message", "source", "utm_source", "utm_medium", "utm_campaign",
            "utm_term", "utm_content", "referrer", "landing_page", "submitted_at", "fields", "status", "created_at",
        ]  # fmt: skip
        read_only_fields = ["status", "created_at"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes with the whole attribution: what the form leaves out, the request tells."""
        attrs = super().validate(attrs)
        told = {name: value for name, value in attrs.get("attribution", {}).items() if value is not None}
        page = self.context["request"].headers.get("Referer")
        known = {
            "referrer": page if page and len(page) <= LONGEST and page.isprintable() else None,
            "submitted_at": timezone.now().astimezone(UTC).isoformat().replace("+00:00", "Z"),
            **told,
        }
        return attrs | {"attribution": {name: known.get(name) for name in AttributionSerializer().fields}}
