"""The table of contents: every resource by its viewset, every contract by name."""

from apikeys.credentials import KEY
from apikeys.scopes import Category, register
from crm.contracts.v1 import V1
from crm.resources.clients.api import ClientViewSet
from crm.resources.events.api import EventViewSet
from crm.resources.invoices.api import InvoiceViewSet
from crm.resources.keys.api import KeyViewSet
from crm.resources.products.api import ProductViewSet
from crm.rest.contract import CANONICAL, Contract
from crm.rest.router import bound_views
from crm.rest.viewset import ResourceViewSet

__all__ = ["CONTRACTS", "RESOURCES", "start"]

RESOURCES: tuple[type[ResourceViewSet], ...] = (
    ClientViewSet,
    ProductViewSet,
    InvoiceViewSet,
    EventViewSet,
    KeyViewSet,
)

CONTRACTS: tuple[Contract, ...] = (V1,)

# Scopes that the documents name before their routes exist: a key issued today may hold them.
UPCOMING = {
    "quotes": ("read", "write", "delete"),
    "payments": ("read", "write", "delete"),
    "projects": ("read", "write", "delete"),
    "tasks": ("read", "write", "delete"),
    "appointments": ("read", "write", "delete"),
    "team": ("read", "write"),
    "files": ("read", "write", "delete"),
    "webhooks": ("read", "write", "delete"),
    "marketing": ("read", "write"),
    "leads": ("read", "write", "delete"),
    "orders": ("read", "write", "delete"),
}


def start() -> None:
    """Bind every resource for the ledger, and make its scopes known; called once when Django is ready."""
    views = bound_views(CANONICAL, RESOURCES)
    for view in views.values():
        if KEY not in view.credentials:
            # No key can ever use them.
            continue
        actions = tuple(
            dict.fromkeys(
                scope.partition(":")[2] for name, scope in view.required_scopes.items() if offered(view, name)
            )
        )
        register(Category(view.plural, view.plural.replace("_", " ").capitalize(), actions))
    for resource, actions in UPCOMING.items():
        register(Category(resource, resource.capitalize(), actions, note="Its routes arrive with a later release."))


def offered(view: type[ResourceViewSet], name: str) -> bool:
    """Tell whether the resource offers an action."""
    return name in view.methods or (name == "partial_update" and "update" in view.methods)
