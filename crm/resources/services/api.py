"""Services on the wire: the part of the catalogue that can be booked."""

from typing import Any

from crm.resources.products.api import ProductFilter, ProductSerializer, ProductViewSet
from crm.resources.products.models import Product

__all__ = ["ServiceViewSet"]


class ServiceSerializer(ProductSerializer):
    """A service with its price, its duration and its booking settings."""

    class Meta:
        model = Product
        fields = [name for name in ProductSerializer.Meta.fields if name != "type"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take what goods may not have."""
        return attrs


class ServiceFilter(ProductFilter):
    """What services can be filtered by."""

    class Meta:
        model = Product
        fields = [name for name in ProductFilter.Meta.fields if name != "type"]


class ServiceViewSet(ProductViewSet):
    """What you do for {clients}, how long it takes, and how it is booked."""

    resource, plural = "service", "services"
    part_of, only = ProductViewSet, {"type": Product.Type.SERVICE}
    serializer_class = ServiceSerializer
    filterset_class = ServiceFilter
    example = {
        "name": "Boiler service",
        "price": "120.00",
        "currency": "EUR",
        "unit": "job",
        "tax_rate": "20",
        "duration_minutes": 90,
        "booking": {"bookable": True, "buffer_after_minutes": 15, "lead_time_minutes": 240},
    }
