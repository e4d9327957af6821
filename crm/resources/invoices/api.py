"""Invoices on the wire."""

from crm.resources.invoices import rules
from crm.resources.invoices.models import Invoice, InvoiceLine, Status
from crm.resources.orders.models import Order
from crm.resources.quotes.models import Quote
from crm.rest.fields import IdField, MoneyField, ReferenceField, StrictChar, StrictChoice
from crm.rest.filters import IdFilter
from crm.rest.serializers import ResourceSerializer, Shape
from crm.rest.viewset import Include
from crm.rest.writes import command
from crm.sales.api import EXAMPLE, LINES, DocumentFilter, DocumentSerializer, DocumentViewSet, LineItemSerializer
from crm.standards import MomentText

__all__ = ["InvoiceViewSet"]


class AccountingSerializer(Shape):
    """Where the accounting system has the invoice."""

    status = StrictChoice(
        ["pending", "exported", "failed", "ignored"], default="pending", help_text="Where the hand-over stands."
    )
    reference = StrictChar(max_length=100, required=False, allow_null=True, help_text="Its id over there.")
    exported_at = MomentText(required=False, allow_null=True, help_text="When it was handed over.")


class InvoiceLineItemSerializer(LineItemSerializer):
    """One line of an invoice: what it leaves out comes from its {product}."""

    class Meta(LineItemSerializer.Meta):
        model = InvoiceLine


class InvoiceSerializer(DocumentSerializer):
    """A bill. Totals, number and status are the server's."""

    id = IdField("inv")
    line_items = InvoiceLineItemSerializer(**LINES, help_text="What is billed; frozen once it is sent.")
    amount_paid = MoneyField(read_only=True, help_text="What has been paid so far.")
    amount_due = MoneyField(read_only=True, help_text="What is still to be paid.")
    accounting = AccountingSerializer(required=False, allow_null=True, help_text="Where your accounting system has it.")
    quote_id = ReferenceField(Quote, "quo", read_only=True, help_text="The {quote} that was converted into it.")
    order_id = ReferenceField(Order, "ord", read_only=True, help_text="The order that it bills.")

    class Meta(DocumentSerializer.Meta):
        model = Invoice
        fields = [
            "id", "client_id", "number", "status", "issue_date", "due_date", "currency", "line_items", "subtotal",
            "discount_total", "tax_total", "total", "amount_paid", "amount_due", "notes", "terms", "accounting",
            "external_ref", "quote_id", "order_id", "sent_at", "paid_at", "created_at", "updated_at",
        ]  # fmt: skip


class StatusSerializer(ResourceSerializer):
    """The state to bring the invoice into."""

    example = {"status": "sent"}

    status = StrictChoice(Status.choices, help_text="The next state; an illegal one is refused with the allowed ones.")

    class Meta:
        model = Invoice
        fields = ["status"]


class InvoiceFilter(DocumentFilter):
    """What invoices can be filtered by."""

    id = IdFilter(prefix="inv")
    quote_id = IdFilter(prefix="quo")
    order_id = IdFilter(prefix="ord")

    class Meta(DocumentFilter.Meta):
        model = Invoice
        fields = [*DocumentFilter.Meta.fields, "due_date", "amount_paid", "amount_due"]


class InvoiceViewSet(DocumentViewSet):
    """Bills sent to a {client}; totals and numbers are the server's. A sent invoice's lines are frozen."""

    resource, plural, prefix = "invoice", "invoices", "inv"
    model = Invoice
    serializer_class = InvoiceSerializer
    filterset_class = InvoiceFilter
    ordering_fields = (*DocumentViewSet.ordering_fields, "due_date")
    example = {"due_date": "2026-02-28", **EXAMPLE, "amount_paid": "0.00", "amount_due": "288.00"}
    includes = {
        "client": Include("clients", relation="client"),
        "quote": Include("quotes", relation="quote"),
        "order": Include("orders", relation="order"),
    }
    emits = {
        "sent": "The {invoice} was sent: it has its number, and its lines are frozen.",
        "partially_paid": "Money came in for the {invoice}, and more is due.",
        "paid": "Nothing is due any more: the {invoice} is paid in full.",
        "overdue": "The last day of the {invoice} went by, and something is still due.",
        "refunded": "Money that the {invoice} had was given back: that much is due again.",
        "marked_uncollectible": "Nobody expects any more that the {invoice} will be paid.",
        "voided": "The {invoice} was declared void; its number stays taken.",
    }

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
