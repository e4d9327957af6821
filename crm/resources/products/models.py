"""Products: what the tenant sells, goods and services alike."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from crm.money import NumericField
from tenants.models import TenantModel
from tenants.words import search_column, search_index

__all__ = ["Product"]


class Product(TenantModel):
    """A product or a service with its price."""

    class Type(models.TextChoices):
        PRODUCT = "product"
        SERVICE = "service"

    type = models.CharField(max_length=7, choices=Type, default=Type.PRODUCT, help_text="Goods or a service.")
    name = models.CharField(max_length=200, help_text="What it is called on {quotes} and invoices.")
    sku = models.CharField(max_length=64, null=True, help_text="Stock-keeping unit; unique when set.")
    description = models.TextField(null=True, max_length=5000, help_text="What the {client} reads about it.")
    price = NumericField(help_text="Price of one unit, before tax.")
    currency = models.CharField(max_length=3, help_text="ISO 4217; the tenant's currency unless told.")
    unit = models.CharField(max_length=30, null=True, help_text="Like hour, piece or m².")
    tax_rate = NumericField(default=Decimal(0), help_text="Percent: 20 means 20 %.")
    active = models.BooleanField(default=True, help_text="Inactive ones cannot be sold any more.")
    category = models.CharField(max_length=100, null=True, help_text="Where it stands in your catalogue.")
    tags = models.JSONField(default=list, help_text="Short words to group by.")
    external_ref = models.CharField(max_length=100, null=True, help_text="Your own id for it; unique.")
    duration_minutes = models.PositiveIntegerField(null=True, help_text="How long the service takes.")
    booking = models.JSONField(null=True, help_text="How the service can be booked.")
    search = search_column("name", "sku", "category", "external_ref")

    instead_of_deleting = 'Switch it off instead: PATCH {"{active}": false}.'

    class Meta:
        verbose_name_plural = "products"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sku"], name="product_sku"),
            models.UniqueConstraint(fields=["tenant", "external_ref"], name="product_external_ref"),
            models.CheckConstraint(
                condition=Q(type="service") | Q(duration_minutes=None, booking=None), name="product_service_only"
            ),
            models.CheckConstraint(
                condition=Q(price__gte=0, tax_rate__gte=0, tax_rate__lte=100), name="product_amounts"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="product_latest"),
            models.Index(fields=["tenant", "name", "id"], name="product_name"),
            search_index("product_words"),
        ]

    def __str__(self) -> str:
        return self.name
