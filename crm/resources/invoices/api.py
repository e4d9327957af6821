"""Invoices on the wire."""

from decimal import Decimal
from typing import Any

from crm.resources.clients.models import Client
from crm.resources.invoices import rules
from crm.resources.invoices.models import Invoice, InvoiceLine, Status
from crm.resources.products.models import Product
from crm.rest.fields import DecimalField, IdField, MoneyField, ReferenceField, StrictChar, StrictChoice
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer, Shape
from crm.rest.viewset import Include, ResourceViewSet
from crm.rest.writes import command
from crm.standards import CurrencyField, MomentText

__all__ = ["InvoiceViewSet"]

MAX_QUANTITY = 10**9


class AccountingSerializer(Shape):
    """Where the accounting system has the invoice."""

    status = StrictChoice(
        ["pending", "exported", "failed", "ignored"], default="pending", help_text="Where the hand-over stands."
    )
    reference = StrictChar(max_length=100, required=False, allow_null=True, help_text="Its id over there.")
    exported_at = MomentText(required=False, allow_null=True, help_text="When it was handed over.")


class LineItemSerializer(ResourceSerializer):
    """One line: what it leaves out comes from its product."""

    product_id = ReferenceField(
        Product, "prd", required=False, allow_null=True, help_text="The product or service that is billed."
    )
    description = StrictChar(
        max_length=1000, required=False, help_text="What is billed; the product's name unless told."
    )
    quantity = DecimalField(default=Decimal(1), high=MAX_QUANTITY, help_text="How many; decimals are fine.")
    rate = MoneyField(
        required=False, low=-MAX_QUANTITY, help_text="Price of one before tax; the product's unless told."
    )
    discount_percent = DecimalField(default=Decimal(0), places=4, high=100, help_text="Percent taken off the line.")
    tax_rate = DecimalField(
        required=False, places=4, high=100, help_text="Percent: 20 means 20 %; the product's unless told."
    )
    amount = MoneyField(read_only=True, help_text="What the line costs before tax, rounded half to even.")

    class Meta:
        model = InvoiceLine
        fields = ["product_id", "description", "quantity", "rate", "discount_percent", "tax_rate", "amount"]


class InvoiceSerializer(ResourceSerializer):
    """A bill. Totals, number and status are the server's."""

    id = IdField("inv")
    client_id = ReferenceField(Client, "cli", help_text="Who is billed.")
    currency = CurrencyField(required=False, help_text="ISO 4217; the client's or the tenant's unless told.")
    line_items = LineItemSerializer(  # type: ignore[call-arg]
        many=True, required=False, max_length=200, help_text="What is billed; frozen once it is sent."
    )
    subtotal = MoneyField(read_only=True, help_text="The lines before discounts and tax.")
    discount_total = MoneyField(read_only=True, help_text="What the discounts take off.")
    tax_total = MoneyField(read_only=True, help_text="The tax on the lines.")
    total = MoneyField(read_only=True, help_text="{subtotal} - {discount_total} + {tax_total}.")
    amount_paid = MoneyField(read_only=True, help_text="What has been paid so far.")
    amount_due = MoneyField(read_only=True, help_text="What is still to be paid.")
    accounting = AccountingSerializer(required=False, allow_null=True, help_text="Where your accounting system has it.")

    class Meta:
        model = Invoice
        fields = [
            "id", "client_id", "number", "status", "issue_date", "due_date", "currency", "line_items", "subtotal",
            "discount_total", "tax_total", "total", "amount_paid", "amount_due", "notes", "terms", "accounting",
            "external_ref", "sent_at", "paid_at", "created_at", "updated_at",
        ]  # fmt: skip
        extra_kwargs = {"issue_date": {"required": False}}


class StatusSerializer(ResourceSerializer):
    """The state to bring the invoice into."""

    example = {"status": "sent"}

    status = StrictChoice(Status.choices, help_text="The next state; an illegal one is refused with the allowed ones.")

    class Meta:
        model = Invoice
        fields = ["status"]


class InvoiceFilter(ResourceFilterSet):
    """What invoices can be filtered by."""

    id = IdFilter(prefix="inv")
    client_id = IdFilter(prefix="cli")

    class Meta:
        model = Invoice
        fields = [
            "number", "status", "issue_date", "due_date", "currency", "total", "amount_paid", "amount_due",
            "external_ref", "created_at", "updated_at",
        ]  # fmt: skip


class InvoiceViewSet(ResourceViewSet):
    """Bills sent to a client; totals and numbers are the server's. A sent invoice's lines are frozen."""

    resource, plural, prefix = "invoice", "invoices", "inv"
    model = Invoice
    serializer_class = InvoiceSerializer
    filterset_class = InvoiceFilter
    search_fields = ("search", "client__search")
    ordering_fields = ("created_at", "updated_at", "number", "issue_date", "due_date", "total")
    example = {
        "due_date": "2026-02-28",
        "currency": "EUR",
        "line_items": [
            {"description": "Consulting", "quantity": "2", "rate": "120.00", "tax_rate": "20", "amount": "240.00"},
        ],
        "subtotal": "240.00",
        "discount_total": "0.00",
        "tax_total": "48.00",
        "total": "288.00",
        "amount_paid": "0.00",
        "amount_due": "288.00",
    }
    includes = {"client": Include("clients", relation="client")}

    def make(self, data: dict[str, Any]) -> Invoice:
        return rules.create(data, actor=self.actor)

    def change(self, record: Invoice, data: dict[str, Any]) -> None:
        rules.change(record, data, actor=self.actor)

    def remove(self, record: Invoice) -> None:
        rules.delete(record, actor=self.actor)

    @command(event=None, methods=("patch",), takes=StatusSerializer)
    def status(self, invoice: Invoice, status: str) -> None:
        """Bring the invoice into another state, with that state's event."""
        rules.move(invoice, status, actor=self.actor)

    @command(event="sent")
    def send(self, invoice: Invoice) -> None:
        """Send a draft: it gets its number, and its lines are frozen."""
        rules.move(invoice, Status.SENT, actor=self.actor)

    @command(event="paid")
    def mark_paid(self, invoice: Invoice) -> None:
        """Note that all that is due has been paid: a payment of it is made, by the method `other`."""
        rules.move(invoice, Status.PAID, actor=self.actor)

    @command(event="voided")
    def void(self, invoice: Invoice) -> None:
        """Declare the invoice void; its number stays taken."""
        rules.move(invoice, Status.VOID, actor=self.actor)
