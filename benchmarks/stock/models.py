"""The peer's tables: what Kith's hold, with the same indexes for the calls that are measured."""

from typing import Any
from uuid import uuid4

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

__all__ = ["ApiKey", "AuditLog", "Client", "IdempotencyKey", "Invoice", "InvoiceLine", "Outbox", "Tenant"]

MONEY: dict[str, Any] = {"max_digits": 14, "decimal_places": 2}


class Tenant(models.Model):
    """Whose data it is."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    slug = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.slug


class ApiKey(models.Model):
    """Who calls: only the hash of a key is kept."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    revoked = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class Owned(models.Model):
    """A row of a tenant."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Client(Owned):
    """A person or a company."""

    name = models.CharField(max_length=200)
    type = models.CharField(max_length=7, choices=[("person", "Person"), ("company", "Company")], default="person")
    status = models.CharField(max_length=8, choices=[("active", "Active"), ("archived", "Archived")], default="active")
    email = models.EmailField(null=True, blank=True)
    phone = models.CharField(max_length=20, null=True, blank=True)
    company_name = models.CharField(max_length=200, null=True, blank=True)
    website = models.URLField(max_length=500, null=True, blank=True)
    tax_id = models.CharField(max_length=50, null=True, blank=True)
    language = models.CharField(max_length=10, null=True, blank=True)
    currency = models.CharField(max_length=3, null=True, blank=True)
    billing_address = models.JSONField(null=True, blank=True)
    shipping_address = models.JSONField(null=True, blank=True)
    contact_points = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True)
    notes = models.TextField(null=True, blank=True)
    external_ref = models.CharField(max_length=100, null=True, blank=True)
    custom_fields = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    search = models.GeneratedField(
        expression=SearchVector("name", "company_name", "email", "phone", "external_ref", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "external_ref"], name="client_ref")]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="client_latest"),
            models.Index(fields=["tenant", "name", "id"], name="client_name"),
            models.Index(fields=["tenant", "email"], name="client_email"),
            models.Index(fields=["tenant", "phone"], name="client_phone"),
            GinIndex(fields=["search"], name="client_search"),
        ]

    def __str__(self) -> str:
        return self.name


class Invoice(Owned):
    """A bill."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="invoices")
    number = models.CharField(max_length=30, null=True)
    status = models.CharField(max_length=14, default="draft")
    issue_date = models.DateField()
    due_date = models.DateField(null=True)
    currency = models.CharField(max_length=3)
    subtotal = models.DecimalField(**MONEY)
    discount_total = models.DecimalField(**MONEY)
    tax_total = models.DecimalField(**MONEY)
    total = models.DecimalField(**MONEY)
    amount_paid = models.DecimalField(**MONEY)
    amount_due = models.DecimalField(**MONEY)
    notes = models.TextField(null=True)
    terms = models.TextField(null=True)
    accounting = models.JSONField(null=True)
    external_ref = models.CharField(max_length=100, null=True)
    quote_id = models.UUIDField(null=True)
    order_id = models.UUIDField(null=True)
    sent_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="invoice_latest")]

    def __str__(self) -> str:
        return self.number or "Draft"


class InvoiceLine(models.Model):
    """A line of a bill."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="line_items")
    product_id = models.UUIDField(null=True)
    position = models.PositiveSmallIntegerField()
    description = models.CharField(max_length=1000)
    quantity = models.DecimalField(**MONEY)
    rate = models.DecimalField(**MONEY)
    discount_percent = models.DecimalField(max_digits=7, decimal_places=4)
    tax_rate = models.DecimalField(max_digits=7, decimal_places=4)
    amount = models.DecimalField(**MONEY)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.description


class IdempotencyKey(models.Model):
    """The answer that a key stands for."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return self.key


class AuditLog(models.Model):
    """Who changed what."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE)
    action = models.CharField(max_length=80)
    record_id = models.UUIDField()
    data = models.JSONField(encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "record_id", "created_at"], name="audit_record")]

    def __str__(self) -> str:
        return self.action


class Outbox(models.Model):
    """What is still to be sent to webhooks."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)
    event = models.CharField(max_length=80)
    payload = models.JSONField(encoder=DjangoJSONEncoder)
    sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(sent_at=None), name="outbox_unsent")]

    def __str__(self) -> str:
        return self.event
