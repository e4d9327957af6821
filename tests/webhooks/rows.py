"""Endpoints as rows, for tests that need no delivery."""

from typing import Any

from tenants import ids
from tenants.actor import Actor
from tenants.ledger import record
from tenants.models import Event, Tenant
from tenants.scope import tenant_scope
from webhooks.models import Endpoint, EndpointSecret
from webhooks.secrets import seal

__all__ = ["make_endpoint"]


def make_endpoint(tenant: Tenant, *secrets: str, headers: str = "", **fields: Any) -> Endpoint:
    """Make an endpoint with its secrets, which are sealed under the first key; the kind of each is the endpoint's."""
    with tenant_scope(tenant.id):
        endpoint: Endpoint = Endpoint.objects.create(
            tenant=tenant,
            url="https://receiver.example/hook",
            events=["*"],
            headers_sealed=headers and seal(headers),
            **fields,
        )
        for secret in secrets:
            EndpointSecret.objects.create(tenant=tenant, endpoint=endpoint, kind=endpoint.signing, sealed=seal(secret))
        record(
            actor=Actor.system(tenant, "tests"),
            type="webhook.created",
            resource="webhook",
            record_id=endpoint.pk,
            record_version=endpoint.version,
            data={"id": ids.encode("whk", endpoint.pk)},
            audience=Event.Audience.AUDIT,
        )
    return endpoint
