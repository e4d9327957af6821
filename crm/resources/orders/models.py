"""Orders, their lines, and the counter that numbers them."""

from django.db import models

from crm.sales.models import Counter, Document, Line

__all__ = ["TRANSITIONS", "Order", "OrderCounter", "OrderLine", "Status"]


class Status(models.TextChoices):
    """Where an order stands."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.DRAFT: (Status.CONFIRMED, Status.CANCELLED),
    Status.CONFIRMED: (Status.FULFILLED, Status.CANCELLED),
    Status.FULFILLED: (),
    Status.CANCELLED: (),
}


class OrderCounter(Counter):
    """The last number given to an order in a year."""


class Order(Document):
    """What a client has ordered: confirmed, then fulfilled or cancelled, and billed once."""

    status = models.CharField(
        max_length=9,
        choices=Status,
        default=Status.DRAFT,
        editable=False,
        help_text="Changed by PATCH /status and the commands.",
    )
    quote = models.ForeignKey(
        "crm.Quote", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_constraint=False
    )
    invoice = models.ForeignKey(
        "crm.Invoice", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_constraint=False
    )
    confirmed_at = models.DateTimeField(null=True, editable=False, help_text="When it was confirmed.")
    fulfilled_at = models.DateTimeField(null=True, editable=False, help_text="When it was fulfilled.")
    cancelled_at = models.DateTimeField(null=True, editable=False, help_text="When it was cancelled.")

    letters, counter, opened = "ORD", OrderCounter, Status.CONFIRMED
    instead_of_changing = "Cancel it and make a new one."
    instead_of_deleting = "Cancel it instead."

    class Meta(Document.Meta):
        verbose_name_plural = "orders"
        constraints = [
            *Document.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "quote"], name="order_quote"),
        ]


class OrderLine(Line):
    """One line of an order."""

    inside = "order"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="line_items", db_constraint=False)

    class Meta(Line.Meta):
        verbose_name_plural = "orders"
        constraints = [models.UniqueConstraint(fields=["tenant", "order", "position"], name="orderline_position")]
