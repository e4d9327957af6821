"""Consents: every time a client agreed to a channel or withdrew, and never a word changed afterwards."""

from django.db import models
from django.utils import timezone

from crm.resources.clients.models import Client
from tenants.models import TenantModel

__all__ = ["Channel", "Consent", "Source", "State"]


class Channel(models.TextChoices):
    """The ways to reach a client."""

    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"
    POST = "post"


class State(models.TextChoices):
    """What the client said."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class Source(models.TextChoices):
    """How it reached the tenant."""

    FORM = "form"
    IMPORT = "import"
    PHONE = "phone"
    IN_PERSON = "in_person"
    UNSUBSCRIBE_LINK = "unsubscribe_link"
    API = "api"
    OTHER = "other"


class Consent(TenantModel):
    """What a client said about one channel; the newest for a client and channel counts."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="consents", db_constraint=False)
    channel = models.CharField(max_length=5, choices=Channel, help_text="The way to reach the {client}.")
    state = models.CharField(
        max_length=9,
        choices=State,
        help_text="The newest, by {occurred_at}, of a {client}'s words on a channel counts.",
    )
    source = models.CharField(
        max_length=16, choices=Source, default=Source.API, help_text="How the {client}'s word came in."
    )
    occurred_at = models.DateTimeField(
        default=timezone.now, help_text="When the {client} said so; now unless told, and never in the future."
    )
    note = models.CharField(max_length=500, null=True, help_text="What proves it: a form's name, a call, an agreement.")

    instead_of_deleting = "Consents are kept as they came: note the next one."

    class Meta:
        verbose_name_plural = "consents"
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="consent_latest"),
            models.Index(fields=["tenant", "client", "channel", "-occurred_at", "-id"], name="consent_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.state}"
