"""Orders on the wire."""

from crm.resources.invoices.models import Invoice
from crm.resources.orders import rules
from crm.resources.orders.models import Order, OrderLine, Status
from crm.resources.quotes.models import Quote
from crm.rest.fields import IdField, ReferenceField, StrictChoice
from crm.rest.filters import IdFilter
from crm.rest.serializers import Shape
from crm.rest.viewset import Include
from crm.rest.writes import command
from crm.sales.api import EXAMPLE, LINES, DocumentFilter, DocumentSerializer, DocumentViewSet, LineItemSerializer

__all__ = ["OrderViewSet"]


class OrderLineItemSerializer(LineItemSerializer):
    """One line of an order: what it leaves out comes from its {product}."""

    class Meta(LineItemSerializer.Meta):
        model = OrderLine


class OrderSerializer(DocumentSerializer):
    """An order. Totals, number and status are the server's."""

    id = IdField("ord")
    line_items = OrderLineItemSerializer(**LINES, help_text="What is ordered; frozen once it is confirmed.")
    quote_id = ReferenceField(Quote, "quo", read_only=True, help_text="The {quote} that was converted into it.")
    invoice_id = ReferenceField(Invoice, "inv", read_only=True, help_text="The invoice that bills it.")

    class Meta(DocumentSerializer.Meta):
        model = Order
        fields = [
            "id", "client_id", "number", "status", "issue_date", "currency", "line_items", "subtotal",
            "discount_total", "tax_total", "total", "notes", "terms", "external_ref", "quote_id", "invoice_id",
            "confirmed_at", "fulfilled_at", "cancelled_at", "created_at", "updated_at",
        ]  # fmt: skip


class StatusSerializer(Shape):
    """The state to bring the order into."""

    example = {"status": "confirmed"}

    status = StrictChoice(Status.choices, help_text="The next state; an illegal one is refused with the allowed ones.")


class OrderFilter(DocumentFilter):
    """What orders can be filtered by."""

    id = IdFilter(prefix="ord")
    quote_id = IdFilter(prefix="quo")
    invoice_id = IdFilter(prefix="inv")

    class Meta(DocumentFilter.Meta):
        model = Order


class OrderViewSet(DocumentViewSet):
    """What {clients} have ordered: confirmed, fulfilled or cancelled, and billed once. Lines are frozen after draft."""

    resource, plural, prefix = "order", "orders", "ord"
    model = Order
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    example = EXAMPLE
    includes = {
        "client": Include("clients", relation="client"),
        "quote": Include("quotes", relation="quote"),
        "invoice": Include("invoices", relation="invoice"),
    }
    emits = {
        "confirmed": "The {order} was confirmed: it has its number, and its lines are frozen.",
        "fulfilled": "Everything in the {order} was delivered or done.",
        "cancelled": "The {order} was called off.",
        "invoiced": "The {order} was billed: {invoice_id} names the draft.",
    }

    @command(event=None, methods=("patch",), takes=StatusSerializer)
    def status(self, order: Order, status: str) -> None:
        """Bring the order into another state, with that state's event."""
        rules.move(order, status, actor=self.actor)

    @command(event="confirmed")
    def confirm(self, order: Order) -> None:
        """Confirm a draft: it gets its number, and its lines are frozen."""
        rules.move(order, Status.CONFIRMED, actor=self.actor)

    @command(event="fulfilled")
    def fulfill(self, order: Order) -> None:
        """Note that everything has been delivered or done."""
        rules.move(order, Status.FULFILLED, actor=self.actor)

    @command(event="cancelled")
    def cancel(self, order: Order) -> None:
        """Call the order off; its number stays taken."""
        rules.move(order, Status.CANCELLED, actor=self.actor)

    @command(event="invoiced")
    def invoice(self, order: Order) -> None:
        """Make a draft of an invoice with the order's lines, once; the order then names it."""
        rules.bill(order, actor=self.actor)
