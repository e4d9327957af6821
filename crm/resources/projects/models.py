"""Projects: work for a client with a plan, a budget and an end."""

from django.db import models
from django.db.models import F, Q

from crm.money import NumericField
from crm.resources.clients.models import Client
from tenants.models import TenantModel
from tenants.words import search_column, search_index

__all__ = ["Project"]


class Project(TenantModel):
    """Work for a client, or for the tenant itself, that is planned as a whole."""

    class Status(models.TextChoices):
        PLANNED = "planned"
        ACTIVE = "active"
        ON_HOLD = "on_hold"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    client = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False)
    name = models.CharField(max_length=200, help_text="How the project is called.")
    description = models.TextField(null=True, max_length=10_000, help_text="What is to be done.")
    status = models.CharField(
        max_length=9, choices=Status, default=Status.ACTIVE, help_text="Where it stands; any state may follow any."
    )
    start_date = models.DateField(null=True, help_text="The first day of work.")
    due_date = models.DateField(null=True, help_text="The last day; not before {start_date}.")
    completed_at = models.DateTimeField(null=True, editable=False, help_text="Since when it is completed.")
    budget = NumericField(null=True, help_text="What it may cost.")
    currency = models.CharField(max_length=3, help_text="ISO 4217; the tenant's currency unless told.")
    tags = models.JSONField(default=list, help_text="Short words to group by.")
    external_ref = models.CharField(max_length=100, null=True, help_text="Your own id for it; unique.")
    custom_fields = models.JSONField(default=dict, help_text="Your own fields, kept as they come.")
    search = search_column("name", "external_ref")

    instead_of_deleting = 'Cancel it instead: PATCH {"{status}": "cancelled"}.'

    class Meta:
        verbose_name_plural = "projects"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "external_ref"], name="project_external_ref"),
            models.CheckConstraint(condition=Q(due_date__gte=F("start_date")), name="project_dates"),
            models.CheckConstraint(condition=Q(budget__gte=0), name="project_budget"),
            models.CheckConstraint(
                condition=Q(status="completed", completed_at__isnull=False)
                | (~Q(status="completed") & Q(completed_at=None)),
                name="project_completion",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="project_latest"),
            models.Index(fields=["tenant", "client", "-created_at"], name="project_client"),
            models.Index(fields=["tenant", "status", "due_date"], name="project_due"),
            search_index("project_words"),
        ]

    def __str__(self) -> str:
        return self.name
