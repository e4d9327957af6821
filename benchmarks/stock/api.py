"""The peer's API: viewsets, serializers and filters out of the box."""

from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, ModelSerializer
from rest_framework.viewsets import ModelViewSet

from benchmarks.stock.listing import LatestFirst
from benchmarks.stock.models import AuditLog, Client, IdempotencyKey, Invoice, InvoiceLine, Outbox

__all__ = ["ClientViewSet", "ClientsByCursor", "InvoiceViewSet", "SafeClientViewSet"]


class ClientSerializer(ModelSerializer[Client]):
    """A client."""

    class Meta:
        model = Client
        fields = [
            "id", "name", "type", "status", "email", "phone", "company_name", "website", "tax_id", "language",
            "currency", "billing_address", "shipping_address", "contact_points", "tags", "notes", "external_ref",
            "custom_fields", "metadata", "created_at", "updated_at",
        ]  # fmt: skip


class ClientFilter(filters.FilterSet):
    """What clients can be filtered by."""

    class Meta:
        model = Client
        fields = ["name", "type", "status", "email", "phone", "company_name", "language", "currency", "external_ref"]


class TenantViewSet(ModelViewSet[Any]):
    """Rows of the key's tenant."""

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(tenant=self.request.auth.tenant)

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        serializer.save(tenant=self.request.auth.tenant)


class ClientViewSet(TenantViewSet):
    """Clients; a plain POST."""

    queryset = Client.objects.defer("search")
    serializer_class = ClientSerializer
    filterset_class = ClientFilter
    ordering_fields = ["created_at", "updated_at", "name", "email", "company_name", "id"]


class ClientsByCursor(ClientViewSet):
    """Clients, page by page."""

    pagination_class = LatestFirst


class SafeClientViewSet(ClientViewSet):
    """Clients whose POST keeps an idempotency key, an audit log and an outbox, by the ORM."""

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        tenant, digest = request.auth.tenant, sha256(request._request.body).hexdigest()
        with transaction.atomic():
            kept, new = IdempotencyKey.objects.get_or_create(
                tenant=tenant, key=request.headers["Idempotency-Key"], defaults={"request_hash": digest}
            )
            if not new:
                same = kept.request_hash == digest
                return Response(kept.body, kept.status) if same else Response({"detail": "Another request."}, 422)
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            client = serializer.save(tenant=tenant)
            shown = serializer.data
            AuditLog.objects.create(
                tenant=tenant, api_key=request.auth, action="client.created", record_id=client.pk, data=shown
            )
            Outbox.objects.create(tenant=tenant, event="client.created", payload=shown)
            kept.status, kept.body = 201, shown
            kept.save(update_fields=["status", "body"])
        return Response(shown, 201)


class InvoiceLineSerializer(ModelSerializer[InvoiceLine]):
    """A line."""

    class Meta:
        model = InvoiceLine
        fields = ["product_id", "description", "quantity", "rate", "discount_percent", "tax_rate", "amount"]


class InvoiceSerializer(ModelSerializer[Invoice]):
    """A bill with its lines."""

    line_items = InvoiceLineSerializer(many=True)

    class Meta:
        model = Invoice
        fields = [
            "id", "client", "number", "status", "issue_date", "due_date", "currency", "line_items", "subtotal",
            "discount_total", "tax_total", "total", "amount_paid", "amount_due", "notes", "terms", "accounting",
            "external_ref", "quote_id", "order_id", "sent_at", "paid_at", "created_at", "updated_at",
        ]  # fmt: skip


class InvoiceViewSet(TenantViewSet):
    """Bills with their lines, in two statements."""

    queryset = Invoice.objects.prefetch_related("line_items")
    serializer_class = InvoiceSerializer
    filterset_fields = ["status", "client", "issue_date", "currency"]
