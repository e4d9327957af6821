"""Payments, what of them went to which invoice, and what was given back."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from crm.money import NumericField
from crm.resources.clients.models import Client
from crm.resources.invoices.models import Invoice
from tenants.models import TenantModel, TenantRow
from tenants.words import search_column, search_index

__all__ = ["COLLECTED", "TRANSITIONS", "Allocation", "Method", "Payment", "Refund", "Status"]


class Status(models.TextChoices):
    """Where a payment stands."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.PENDING: (Status.SUCCEEDED, Status.FAILED),
    Status.SUCCEEDED: (Status.PARTIALLY_REFUNDED, Status.REFUNDED),
    Status.PARTIALLY_REFUNDED: (Status.PARTIALLY_REFUNDED, Status.REFUNDED),
    Status.FAILED: (),
    Status.REFUNDED: (),
}
# Those whose money has come in, whatever became of it.
COLLECTED = (Status.SUCCEEDED, Status.PARTIALLY_REFUNDED, Status.REFUNDED)


class Method(models.TextChoices):
    """How it was paid."""

    CARD = "card"
    BANK_TRANSFER = "bank_transfer"
    CASH = "cash"
    CHECK = "check"
    OTHER = "other"


class Payment(TenantModel):
    """Money from a client: allocated to invoices, given back, or still the client's credit, to the last cent."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="payments", db_constraint=False)
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, null=True, related_name="payments", db_constraint=False
    )
    status = models.CharField(
        max_length=18, choices=Status, default=Status.SUCCEEDED, help_text="Changed later by the commands."
    )
    amount = NumericField(help_text="How much was paid.")
    currency = models.CharField(max_length=3, help_text="ISO 4217.")
    method = models.CharField(max_length=13, choices=Method, help_text="How it was paid.")
    reference = models.CharField(
        max_length=200, null=True, help_text="What finds it elsewhere, like a check's number or a bank's text."
    )
    paid_at = models.DateTimeField(null=True, help_text="When it was collected, or of a pending one, when it will be.")
    amount_allocated = NumericField(editable=False, help_text="What of it went to invoices.")
    amount_refunded = NumericField(editable=False, help_text="What of it was given back.")
    amount_unallocated = NumericField(editable=False, help_text="What is left of it: the {client}'s credit.")
    notes = models.TextField(null=True, max_length=5000, help_text="Free text for staff.")
    external_ref = models.CharField(max_length=100, null=True, help_text="Your own id for it; unique.")
    metadata = models.JSONField(default=dict, help_text="Data of the program that calls, kept as it comes.")
    search = search_column("reference", "external_ref")

    instead_of_deleting = "Refund it instead."

    class Meta:
        verbose_name_plural = "payments"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "external_ref"], name="payment_external_ref"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount_allocated__gte=0, amount_refunded__gte=0, amount_unallocated__gte=0),
                name="payment_not_negative",
            ),
            # What has not come in cannot go anywhere; what has is somewhere, and never more than it was.
            models.CheckConstraint(
                condition=Q(
                    status__in=COLLECTED,
                    amount=F("amount_allocated") + F("amount_refunded") + F("amount_unallocated"),
                )
                | Q(~Q(status__in=COLLECTED), amount_allocated=0, amount_refunded=0, amount_unallocated=0),
                name="payment_adds_up",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=COLLECTED) | Q(paid_at__isnull=False), name="payment_collected_at"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="payment_latest"),
            models.Index(fields=["tenant", "client", "-created_at"], name="payment_client"),
            models.Index(fields=["tenant", "invoice"], name="payment_invoice"),
            # What a month brought is added up from the index alone.
            models.Index(fields=["tenant", "paid_at"], include=["status", "currency", "amount"], name="payment_paid"),
            search_index("payment_words"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class Allocation(TenantRow):
    """What of a payment went to one invoice."""

    # Counted as its payment where it keeps an invoice from being deleted.
    inside = "payment"

    payment = models.ForeignKey(Payment, on_delete=models.CASCADE, related_name="allocations", db_constraint=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="allocations", db_constraint=False)
    amount = NumericField(help_text="How much of the payment.")
    at = models.DateTimeField(default=timezone.now, help_text="When it was allocated.")

    class Meta:
        verbose_name_plural = "payments"
        ordering = ["at", "id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="allocation_positive")]
        indexes = [
            models.Index(fields=["tenant", "payment", "at"], name="allocation_payment"),
            models.Index(fields=["tenant", "invoice", "at"], name="allocation_invoice"),
        ]

    def __str__(self) -> str:
        return f"{self.amount}"


class Refund(TenantRow):
    """What of a payment was given back at once."""

    payment = models.ForeignKey(Payment, on_delete=models.CASCADE, related_name="refunds", db_constraint=False)
    amount = NumericField(help_text="How much was given back.")
    reason = models.CharField(max_length=500, help_text="Why it was given back.")
    at = models.DateTimeField(default=timezone.now, help_text="When it was given back.")

    class Meta:
        verbose_name_plural = "payments"
        ordering = ["at", "id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="refund_positive")]
        indexes = [
            models.Index(fields=["tenant", "payment", "at"], name="refund_payment"),
            models.Index(fields=["tenant", "at"], name="refund_at"),
        ]

    def __str__(self) -> str:
        return f"{self.amount}"
