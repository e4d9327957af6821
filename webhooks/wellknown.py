"""The public keys of an endpoint, at a well-known address: whoever receives its webhooks can verify them with these."""

from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from tenants import ids
from tenants.scope import staff_scope
from webhooks.models import Endpoint, EndpointSecret
from webhooks.secrets import Unreadable, unseal
from webhooks.signing import public_jwk, public_key

__all__ = ["public_keys"]

ED25519 = Endpoint.Signing.ED25519
UNEXPIRED = Q(expires_at=None) | Q(expires_at__gt=Now())
# Short: after a rotation without grace only the new key counts.
CACHED = "public, max-age=300"


@require_safe
def public_keys(request: HttpRequest, name: str) -> JsonResponse:
    """Answer with the JSON Web Key Set of an endpoint that signs with v1a, the newest key first; others are 404.

    It needs no credential, since nothing in it is secret: whoever knows an endpoint's id learns how it signs.
    """
    try:
        keys = [published(signing_key) for signing_key in signing_keys(ids.decode("whk", name))]
    except ids.InvalidId:
        raise Http404 from None
    except Unreadable:
        return JsonResponse({"error": "These keys cannot be read at the moment."}, status=503)
    if not keys:
        raise Http404
    headers = {"Cache-Control": CACHED}
    return JsonResponse({"keys": keys}, headers=headers, content_type="application/jwk-set+json")


def signing_keys(endpoint_id: UUID) -> list[str]:
    """Return the private keys that an endpoint signs with, the newest first; none where it signs with v1."""
    with staff_scope():
        # No tenant is known: the endpoint's id says which one it is.
        rows = EndpointSecret.every_tenant.filter(
            UNEXPIRED,
            endpoint=endpoint_id,
            endpoint__tenant=F("tenant"),
            endpoint__signing=ED25519,
            kind=ED25519,
        )
        return [unseal(sealed) for sealed in rows.order_by("-created_at", "-id").values_list("sealed", flat=True)]


def published(signing_key: str) -> dict[str, str]:
    """Return a public key as a JSON Web Key, and beside it as Standard Webhooks writes it."""
    return {**public_jwk(signing_key), "whpk": public_key(signing_key)}
