"""Quotes on the wire."""

from typing import Any

from rest_framework import serializers

from crm.resources.invoices.models import Invoice
from crm.resources.orders.models import Order
from crm.resources.quotes import rules
from crm.resources.quotes.models import Quote, QuoteLine, Status
from crm.rest.fields import IdField, ReferenceField, StrictChar, StrictChoice, StrictInteger
from crm.rest.filters import IdFilter
from crm.rest.serializers import Shape
from crm.rest.viewset import Include
from crm.rest.writes import command
from crm.sales.api import EXAMPLE, LINES, DocumentFilter, DocumentSerializer, DocumentViewSet, LineItemSerializer
from crm.standards import EmailField, MomentText

__all__ = ["QuoteViewSet"]

# The states that need no more than their name; a quote is accepted by somebody, and converted to something.
PLAIN = (Status.SENT, Status.APPROVED, Status.DECLINED, Status.EXPIRED)


class AcceptanceSerializer(Shape):
    """Who accepted the offer, when, from where, and which version of it."""

    name = StrictChar(help_text="Who accepted it.")
    email = EmailField(allow_null=True, help_text="That person's e-mail address.")
    at = MomentText(help_text="When.")
    address = serializers.IPAddressField(allow_null=True, help_text="The network address that the request came from.")
    version = StrictInteger(help_text="The version of the record that was accepted, as its ETag had it.")


class QuoteLineItemSerializer(LineItemSerializer):
    """One line of the {quote}: what it leaves out comes from its {product}."""

    class Meta(LineItemSerializer.Meta):
        model = QuoteLine


class QuoteSerializer(DocumentSerializer):
    """An offer. Totals, number and status are the server's."""

    id = IdField("quo")
    line_items = QuoteLineItemSerializer(**LINES, help_text="What is offered; frozen once it is sent.")
    supersedes_id = ReferenceField(Quote, "quo", read_only=True, help_text="The version whose place it takes.")
    superseded_by_id = ReferenceField(
        Quote, "quo", read_only=True, help_text="The version that took its place: it can then not be accepted."
    )
    acceptance = AcceptanceSerializer(read_only=True, help_text="Who accepted it, when, from where, and what.")
    invoice_id = ReferenceField(Invoice, "inv", read_only=True, help_text="The invoice that it was converted to.")
    order_id = ReferenceField(Order, "ord", read_only=True, help_text="The order that it was converted to.")

    class Meta(DocumentSerializer.Meta):
        model = Quote
        fields = [
            "id", "client_id", "number", "status", "revision", "supersedes_id", "superseded_by_id", "issue_date",
            "valid_until", "currency", "line_items", "subtotal", "discount_total", "tax_total", "total", "notes",
            "terms", "external_ref", "sent_at", "approved_at", "accepted_at", "acceptance", "declined_at",
            "decline_reason", "invoice_id", "order_id", "created_at", "updated_at",
        ]  # fmt: skip


class StatusSerializer(Shape):
    """The state to bring the {quote} into."""

    example = {"status": "approved"}

    status = StrictChoice(PLAIN, help_text="The next state; POST /accept and POST /convert lead to the others.")


class AcceptSerializer(Shape):
    """Who accepts the {quote}."""

    example = {"name": "Ada Lovelace", "email": "ada@example.com"}

    name = StrictChar(max_length=200, help_text="Who accepts it.")
    email = EmailField(required=False, allow_null=True, help_text="That person's e-mail address.")


class DeclineSerializer(Shape):
    """Why the {quote} is declined."""

    example = {"reason": "Too late in the year for us."}

    reason = StrictChar(max_length=1000, required=False, allow_null=True, help_text="Why, in the {client}'s words.")


class ConvertSerializer(Shape):
    """What the {quote} becomes."""

    example = {"to": "invoice"}

    to = StrictChoice(list(rules.TARGETS), help_text="What it becomes: a draft with the same lines.")


class QuoteFilter(DocumentFilter):
    """What quotes can be filtered by."""

    id = IdFilter(prefix="quo")
    supersedes_id = IdFilter(prefix="quo")
    superseded_by_id = IdFilter(prefix="quo")
    invoice_id = IdFilter(prefix="inv")
    order_id = IdFilter(prefix="ord")

    class Meta(DocumentFilter.Meta):
        model = Quote
        fields = [*DocumentFilter.Meta.fields, "revision", "valid_until", "sent_at", "accepted_at"]


class QuoteViewSet(DocumentViewSet):
    """Offers to a {client}. Once sent they are frozen: a new version takes the place of one that is to change."""

    resource, plural, prefix = "quote", "quotes", "quo"
    model = Quote
    serializer_class = QuoteSerializer
    filterset_class = QuoteFilter
    ordering_fields = (*DocumentViewSet.ordering_fields, "valid_until")
    example = {"valid_until": "2026-02-28", **EXAMPLE}
    includes = {
        "client": Include("clients", relation="client"),
        "invoice": Include("invoices", relation="invoice"),
        "order": Include("orders", relation="order"),
    }
    emits = {
        "sent": "The {quote} was sent: it has its number, and what it offers is frozen.",
        "approved": "What the {quote} offers was agreed; it still has to be accepted.",
        "accepted": "The {quote} was accepted; {acceptance} tells by whom.",
        "declined": "The {client} does not want what the {quote} offers.",
        "expired": "The last day of the {quote} went by without an answer.",
        "converted": "The {quote} became a draft of an {invoice} or an {order}, which it now names.",
        "revised": "A new version took the place of the {quote}: {superseded_by_id} names it.",
    }

    def remove(self, record: Any) -> None:
        rules.delete(record, actor=self.actor)

    @command(event=None, methods=("patch",), takes=StatusSerializer)
    def status(self, quote: Quote, status: str) -> None:
        """Bring the {quote} into another state, with that state's event."""
        rules.move(quote, status, actor=self.actor)

    @command(event="sent")
    def send(self, quote: Quote) -> None:
        """Send a draft: it gets its number, and what it offers is frozen."""
        rules.move(quote, Status.SENT, actor=self.actor)

    @command(event="approved")
    def approve(self, quote: Quote) -> None:
        """Note that what it offers is agreed; it still has to be accepted."""
        rules.move(quote, Status.APPROVED, actor=self.actor)

    @command(event="accepted", takes=AcceptSerializer)
    def accept(self, quote: Quote, name: str, email: str | None) -> None:
        """Accept the {quote} on behalf of a person; its `acceptance` keeps who, when, from where and which version."""
        rules.accept(quote, name=name, email=email, actor=self.actor)

    @command(event="declined", takes=DeclineSerializer)
    def decline(self, quote: Quote, reason: str | None) -> None:
        """Note that the {client} does not want it, and why."""
        rules.decline(quote, reason=reason, actor=self.actor)

    @command(event="converted", takes=ConvertSerializer)
    def convert(self, quote: Quote, to: str) -> None:
        """Make a draft of an invoice or an order out of an accepted {quote}, once; the {quote} then names it."""
        rules.convert(quote, to, actor=self.actor)

    @command(event="revised")
    def revise(self, quote: Quote) -> None:
        """Make a draft that takes the {quote}'s place; the {quote} then names it, and cannot be accepted any more."""
        rules.revise(quote, actor=self.actor)
