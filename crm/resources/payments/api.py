"""Payments on the wire."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from crm.resources.clients.models import Client
from crm.resources.invoices.models import Invoice
from crm.resources.payments import rules
from crm.resources.payments.models import Allocation, Payment, Refund, Status
from crm.rest.fields import IdField, MoneyField, OpaqueField, ReferenceField, StrictChoice
from crm.rest.filters import IdFilter, ResourceFilterSet
from crm.rest.serializers import ResourceSerializer
from crm.rest.viewset import Include, ResourceViewSet
from crm.rest.writes import command
from crm.standards import CurrencyField

__all__ = ["PaymentViewSet"]

# Above zero: no currency has smaller coins.
COIN: dict[str, Any] = {"low": Decimal("0.0001"), "places": 4}


class AllocationSerializer(ResourceSerializer):
    """What of a payment went to one invoice."""

    invoice_id = ReferenceField(Invoice, "inv", help_text="The {invoice} that it pays.")
    amount = MoneyField(help_text="How much of the {payment}.")

    class Meta:
        model = Allocation
        fields = ["invoice_id", "amount", "at"]


class RefundSerializer(ResourceSerializer):
    """What of a payment was given back at once."""

    amount = MoneyField(help_text="How much was given back.")

    class Meta:
        model = Refund
        fields = ["amount", "reason", "at"]


class PaymentSerializer(ResourceSerializer):
    """Money from a {client}. Where it went is the server's."""

    id = IdField("pay")
    client_id = ReferenceField(Client, "cli", help_text="Who paid.")
    invoice_id = ReferenceField(
        Invoice,
        "inv",
        required=False,
        allow_null=True,
        help_text="What it is made for: it pays that once it has succeeded, and the rest is the {client}'s credit.",
    )
    status = StrictChoice(
        Status.choices,
        accepts=(Status.SUCCEEDED, Status.PENDING),
        default=Status.SUCCEEDED,
        help_text="A new one has succeeded or is pending; later the commands change it.",
    )
    amount = MoneyField(help_text="How much was paid.", **COIN)
    currency = CurrencyField(
        required=False, help_text="ISO 4217; the {invoice}'s, the {client}'s or the tenant's unless told."
    )
    amount_allocated = MoneyField(read_only=True, help_text="What of it went to {invoices}.")
    amount_refunded = MoneyField(read_only=True, help_text="What of it was given back.")
    amount_unallocated = MoneyField(read_only=True, help_text="What is left of it: the {client}'s credit.")
    allocations = AllocationSerializer(
        many=True, read_only=True, help_text="The {invoices} that it pays, oldest first."
    )
    refunds = RefundSerializer(many=True, read_only=True, help_text="What was given back, and why, oldest first.")
    metadata = OpaqueField(required=False, help_text="Data of the calling program, kept as it comes; at most 64 KB.")

    class Meta:
        model = Payment
        fields = [
            "id", "client_id", "invoice_id", "status", "amount", "currency", "method", "reference", "paid_at",
            "amount_allocated", "amount_refunded", "amount_unallocated", "allocations", "refunds", "notes",
            "external_ref", "metadata", "created_at", "updated_at",
        ]  # fmt: skip
        fixed = ("client_id", "invoice_id", "status", "amount", "currency", "paid_at")


class AllocateSerializer(ResourceSerializer):
    """Which invoice the payment shall pay."""

    invoice_id = ReferenceField(Invoice, "inv", help_text="An open {invoice} of the same {client} and currency.")
    amount = MoneyField(required=False, help_text="How much of the {payment}; as much as fits unless told.", **COIN)

    class Meta:
        model = Allocation
        fields = ["invoice_id", "amount"]


class GiveBackSerializer(ResourceSerializer):
    """How much to give back, and why."""

    example = {"amount": "20.00", "reason": "The second visit was not needed."}

    amount = MoneyField(required=False, help_text="How much to give back; all that is left unless told.", **COIN)

    class Meta:
        model = Refund
        fields = ["amount", "reason"]


class PaymentFilter(ResourceFilterSet):
    """What payments can be filtered by."""

    id = IdFilter(prefix="pay")
    client_id = IdFilter(prefix="cli")
    invoice_id = IdFilter(prefix="inv")

    class Meta:
        model = Payment
        fields = [
            "status", "amount", "currency", "method", "reference", "paid_at", "amount_allocated", "amount_refunded",
            "amount_unallocated", "external_ref", "created_at", "updated_at",
        ]  # fmt: skip


class PaymentViewSet(ResourceViewSet):
    """Money that {clients} have paid, and the invoices that it went to.

    What of a payment no invoice took is the {client}'s credit: `{amount_unallocated}[gt]=0` finds it, together with the
    {client}'s id. Money that has come in is refunded, not deleted.
    """

    resource, plural, prefix = "payment", "payments", "pay"
    model = Payment
    serializer_class = PaymentSerializer
    filterset_class = PaymentFilter
    search_fields = ("search", "client__search")
    ordering_fields = ("created_at", "updated_at", "paid_at", "amount")
    example = {
        "amount": "288.00",
        "currency": "EUR",
        "method": "bank_transfer",
        "reference": "RF18 5390 0754 7034",
        "amount_unallocated": "288.00",
    }
    includes = {
        "client": Include("clients", relation="client"),
        "invoice": Include("invoices", relation="invoice"),
    }
    emits = {
        "succeeded": "The money of the {payment} came in.",
        "failed": "The money of the {payment} will not come.",
        "allocated": "A part of the {payment}, or all of it, went to an {invoice}.",
        "refunded": "A part of the {payment}, or all of it, was given back; {refunds} tells how much, and why.",
    }

    def make(self, data: dict[str, Any]) -> Payment:
        return rules.create(data, actor=self.actor)

    def remove(self, record: Payment) -> None:
        rules.delete(record, actor=self.actor)

    @command(event="succeeded")
    def succeed(self, payment: Payment) -> None:
        """Collect a pending payment: it pays the invoice that it was made for."""
        rules.succeed(payment, actor=self.actor)

    @command(event="failed")
    def fail(self, payment: Payment) -> None:
        """Note that a pending payment will not come."""
        rules.fail(payment, actor=self.actor)

    @command(event="allocated", takes=AllocateSerializer)
    def allocate(self, payment: Payment, invoice_id: UUID, amount: Decimal | None = None) -> None:
        """Let what is left of the payment pay an invoice, never more than is due on it."""
        rules.allocate(payment, invoice_id, actor=self.actor, amount=amount)

    @command(event="refunded", takes=GiveBackSerializer)
    def refund(self, payment: Payment, reason: str, amount: Decimal | None = None) -> None:
        """Give money back: first what is unallocated, then what invoices have, those paid last first.

        Those invoices are open again, as far as they lost it.
        """
        rules.refund(payment, reason=reason, actor=self.actor, amount=amount)
