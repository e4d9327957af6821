"""What quotes, orders and invoices have in common on the wire: lines, totals, filters, and how they are written."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from crm.rest.fields import DecimalField, MoneyField, ReferenceField, StrictChar
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer
from crm.rest.viewset import ResourceViewSet
from crm.sales import rules
from crm.standards import CurrencyField

__all__ = ["EXAMPLE", "LINES", "DocumentFilter", "DocumentSerializer", "DocumentViewSet", "LineItemSerializer"]

MAX_QUANTITY = 10**9
# How a document holds its lines.
LINES: dict[str, Any] = {"many": True, "required": False, "max_length": 200}
EXAMPLE: dict[str, Any] = {
    "currency": "EUR",
    "line_items": [
        {"description": "Consulting", "quantity": "2", "rate": "120.00", "tax_rate": "20", "amount": "240.00"},
    ],
    "subtotal": "240.00",
    "discount_total": "0.00",
    "tax_total": "48.00",
    "total": "288.00",
}


class LineItemSerializer(ResourceSerializer):
    """One line: what it leaves out comes from its {product}."""

    product_id = ReferenceField(
        Product, "prd", required=False, allow_null=True, help_text="What is sold, one of your {products}."
    )
    description = StrictChar(
        max_length=1000, required=False, help_text="What is sold; the {product}'s name unless told."
    )
    quantity = DecimalField(default=Decimal(1), high=MAX_QUANTITY, help_text="How many; decimals are fine.")
    rate = MoneyField(
        required=False, low=-MAX_QUANTITY, help_text="Price of one before tax; the {product}'s unless told."
    )
    discount_percent = DecimalField(default=Decimal(0), places=4, high=100, help_text="Percent taken off the line.")
    tax_rate = DecimalField(
        required=False, places=4, high=100, help_text="Percent: 20 means 20 %; the {product}'s unless told."
    )
    amount = MoneyField(read_only=True, help_text="What the line costs before tax, rounded half to even.")

    class Meta:
        fields = ["product_id", "description", "quantity", "rate", "discount_percent", "tax_rate", "amount"]


class DocumentSerializer(ResourceSerializer):
    """A document. Totals, number and status are the server's; its own class adds the lines."""

    client_id = ReferenceField(Client, "cli", help_text="Whom it is made out to.")
    currency = CurrencyField(required=False, help_text="ISO 4217; the {client}'s or the tenant's unless told.")
    subtotal = MoneyField(read_only=True, help_text="The lines before discounts and tax.")
    discount_total = MoneyField(read_only=True, help_text="What the discounts take off.")
    tax_total = MoneyField(read_only=True, help_text="The tax on the lines.")
    total = MoneyField(read_only=True, help_text="{subtotal} - {discount_total} + {tax_total}.")

    class Meta:
        extra_kwargs = {"issue_date": {"required": False}}


class DocumentFilter(ResourceFilterSet):
    """What documents can be filtered by."""

    client_id = IdFilter(prefix="cli")

    class Meta:
        fields = ["number", "status", "issue_date", "currency", "total", "external_ref", "created_at", "updated_at"]


class DocumentViewSet(ResourceViewSet):
    """A kind of document, written by the rules that hold for all of them."""

    search_fields = ("search", "client__search")
    ordering_fields: ClassVar[tuple[str, ...]] = ("created_at", "updated_at", "number", "issue_date", "total")

    def make(self, data: dict[str, Any]) -> Any:
        return rules.create(self.model, data, actor=self.actor)

    def make_many(self, bodies: Sequence[dict[str, Any]]) -> Sequence[Any]:
        return rules.create_many(self.model, bodies, actor=self.actor)

    make.several = make_many  # type: ignore[attr-defined]

    def change(self, record: Any, data: dict[str, Any]) -> None:
        rules.change(record, data, actor=self.actor)

    def remove(self, record: Any) -> None:
        rules.delete(record, actor=self.actor)
