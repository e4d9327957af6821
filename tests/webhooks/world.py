"""What tests of webhooks start from: an endpoint, made through the API, and its row."""

from typing import Any

from tenants import ids
from tenants.scope import tenant_scope
from tests.conftest import Caller
from webhooks.models import Endpoint, EndpointSecret
from webhooks.secrets import unseal

__all__ = ["URL", "hook", "row", "secret_of"]

URL = "https://example.com/hooks"


def hook(caller: Caller, **fields: Any) -> dict[str, Any]:
    """Make an endpoint and return what the API answers."""
    made = caller.post("/webhooks", {"url": URL, "events": ["*"], **fields})
    assert made.status == 201, made.body
    return dict(made.data)


def row(caller: Caller, public_id: str) -> Endpoint:
    """Return an endpoint as it is stored."""
    with tenant_scope(caller.tenant.id):
        found: Endpoint = Endpoint.objects.of(caller.tenant).get(pk=ids.decode("whk", public_id))
        return found


def secret_of(caller: Caller, public_id: str) -> str:
    """Return the newest secret of an endpoint."""
    with tenant_scope(caller.tenant.id):
        rows = EndpointSecret.objects.of(caller.tenant).filter(endpoint_id=ids.decode("whk", public_id))
        return unseal(rows.order_by("-created_at", "-id")[0].sealed)
