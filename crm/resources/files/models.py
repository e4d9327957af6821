"""Files: what is known of them; their content lies in a store."""

from django.db import models
from django.db.models import Q

from crm.records import RecordColumn
from tenants.models import TenantModel
from tenants.words import search_column, search_index

__all__ = ["File", "Status"]


class Status(models.TextChoices):
    """What is known of a file's content."""

    PENDING = "pending"
    READY = "ready"
    REJECTED = "rejected"


class File(TenantModel):
    """A file; its content never changes, and lies in its bucket under the tenant's id and its own."""

    name = models.CharField(max_length=255, help_text="What it is called when it is downloaded.")
    mime_type = models.CharField(max_length=100, editable=False, help_text="What its content is, whatever its name.")
    size = models.PositiveIntegerField(editable=False, help_text="Its length in bytes.")
    sha256 = models.CharField(max_length=64, editable=False, help_text="The hash of its content, in hexadecimal.")
    status = models.CharField(
        max_length=8,
        choices=Status,
        default=Status.READY,
        editable=False,
        help_text="Only a ready one can be downloaded; a scanner, where there is one, looks at pending ones.",
    )
    bucket = models.CharField(
        max_length=63, editable=False, help_text="Where its content lies: local, or an S3 bucket."
    )
    record_id = RecordColumn(null=True, help_text="The record that it is attached to; it stays when that is deleted.")
    search = search_column("name")

    class Meta:
        verbose_name_plural = "files"
        constraints = [
            models.CheckConstraint(condition=Q(size__gt=0), name="file_not_empty"),
            models.CheckConstraint(condition=Q(sha256__regex="^[0-9a-f]{64}$"), name="file_hash"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="file_latest", include=["size"]),
            models.Index(fields=["tenant", "record_id", "-created_at"], name="file_record"),
            models.Index(fields=["tenant", "id"], name="file_pending", condition=Q(status="pending")),
            search_index("file_words"),
        ]

    def __str__(self) -> str:
        return self.name
