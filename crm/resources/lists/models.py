"""Marketing lists and their members."""

from django.db import models
from django.db.models import Q

from crm.resources.clients.models import Client
from tenants.models import TenantModel, TenantRow
from tenants.words import search_column, search_index

__all__ = ["ListMember", "MarketingList"]


class MarketingList(TenantModel):
    """Clients who belong together for those who write to them."""

    name = models.CharField(max_length=200, help_text="How the list is called; unique.")
    description = models.TextField(null=True, max_length=2000, help_text="Whom it is for.")
    member_count = models.PositiveIntegerField(default=0, editable=False, help_text="How many {clients} are on it.")
    search = search_column("name", "description")

    instead_of_deleting = "Keep it for their sake, and take its members off it."

    class Meta:
        verbose_name_plural = "marketing_lists"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="list_name"),
            models.CheckConstraint(condition=Q(member_count__gte=0), name="list_members_counted"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="list_latest"),
            search_index("list_words"),
        ]

    def __str__(self) -> str:
        return self.name


class ListMember(TenantRow):
    """A client's place on a list."""

    # Counted as its list where it keeps a client from being deleted.
    inside = "list"

    list = models.ForeignKey(MarketingList, on_delete=models.CASCADE, related_name="members", db_constraint=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="list_places", db_constraint=False)

    class Meta:
        verbose_name_plural = "marketing_lists"
        constraints = [models.UniqueConstraint(fields=["tenant", "list", "client"], name="list_member_once")]
        indexes = [models.Index(fields=["tenant", "client"], name="list_member_client")]

    def __str__(self) -> str:
        return f"{self.client_id} on {self.list_id}"
