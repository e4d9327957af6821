"""Invoices, their lines, and the counter that numbers them."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from crm.money import NumericField, Totals, rounded
from crm.sales.models import Counter, Document, Line

__all__ = ["TRANSITIONS", "Invoice", "InvoiceCounter", "InvoiceLine", "Status"]


class Status(models.TextChoices):
    """Where an invoice stands."""

    DRAFT = "draft"
    SENT = "sent"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERDUE = "overdue"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.DRAFT: (Status.SENT, Status.VOID),
    Status.SENT: (Status.PAID, Status.OVERDUE, Status.VOID, Status.UNCOLLECTIBLE),
    Status.PARTIALLY_PAID: (Status.PAID, Status.OVERDUE, Status.UNCOLLECTIBLE),
    Status.OVERDUE: (Status.PAID, Status.VOID, Status.UNCOLLECTIBLE),
    Status.UNCOLLECTIBLE: (Status.PAID, Status.VOID),
    Status.PAID: (),
    Status.VOID: (),
}


class InvoiceCounter(Counter):
    """The last number given to an invoice in a year."""


class Invoice(Document):
    """A bill: what a client owes, and how much of it has been paid."""

    status = models.CharField(
        max_length=14,
        choices=Status,
        default=Status.DRAFT,
        editable=False,
        help_text="Changed by PATCH /status, the commands, and payments.",
    )
    due_date = models.DateField(null=True, help_text="The last day to pay; after it a sent invoice is overdue.")
    amount_paid = NumericField(editable=False, help_text="What has been paid so far.")
    amount_due = NumericField(editable=False, help_text="What is still to be paid.")
    accounting = models.JSONField(null=True, help_text="Where your accounting system has it.")
    quote = models.ForeignKey(
        "crm.Quote", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_constraint=False
    )
    order = models.ForeignKey(
        "crm.Order", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_constraint=False
    )
    sent_at = models.DateTimeField(null=True, editable=False, help_text="When it was sent.")
    paid_at = models.DateTimeField(null=True, editable=False, help_text="When it was paid in full.")

    letters, counter, opened = "INV", InvoiceCounter, Status.SENT
    instead_of_changing = "Void it and make a new one."
    instead_of_deleting = "Void it instead."

    class Meta(Document.Meta):
        verbose_name_plural = "invoices"
        constraints = [
            *Document.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "quote"], name="invoice_quote"),
            models.UniqueConstraint(fields=["tenant", "order"], name="invoice_order"),
            models.CheckConstraint(condition=Q(amount_due=F("total") - F("amount_paid")), name="invoice_due_adds_up"),
            models.CheckConstraint(condition=Q(total__gte=0, amount_paid__gte=0), name="invoice_not_negative"),
            models.CheckConstraint(condition=Q(amount_paid__lte=F("total")), name="invoice_not_overpaid"),
        ]
        indexes = [
            *Document.Meta.indexes,
            models.Index(fields=["tenant", "status", "due_date"], name="invoice_due"),
        ]

    def take_totals(self, totals: Totals) -> None:
        """Put the totals of its lines on it, and what is due of them."""
        super().take_totals(totals)
        self.amount_paid = rounded(self.amount_paid or Decimal(0), self.currency)
        self.amount_due = self.total - self.amount_paid


class InvoiceLine(Line):
    """One line of an invoice."""

    inside = "invoice"

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="line_items", db_constraint=False)

    class Meta(Line.Meta):
        verbose_name_plural = "invoices"
        constraints = [models.UniqueConstraint(fields=["tenant", "invoice", "position"], name="invoiceline_position")]
