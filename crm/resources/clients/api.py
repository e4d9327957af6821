"""Clients on the wire."""

from typing import Any

from crm.resources.activities.feed import HasActivity
from crm.resources.clients.models import Client
from crm.rest.fields import IdField, OpaqueField, StrictBoolean, StrictChar, StrictChoice, TagsField
from crm.rest.filters import IdFilter, ResourceFilterSet, TagFilter
from crm.rest.serializers import ResourceSerializer, Shape
from crm.rest.viewset import Include, ResourceViewSet
from crm.standards import CountryField, CurrencyField, EmailField, LanguageField, PhoneField

__all__ = ["AddressSerializer", "ClientViewSet"]


class AddressSerializer(Shape):
    """A postal address."""

    line1 = StrictChar(max_length=200, required=False, allow_null=True, help_text="Street and number.")
    line2 = StrictChar(max_length=200, required=False, allow_null=True, help_text="Floor, door, care of.")
    city = StrictChar(max_length=100, required=False, allow_null=True, help_text="City or town.")
    region = StrictChar(max_length=100, required=False, allow_null=True, help_text="State, province or county.")
    postal_code = StrictChar(max_length=20, required=False, allow_null=True, help_text="Postal code.")
    country = CountryField(required=False, allow_null=True, help_text="ISO 3166-1, like AT.")


class ContactPointSerializer(Shape):
    """One more way to reach a {client}."""

    kind = StrictChoice(["email", "phone", "mobile", "fax", "web", "other"], help_text="What the value is.")
    label: Any = StrictChar(max_length=50, required=False, allow_null=True, help_text="Like work or home.")
    value = StrictChar(max_length=254, help_text="The address or number.")
    primary = StrictBoolean(default=False, help_text="The one to try first.")


class ClientSerializer(ResourceSerializer):
    """A person or a company that the tenant works for."""

    id = IdField("cli")
    email = EmailField(required=False, allow_null=True, help_text="The main e-mail address.")
    phone = PhoneField(
        required=False, allow_null=True, max_length=50, help_text="The main phone number, kept as E.164."
    )
    language = LanguageField(required=False, allow_null=True, help_text="BCP 47, like de or de-AT.")
    currency = CurrencyField(required=False, allow_null=True, help_text="ISO 4217; new invoices take it.")
    billing_address = AddressSerializer(required=False, allow_null=True, help_text="Where invoices go.")
    shipping_address = AddressSerializer(required=False, allow_null=True, help_text="Where goods go.")
    contact_points = ContactPointSerializer(  # type: ignore[call-arg]
        many=True, required=False, max_length=20, help_text="More ways to reach the {client}."
    )
    tags = TagsField(required=False, help_text="Short words to group {clients} by.")
    custom_fields = OpaqueField(required=False, help_text="Your own fields, kept as they come; at most 64 KB.")
    metadata = OpaqueField(required=False, help_text="Data of the calling program, kept as it comes; at most 64 KB.")

    class Meta:
        model = Client
        fields = [
            "id", "name", "type", "status", "email", "phone", "company_name", "website", "tax_id", "language",
            "currency", "billing_address", "shipping_address", "contact_points", "tags", "notes", "external_ref",
            "custom_fields", "metadata", "created_at", "updated_at",
        ]  # fmt: skip


class ClientFilter(ResourceFilterSet):
    """What clients can be filtered by."""

    id = IdFilter(prefix="cli")
    tags = TagFilter()

    class Meta:
        model = Client
        fields = [
            "name", "type", "status", "email", "phone", "company_name", "language", "currency", "external_ref",
            "created_at", "updated_at",
        ]  # fmt: skip


class ClientViewSet(HasActivity, ResourceViewSet):
    """People and companies that you work for. One that invoices refer to cannot be deleted: archive it instead."""

    resource, plural, prefix = "client", "clients", "cli"
    model = Client
    serializer_class = ClientSerializer
    filterset_class = ClientFilter
    search_fields = ("search",)
    ordering_fields = ("created_at", "updated_at", "name", "email", "company_name")
    example = {
        "name": "Ada Lovelace",
        "type": "person",
        "email": "ada@example.com",
        "phone": "+442079460018",
        "currency": "EUR",
        "billing_address": {"line1": "12 Park Row", "city": "London", "postal_code": "SE10 9NF", "country": "GB"},
        "tags": ["vip"],
    }
    includes = {
        "quotes": Include("quotes", back="client"),
        "orders": Include("orders", back="client"),
        "invoices": Include("invoices", back="client"),
        "payments": Include("payments", back="client"),
        "appointments": Include("appointments", back="client"),
    }
