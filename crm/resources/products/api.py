"""Products and services on the wire."""

from typing import Any

from crm.money import padded
from crm.resources.products.models import Product
from crm.rest.fields import DecimalField, IdField, MoneyField, StrictBoolean, StrictInteger, TagsField
from crm.rest.filters import IdFilter, ResourceFilterSet, TagFilter
from crm.rest.serializers import ResourceSerializer, Shape
from crm.rest.viewset import ResourceViewSet
from crm.standards import CurrencyField

__all__ = ["ProductViewSet"]

DAY = 24 * 60


class BookingSerializer(Shape):
    """How a service can be booked."""

    bookable = StrictBoolean(default=True, help_text="Whether {clients} may book it themselves.")
    buffer_before_minutes = StrictInteger(default=0, min_value=0, max_value=DAY, help_text="Kept free before it.")
    buffer_after_minutes = StrictInteger(default=0, min_value=0, max_value=DAY, help_text="Kept free after it.")
    lead_time_minutes = StrictInteger(
        default=0, min_value=0, max_value=90 * DAY, help_text="How long before the start a booking must come in."
    )
    days_ahead = StrictInteger(default=60, min_value=1, max_value=730, help_text="How far ahead it can be booked.")


class ProductSerializer(ResourceSerializer):
    """One of your {products} with its price."""

    id = IdField("prd")
    price = MoneyField(help_text="Price of one unit before tax, in the record's currency.")
    currency = CurrencyField(required=False, help_text="ISO 4217; the tenant's currency unless told.")
    tax_rate = DecimalField(required=False, places=4, high=100, help_text="Percent: 20 means 20 %.")
    tags = TagsField(required=False, help_text="Short words to group by.")
    duration_minutes = StrictInteger(
        required=False, allow_null=True, min_value=1, max_value=30 * DAY, help_text="Services only: how long it takes."
    )
    booking = BookingSerializer(required=False, allow_null=True, help_text="Services only: how it can be booked.")

    class Meta:
        model = Product
        fields = [
            "id", "type", "name", "sku", "description", "price", "currency", "unit", "tax_rate", "active", "category",
            "tags", "external_ref", "duration_minutes", "booking", "created_at", "updated_at",
        ]  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse booking settings on goods."""
        if attrs.get("type", getattr(self.instance, "type", Product.Type.PRODUCT)) == Product.Type.SERVICE:
            return attrs
        for name in ("duration_minutes", "booking"):
            if attrs.get(name, getattr(self.instance, name, None)) is not None:
                raise self.invalid(name, "Only services have it: set {type} to service, or this to null.")
        return attrs


class ProductFilter(ResourceFilterSet):
    """What products can be filtered by."""

    id = IdFilter(prefix="prd")
    tags = TagFilter()

    class Meta:
        model = Product
        fields = [
            "type", "name", "sku", "price", "currency", "active", "category", "external_ref", "duration_minutes",
            "created_at", "updated_at",
        ]  # fmt: skip


class ProductViewSet(ResourceViewSet):
    """What you sell: goods and services in one catalogue (`type=service` lists the services)."""

    resource, plural, prefix = "product", "products", "prd"
    model = Product
    serializer_class = ProductSerializer
    filterset_class = ProductFilter
    search_fields = ("search",)
    ordering_fields = ("created_at", "updated_at", "name", "price", "sku")
    example = {
        "type": "service",
        "name": "Consulting",
        "price": "120.00",
        "currency": "EUR",
        "unit": "hour",
        "tax_rate": "20",
        "duration_minutes": 60,
    }

    def settle(self, record: Product) -> None:
        """Give the price a currency and its decimals."""
        record.currency = record.currency or self.tenant.currency
        record.price = padded(record.price, record.currency)
