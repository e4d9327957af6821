"""Activities: notes, calls, meetings and e-mails logged on other records."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone

from crm.records import RecordColumn
from tenants.models import TenantModel
from tenants.words import search_column, search_index

__all__ = ["Activity"]

LONGEST = 31 * 24 * 60


class Activity(TenantModel):
    """Something that was said or done with a client, a lead or a project; it stays when that is deleted."""

    class Kind(models.TextChoices):
        NOTE = "note"
        CALL = "call"
        MEETING = "meeting"
        EMAIL = "email"

    class Direction(models.TextChoices):
        IN = "in"
        OUT = "out"

    kind = models.CharField(max_length=7, choices=Kind, default=Kind.NOTE, help_text="What it was.")
    subject = models.CharField(max_length=200, help_text="What it was about, in a line.")
    body = models.TextField(null=True, max_length=20_000, help_text="What was said, as long as it takes.")
    record_id = RecordColumn(
        help_text="The {client}, lead or project that it belongs to; it stays when that is deleted."
    )
    occurred_at = models.DateTimeField(default=timezone.now, help_text="When it was; now unless told.")
    duration_minutes = models.PositiveSmallIntegerField(
        null=True, validators=[MaxValueValidator(LONGEST)], help_text="How long it took."
    )
    direction = models.CharField(
        max_length=3, choices=Direction, null=True, help_text="Whether it came in or went out, where that has a sense."
    )
    author = models.CharField(max_length=200, editable=False, help_text="Who logged it.")
    author_id = models.CharField(max_length=40, null=True, editable=False, help_text="The id of who logged it.")
    search = search_column("subject", "body")

    class Meta:
        verbose_name_plural = "activities"
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="activity_latest"),
            models.Index(fields=["tenant", "record_id", "-occurred_at", "-id"], name="activity_record"),
            search_index("activity_words"),
        ]

    def __str__(self) -> str:
        return self.subject
