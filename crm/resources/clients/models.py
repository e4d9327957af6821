"""Clients: who the tenant works for."""

from django.db import models
from django.db.models.functions import Upper

from tenants.models import TenantModel
from tenants.words import search_column, search_index

__all__ = ["Client"]


class Client(TenantModel):
    """A person or a company that the tenant works for."""

    class Type(models.TextChoices):
        PERSON = "person"
        COMPANY = "company"

    class Status(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"

    name = models.CharField(max_length=200, help_text="How the {client} is called.")
    type = models.CharField(max_length=7, choices=Type, default=Type.PERSON, help_text="A person or a company.")
    status = models.CharField(
        max_length=8, choices=Status, default=Status.ACTIVE, help_text="An archived {client} stays readable."
    )
    email = models.EmailField(null=True, help_text="The main e-mail address.")
    phone = models.CharField(max_length=20, null=True, help_text="The main phone number, as E.164.")
    company_name = models.CharField(
        max_length=200, null=True, help_text="The company's legal name, or where a person works."
    )
    website = models.URLField(max_length=500, null=True, help_text="An http or https address.")
    tax_id = models.CharField(max_length=50, null=True, help_text="VAT or tax number, as the {client} writes it.")
    language = models.CharField(max_length=10, null=True, help_text="BCP 47, like de or de-AT.")
    currency = models.CharField(max_length=3, null=True, help_text="ISO 4217; new invoices take it.")
    billing_address = models.JSONField(null=True, help_text="Where invoices go.")
    shipping_address = models.JSONField(null=True, help_text="Where goods go.")
    contact_points = models.JSONField(default=list, help_text="More ways to reach the {client}.")
    tags = models.JSONField(default=list, help_text="Short words to group {clients} by.")
    notes = models.TextField(null=True, max_length=10_000, help_text="Free text for staff.")
    external_ref = models.CharField(max_length=100, null=True, help_text="Your own id for the {client}; unique.")
    custom_fields = models.JSONField(default=dict, help_text="Your own fields, kept as they come.")
    metadata = models.JSONField(default=dict, help_text="Data of the program that calls, kept as it comes.")
    search = search_column("name", "company_name", "email", "phone", "external_ref")

    instead_of_deleting = 'Archive it instead: PATCH {"{status}": "archived"}.'

    class Meta:
        verbose_name_plural = "clients"
        constraints = [models.UniqueConstraint(fields=["tenant", "external_ref"], name="client_external_ref")]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="client_latest"),
            models.Index(fields=["tenant", "name", "id"], name="client_name"),
            models.Index(fields=["tenant", "email"], name="client_email"),
            models.Index("tenant", Upper("email"), name="client_email_any_case"),
            models.Index(fields=["tenant", "phone"], name="client_phone"),
            search_index("client_words"),
        ]

    def __str__(self) -> str:
        return self.name
