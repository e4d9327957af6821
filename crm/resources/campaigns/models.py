"""Campaigns, and the row by which each recipient gets one once."""

from django.db import models
from django.db.models import Q

from crm.resources.clients.models import Client
from crm.resources.lists.models import MarketingList
from tenants.models import TenantModel, TenantRow
from tenants.words import search_column, search_index

__all__ = ["TRANSITIONS", "Campaign", "Recipient", "State", "Status", "progress_of"]


class Status(models.TextChoices):
    """Where a campaign stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    CANCELLED = "cancelled"


TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.DRAFT: (Status.SCHEDULED, Status.SENDING, Status.CANCELLED),
    # Scheduled anew, for another time.
    Status.SCHEDULED: (Status.SCHEDULED, Status.SENDING, Status.CANCELLED),
    Status.SENDING: (Status.SENT, Status.CANCELLED),
    Status.SENT: (),
    Status.CANCELLED: (),
}


def progress_of(recipients: int = 0, sent: int = 0, skipped: int = 0, failed: int = 0) -> dict[str, int]:
    """Return how far a campaign has come."""
    return {"recipients": recipients, "sent": sent, "skipped": skipped, "failed": failed}


class Campaign(TenantModel):
    """One mail to the consenting members of a list."""

    name = models.CharField(max_length=200, help_text="What you call it; recipients do not see it.")
    subject = models.CharField(max_length=200, help_text="The mail's subject; it may hold placeholders.")
    body = models.TextField(
        max_length=50_000,
        help_text="The mail as plain text. Placeholders: {{ client.name }}, {{ client.email }}, "
        "{{ client.company_name }}, {{ organization.name }}, {{ unsubscribe_url }}; a link to unsubscribe is added "
        "to a text without the last.",
    )
    body_html = models.TextField(
        null=True,
        max_length=100_000,
        help_text="The same as HTML, for those who see it; what fills placeholders is escaped.",
    )
    list = models.ForeignKey(MarketingList, on_delete=models.PROTECT, related_name="campaigns", db_constraint=False)
    status = models.CharField(
        max_length=9, choices=Status, default=Status.DRAFT, editable=False, help_text="Changed by the commands."
    )
    scheduled_at = models.DateTimeField(null=True, editable=False, help_text="When it is due to be sent.")
    sent_at = models.DateTimeField(null=True, editable=False, help_text="When its last mail was handed over.")
    progress = models.JSONField(default=progress_of, editable=False, help_text="How far the sending has come.")
    search = search_column("name", "subject")

    instead_of_deleting = "Cancel it instead."

    class Meta:
        verbose_name_plural = "campaigns"
        constraints = [
            models.CheckConstraint(
                condition=~Q(status=Status.SCHEDULED) | Q(scheduled_at__isnull=False), name="campaign_has_its_time"
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.SENT) | Q(sent_at__isnull=False), name="campaign_sent_sometime"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="campaign_latest"),
            models.Index(fields=["tenant", "status", "scheduled_at"], name="campaign_due"),
            search_index("campaign_words"),
        ]

    def __str__(self) -> str:
        return self.name


class State(models.TextChoices):
    """Where one recipient's mail stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    SENT = "sent"
    SKIPPED = "skipped"
    FAILED = "failed"


class Recipient(TenantRow):
    """One member of the list when the sending began; whoever sends claims the row first."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="recipients", db_constraint=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    claimed_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, null=True)

    class Meta:
        verbose_name_plural = "campaigns"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "campaign", "client"], name="recipient_once"),
            models.CheckConstraint(
                condition=~Q(state=State.SENT) | Q(sent_at__isnull=False), name="recipient_sent_sometime"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "campaign", "state", "id"], name="recipient_next"),
            models.Index(fields=["tenant", "client"], name="recipient_client"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.state}"
