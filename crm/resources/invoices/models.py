"""Invoices, their lines, and the counter that numbers them."""

from decimal import Decimal

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from crm.money import NumericField
from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from crm.rest.filters import search_column
from tenants.models import TenantModel, TenantRow

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


class Invoice(TenantModel):
    """A bill: its totals follow from its lines, its number from the year in which it leaves draft."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="invoices", db_constraint=False)
    number = models.CharField(
        max_length=30, null=True, editable=False, help_text="Gapless within a year; given when it leaves draft."
    )
    status = models.CharField(
        max_length=14,
        choices=Status,
        default=Status.DRAFT,
        editable=False,
        help_text="Changed by PATCH /status, the commands, and payments.",
    )
    issue_date = models.DateField(help_text="The day it is dated; today unless told.")
    due_date = models.DateField(null=True, help_text="The last day to pay; after it a sent invoice is overdue.")
    currency = models.CharField(max_length=3, help_text="ISO 4217; the client's or the tenant's unless told.")
    subtotal = NumericField(editable=False, help_text="The lines before discounts and tax.")
    discount_total = NumericField(editable=False, help_text="What the discounts take off.")
    tax_total = NumericField(editable=False, help_text="The tax on the lines.")
    total = NumericField(editable=False, help_text="What the client owes in all.")
    amount_paid = NumericField(editable=False, help_text="What has been paid so far.")
    amount_due = NumericField(editable=False, help_text="What is still to be paid.")
    notes = models.TextField(null=True, max_length=5000, help_text="Text for the client, below the lines.")
    terms = models.TextField(null=True, max_length=5000, help_text="Terms of payment.")
    accounting = models.JSONField(null=True, help_text="Where your accounting system has it.")
    external_ref = models.CharField(max_length=100, null=True, help_text="Your own id for it; unique.")
    sent_at = models.DateTimeField(null=True, editable=False, help_text="When it was sent.")
    paid_at = models.DateTimeField(null=True, editable=False, help_text="When it was paid in full.")
    search = search_column("number", "external_ref")

    instead_of_deleting = "Void it instead."

    class Meta:
        verbose_name_plural = "invoices"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="invoice_number"),
            models.UniqueConstraint(fields=["tenant", "external_ref"], name="invoice_external_ref"),
            models.CheckConstraint(condition=Q(status=Status.DRAFT) | Q(number__isnull=False), name="invoice_numbered"),
            models.CheckConstraint(
                condition=Q(total=F("subtotal") - F("discount_total") + F("tax_total")), name="invoice_adds_up"
            ),
            models.CheckConstraint(condition=Q(amount_due=F("total") - F("amount_paid")), name="invoice_due_adds_up"),
            models.CheckConstraint(condition=Q(total__gte=0, amount_paid__gte=0), name="invoice_not_negative"),
            models.CheckConstraint(condition=Q(amount_paid__lte=F("total")), name="invoice_not_overpaid"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="invoice_latest"),
            models.Index(fields=["tenant", "client", "-created_at"], name="invoice_client"),
            models.Index(fields=["tenant", "status", "due_date"], name="invoice_due"),
            GinIndex(fields=["search"], name="invoice_search"),
        ]

    def __str__(self) -> str:
        return self.number or "Draft"


class InvoiceLine(TenantRow):
    """One line of an invoice."""

    # Counted as its invoice where it keeps a product from being deleted.
    inside = "invoice"

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="line_items", db_constraint=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False)
    position = models.PositiveSmallIntegerField()
    description = models.CharField(max_length=1000, help_text="What is billed; the product's name unless told.")
    quantity = NumericField(help_text="How many; decimals are fine.")
    rate = NumericField(help_text="Price of one, before tax; the product's unless told.")
    discount_percent = NumericField(default=Decimal(0), help_text="Percent taken off the line.")
    tax_rate = NumericField(default=Decimal(0), help_text="Percent: 20 means 20 %; the product's unless told.")
    amount = NumericField(help_text="What the line costs before tax.")

    class Meta:
        verbose_name_plural = "invoices"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["tenant", "invoice", "position"], name="line_position")]
        indexes = [models.Index(fields=["tenant", "product"], name="line_product")]

    def __str__(self) -> str:
        return self.description


class InvoiceCounter(TenantRow):
    """The last number given in a year; its row is locked while one is given, so numbers have no gaps and no doubles."""

    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "year"], name="counter_year")]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"
