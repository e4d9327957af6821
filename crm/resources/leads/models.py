"""Leads: who has asked, what for, and how far it has got."""

from django.db import models
from django.db.models import Q

from crm.resources.clients.models import Client
from tenants.models import Member, TenantModel
from tenants.words import search_column, search_index

__all__ = ["CONVERSIONS", "TRANSITIONS", "Lead", "Status"]


class Status(models.TextChoices):
    """How far a lead has got."""

    NEW = "new"
    CONTACTED = "contacted"
    QUALIFIED = "qualified"
    CONVERTED = "converted"
    LOST = "lost"
    SPAM = "spam"


# What a change may set. That a lead is converted only its conversion can say.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    Status.NEW: (Status.CONTACTED, Status.QUALIFIED, Status.LOST, Status.SPAM),
    Status.CONTACTED: (Status.QUALIFIED, Status.LOST, Status.SPAM),
    Status.QUALIFIED: (Status.CONTACTED, Status.LOST, Status.SPAM),
    Status.LOST: (Status.CONTACTED, Status.QUALIFIED, Status.SPAM),
    Status.SPAM: (Status.NEW,),
    Status.CONVERTED: (),
}
CONVERSIONS = {
    status: ways if status in (Status.SPAM, Status.CONVERTED) else (*ways, Status.CONVERTED)
    for status, ways in TRANSITIONS.items()
}


class Lead(TenantModel):
    """Somebody who has asked for something."""

    name = models.CharField(max_length=200, null=True, help_text="Who asks.")
    email = models.EmailField(null=True, help_text="Where to answer; a lead has this or a phone number.")
    phone = models.CharField(max_length=20, null=True, help_text="Where to call, as E.164.")
    company = models.CharField(max_length=200, null=True, help_text="The company that the person asks for.")
    message = models.TextField(max_length=10_000, null=True, help_text="What they ask for, in their words.")
    source = models.CharField(max_length=50, null=True, help_text="Where the lead comes from, like website or phone.")
    status = models.CharField(
        max_length=9,
        choices=Status,
        default=Status.NEW,
        help_text="How far it has got; converted by convert alone.",
    )
    owner = models.ForeignKey(
        Member, on_delete=models.PROTECT, null=True, related_name="owned_leads", db_constraint=False
    )
    score = models.PositiveSmallIntegerField(null=True, help_text="How promising it is, 0 to 100.")
    fields = models.JSONField(default=dict, help_text="Everything else that was sent, kept as it came.")
    attribution = models.JSONField(null=True, help_text="What led the person here.")
    client = models.ForeignKey(
        Client, on_delete=models.PROTECT, null=True, editable=False, related_name="leads", db_constraint=False
    )
    client_found = models.BooleanField(
        null=True,
        editable=False,
        help_text="True: convert found the {client}; false: it made one; null: not converted.",
    )
    converted_at = models.DateTimeField(null=True, editable=False, help_text="When it became a {client}.")
    search = search_column("name", "email", "phone", "company", "message")

    class Meta:
        verbose_name_plural = "leads"
        constraints = [
            models.CheckConstraint(condition=Q(email__isnull=False) | Q(phone__isnull=False), name="lead_reachable"),
            models.CheckConstraint(condition=Q(score=None) | Q(score__lte=100), name="lead_score"),
            models.CheckConstraint(
                condition=~Q(status=Status.CONVERTED)
                | Q(client__isnull=False, client_found__isnull=False, converted_at__isnull=False),
                name="lead_converted_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="lead_latest"),
            models.Index(fields=["tenant", "status", "-created_at"], name="lead_status"),
            models.Index(fields=["tenant", "email"], name="lead_email"),
            models.Index(fields=["tenant", "client"], name="lead_client"),
            models.Index(fields=["tenant", "owner"], name="lead_owner"),
            search_index("lead_words"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.phone or "Lead"
