"""What quotes, orders and invoices are made of: a document with totals, its lines, and the counter that numbers it."""

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from crm.money import NumericField, Totals
from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from tenants.models import TenantModel, TenantRow
from tenants.words import search_column, search_index

__all__ = ["DRAFT", "Counter", "Document", "Line"]

# Every document begins as one, without a number; nothing is frozen yet.
DRAFT = "draft"


class Counter(TenantRow):
    """The last number given in a year; its row is locked while one is given, so numbers have no gaps and no doubles."""

    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField()

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["tenant", "year"], name="%(class)s_year")]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class Document(TenantModel):
    """A quote, an order or an invoice: its totals follow from its lines, its number from the year it is dated in."""

    # How its numbers begin, and who counts them.
    letters: ClassVar[str]
    counter: ClassVar[type[Counter]]
    # The state in which it begins to count: no draft comes there without lines.
    opened: ClassVar[str]
    # What a client has seen does not change behind their back; the way out says what to do instead.
    frozen: ClassVar[tuple[str, ...]] = ("client_id", "currency", "issue_date", "line_items")
    instead_of_changing: ClassVar[str]

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="%(class)ss", db_constraint=False)
    number = models.CharField(
        max_length=30, null=True, editable=False, help_text="Gapless within a year; given when it leaves draft."
    )
    issue_date = models.DateField(help_text="The day it is dated; today unless told.")
    currency = models.CharField(max_length=3, help_text="ISO 4217; the {client}'s or the tenant's unless told.")
    subtotal = NumericField(editable=False, help_text="The lines before discounts and tax.")
    discount_total = NumericField(editable=False, help_text="What the discounts take off.")
    tax_total = NumericField(editable=False, help_text="The tax on the lines.")
    total = NumericField(editable=False, help_text="What it comes to, discounts taken off and tax added.")
    notes = models.TextField(null=True, max_length=5000, help_text="Text for the {client}, below the lines.")
    terms = models.TextField(null=True, max_length=5000, help_text="The terms that it goes by.")
    external_ref = models.CharField(max_length=100, null=True, help_text="Your own id for it; unique.")
    search = search_column("number", "external_ref")

    status: Any
    line_items: Any

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="%(class)s_number"),
            models.UniqueConstraint(fields=["tenant", "external_ref"], name="%(class)s_external_ref"),
            models.CheckConstraint(condition=Q(status=DRAFT) | Q(number__isnull=False), name="%(class)s_numbered"),
            models.CheckConstraint(
                condition=Q(total=F("subtotal") - F("discount_total") + F("tax_total")), name="%(class)s_adds_up"
            ),
            models.CheckConstraint(condition=Q(total__gte=0), name="%(class)s_total_not_negative"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="%(class)s_latest"),
            models.Index(fields=["tenant", "client", "-created_at"], name="%(class)s_client"),
            search_index("%(class)s_words"),
        ]

    def __str__(self) -> str:
        return self.number or "Draft"

    @classmethod
    def line_model(cls) -> "type[Line]":
        """Return the model of its lines."""
        return cls._meta.get_field("line_items").related_model  # type: ignore[return-value]

    def take_totals(self, totals: Totals) -> None:
        """Put the totals of its lines on it."""
        self.subtotal, self.discount_total = totals.subtotal, totals.discount_total
        self.tax_total, self.total = totals.tax_total, totals.total


class Line(TenantRow):
    """One line of a document."""

    # The name of the key to its document, as which it is counted where it keeps a product from being deleted.
    inside: ClassVar[str]

    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False)
    position = models.PositiveSmallIntegerField()
    description = models.CharField(max_length=1000, help_text="What is sold; the {product}'s name unless told.")
    quantity = NumericField(help_text="How many; decimals are fine.")
    rate = NumericField(help_text="Price of one, before tax; the {product}'s unless told.")
    discount_percent = NumericField(default=Decimal(0), help_text="Percent taken off the line.")
    tax_rate = NumericField(default=Decimal(0), help_text="Percent: 20 means 20 %; the {product}'s unless told.")
    amount = NumericField(help_text="What the line costs before tax.")

    class Meta:
        abstract = True
        ordering = ["position"]
        indexes = [models.Index(fields=["tenant", "product"], name="%(class)s_product")]

    def __str__(self) -> str:
        return self.description
