"""The intake contract (document 002): one address a tenant, to which web forms send leads."""

from django.conf import settings

from crm.intake.view import AtTenant
from crm.resources.leads.form import LeadFormSerializer
from crm.rest.contract import Contract
from crm.rest.problems import BareErrors

__all__ = ["INTAKE"]

INTAKE = Contract(
    name="intake",
    title="Kith lead intake",
    description="One address a tenant, to which web forms and other programs send leads.",
    address=settings.TENANT_URL,
    mounts=("api/leads/",),
    resources=("leads",),
    only={"leads": ("create",)},
    paths={"leads": "intake"},
    shapes={"leads": LeadFormSerializer},
    views=(AtTenant,),
    flagged=False,
    errors=BareErrors(),
    codes={
        "VALIDATION_ERROR": "invalid_request",
        "UNAUTHORIZED": "invalid_api_key",
        "EXPIRED_KEY": "invalid_api_key",
        "INVALID_SCOPE": "invalid_scope",
        "FORBIDDEN": "forbidden",
        "TENANT_NOT_FOUND": "tenant_not_found",
        "NOT_FOUND": "not_found",
        "METHOD_NOT_ALLOWED": "method_not_allowed",
        "CONFLICT": "conflict",
        "IDEMPOTENCY_IN_PROGRESS": "idempotency_in_progress",
        "IDEMPOTENCY_MISMATCH": "idempotency_mismatch",
        "PAYLOAD_TOO_LARGE": "payload_too_large",
        "UNSUPPORTED_MEDIA_TYPE": "unsupported_media_type",
        "RATE_LIMIT_EXCEEDED": "rate_limit_exceeded",
        "INTERNAL_ERROR": "internal_error",
        "DATABASE_ERROR": "internal_error",
        "SERVICE_UNAVAILABLE": "service_unavailable",
    },
    sentences={"UNAUTHORIZED": "API key is missing or does not match."},
)
