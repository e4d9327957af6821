"""The table of contents: every resource by its viewset, every contract by name."""

from apikeys.credentials import KEY
from apikeys.scopes import Category, register
from crm.contracts.intake import INTAKE
from crm.contracts.public import PUBLIC
from crm.contracts.registry import REGISTRY
from crm.contracts.v1 import V1
from crm.resources.activities.api import ActivityViewSet
from crm.resources.appointments.api import AppointmentViewSet
from crm.resources.campaigns.api import CampaignViewSet
from crm.resources.clients.api import ClientViewSet
from crm.resources.comments.api import CommentViewSet
from crm.resources.consents.api import ConsentViewSet
from crm.resources.events.api import EventViewSet
from crm.resources.files.api import FileViewSet
from crm.resources.invoices.api import InvoiceViewSet
from crm.resources.keys.api import KeyViewSet
from crm.resources.leads.api import LeadViewSet
from crm.resources.lists.api import MarketingListViewSet
from crm.resources.orders.api import OrderViewSet
from crm.resources.payments.api import PaymentViewSet
from crm.resources.products.api import ProductViewSet
from crm.resources.projects.api import ProjectViewSet
from crm.resources.quotes.api import QuoteViewSet
from crm.resources.services.api import ServiceViewSet
from crm.resources.tasks.api import TaskViewSet
from crm.resources.team.api import TeamViewSet
from crm.resources.webhooks.api import WebhookViewSet
from crm.resources.webhooks.deliveries import AttemptViewSet, DeliveryViewSet, ReplayViewSet
from crm.rest.contract import CANONICAL, Contract
from crm.rest.router import bound_views
from crm.rest.viewset import ResourceViewSet
from crm.rest.writes import snapshot
from crm.speech import CrmSpeech
from crm.wakeups import announce
from tenants.ledger import announce_by
from tenants.membership import show_by
from webhooks.speech import speak_by

__all__ = ["CONTRACTS", "RESOURCES", "start"]

RESOURCES: tuple[type[ResourceViewSet], ...] = (
    ClientViewSet,
    LeadViewSet,
    ProductViewSet,
    QuoteViewSet,
    OrderViewSet,
    InvoiceViewSet,
    PaymentViewSet,
    ServiceViewSet,
    TeamViewSet,
    ProjectViewSet,
    TaskViewSet,
    CommentViewSet,
    AppointmentViewSet,
    MarketingListViewSet,
    ConsentViewSet,
    CampaignViewSet,
    ActivityViewSet,
    FileViewSet,
    EventViewSet,
    KeyViewSet,
    WebhookViewSet,
    DeliveryViewSet,
    AttemptViewSet,
    ReplayViewSet,
)

CONTRACTS: tuple[Contract, ...] = (V1, PUBLIC, REGISTRY, INTAKE)


def start() -> None:
    """Bind every resource for the ledger, and make its scopes known; called once when Django is ready."""
    views = bound_views(CANONICAL, RESOURCES)
    found: dict[str, dict[str, None]] = {}
    show_by(snapshot)
    announce_by(announce)
    speak_by(CrmSpeech(CONTRACTS, RESOURCES))
    # What no key can ever use is no scope of keys.
    for view in (view for view in views.values() if KEY in view.credentials):
        for name, scope in view.required_scopes.items():
            if offered(view, name):
                resource, _, action = scope.partition(":")
                found.setdefault(resource, {})[action] = None
    for resource, actions in found.items():
        register(Category(resource, resource.replace("_", " ").capitalize(), tuple(actions)))


def offered(view: type[ResourceViewSet], name: str) -> bool:
    """Tell whether the resource offers an action."""
    return name in view.methods or (name == "partial_update" and "update" in view.methods)
