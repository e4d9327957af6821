"""The intake contract (document 002): one address a tenant, to which web forms send leads."""

from django.conf import settings

from crm.intake.view import AtTenant
from crm.resources.leads.form import LeadFormSerializer
from crm.rest.contract import BareErrors, Contract

__all__ = ["INTAKE"]

GUIDE = """
# Web forms

A body is JSON, or what a browser sends of a form; it has at most 64 KB. `email` or `phone` must be there. Fields that
are not listed are kept with the lead, so a form may ask what it likes. Each request makes a lead, unless it has an
`Idempotency-Key`.

Pages of other sites may send when their origin, like `https://www.example.com`, stands in the organization's intake
settings. A plain form cannot send headers, so the key may stand in a hidden field `api_key`. Everyone can read it
there: such a key must hold the scope `leads:write` and nothing else. A hidden field `redirect_to`, a page on one of the
origins, is where the browser goes afterwards.

The intake settings can name a field that people do not see and robots fill in. Such a lead is answered like any other,
and marked as spam.
"""

INTAKE = Contract(
    name="intake",
    title="Kith lead intake",
    description="One address a tenant, to which web forms and other programs send leads.",
    guide=GUIDE,
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
        "INVALID_FILTER": "invalid_filter",
        "INVALID_SORT": "invalid_sort",
        "UNAUTHORIZED": "invalid_api_key",
        "EXPIRED_KEY": "invalid_api_key",
        "INVALID_SCOPE": "invalid_scope",
        "FORBIDDEN": "forbidden",
        "TENANT_NOT_FOUND": "tenant_not_found",
        "NOT_FOUND": "not_found",
        "ENTITY_NOT_FOUND": "not_found",
        "METHOD_NOT_ALLOWED": "method_not_allowed",
        "CONFLICT": "conflict",
        "INVALID_TRANSITION": "invalid_transition",
        "PRECONDITION_FAILED": "precondition_failed",
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
