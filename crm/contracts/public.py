"""The public contract (document 001): customers and estimates, pinned to the organization that each request names."""

from apikeys.credentials import KEY, SESSION
from crm.rest.contract import Contract

__all__ = ["PUBLIC"]

PUBLIC = Contract(
    name="public",
    title="Kith public API",
    description="What outside teams build on: customers, appointments, estimates, invoices and payments.",
    mounts=("api/public/v1/",),
    resources=(
        *("clients", "appointments", "quotes", "invoices", "payments", "team", "services", "files", "events"),
        *("webhooks", "deliveries", "attempts", "replays"),
    ),
    words={
        "client": "customer",
        "clients": "customers",
        "quote": "estimate",
        "quotes": "estimates",
        "product": "service",
        "products": "services",
    },
    # As document 001 labels them.
    maturity={
        **dict.fromkeys(
            ("clients", "appointments", "quotes", "invoices", "payments", "services", "files"), "Private preview"
        ),
        "": "Available now",
    },
    scopes="{action}:{resource}",
    actions={"admin": "manage"},
    credentials=(KEY, SESSION),
    tenant_required=True,
    codes={"ENTITY_NOT_FOUND": "NOT_FOUND"},
)
