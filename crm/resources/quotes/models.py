"""Quotes, their lines, and the counter that numbers them."""

from django.db import models
from django.db.models import Q

from crm.sales.models import Counter, Document, Line

__all__ = ["TRANSITIONS", "Quote", "QuoteCounter", "QuoteLine", "Status"]


class Status(models.TextChoices):
    """Where a quote stands."""

    DRAFT = "draft"
    SENT = "sent"
    APPROVED = "approved"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    CONVERTED = "converted"


TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.DRAFT: (Status.SENT,),
    Status.SENT: (Status.APPROVED, Status.ACCEPTED, Status.DECLINED, Status.EXPIRED),
    Status.APPROVED: (Status.ACCEPTED, Status.DECLINED, Status.EXPIRED),
    Status.ACCEPTED: (Status.CONVERTED,),
    Status.DECLINED: (),
    Status.EXPIRED: (),
    Status.CONVERTED: (),
}


class QuoteCounter(Counter):
    """The last number given to a quote in a year."""


class Quote(Document):
    """An offer to a client: sent, perhaps approved, then accepted or declined; what is accepted is converted once."""

    status = models.CharField(
        max_length=9,
        choices=Status,
        default=Status.DRAFT,
        editable=False,
        help_text="Changed by PATCH /status and the commands.",
    )
    revision = models.PositiveSmallIntegerField(
        default=1, editable=False, help_text="Which version of the offer it is: 1, and one more with each revision."
    )
    supersedes = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_constraint=False
    )
    superseded_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_constraint=False
    )
    valid_until = models.DateField(null=True, help_text="The last day to accept it; after it a sent quote expires.")
    sent_at = models.DateTimeField(null=True, editable=False, help_text="When it was sent.")
    approved_at = models.DateTimeField(null=True, editable=False, help_text="When it was approved.")
    accepted_at = models.DateTimeField(null=True, editable=False, help_text="When it was accepted.")
    declined_at = models.DateTimeField(null=True, editable=False, help_text="When it was declined.")
    decline_reason = models.TextField(null=True, max_length=1000, editable=False, help_text="Why it was declined.")
    acceptance = models.JSONField(null=True, editable=False, help_text="Who accepted it, when, from where, and what.")
    invoice = models.ForeignKey(
        "crm.Invoice", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_constraint=False
    )
    order = models.ForeignKey(
        "crm.Order", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_constraint=False
    )

    letters, counter, opened = "QUO", QuoteCounter, Status.SENT
    # All of an offer is what the client accepts.
    frozen = (*Document.frozen, "valid_until", "notes", "terms")
    instead_of_changing = "Revise it while it is open, or make a new one."

    class Meta(Document.Meta):
        verbose_name_plural = "quotes"
        constraints = [
            *Document.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "supersedes"], name="quote_supersedes"),
            models.CheckConstraint(
                condition=Q(status__in=("accepted", "converted"), acceptance__isnull=False)
                | (~Q(status__in=("accepted", "converted")) & Q(acceptance=None)),
                name="quote_acceptance",
            ),
            models.CheckConstraint(condition=Q(invoice=None) | Q(order=None), name="quote_converted_once"),
            models.CheckConstraint(
                condition=~Q(status="converted") | Q(invoice__isnull=False) | Q(order__isnull=False),
                name="quote_converted_to",
            ),
        ]
        indexes = [
            *Document.Meta.indexes,
            models.Index(fields=["tenant", "status", "valid_until"], name="quote_valid"),
        ]


class QuoteLine(Line):
    """One line of a quote."""

    inside = "quote"

    quote = models.ForeignKey(Quote, on_delete=models.CASCADE, related_name="line_items", db_constraint=False)

    class Meta(Line.Meta):
        verbose_name_plural = "quotes"
        constraints = [models.UniqueConstraint(fields=["tenant", "quote", "position"], name="quoteline_position")]
