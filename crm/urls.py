"""The addresses of the API, contract by contract, and of the pages about it."""

from django.urls import include, path

from crm.docs.document import document_path
from crm.docs.event_types import event_type_paths
from crm.registry import CONTRACTS, RESOURCES
from crm.resources.consents.pages import unsubscribe
from crm.rest.router import mount

urlpatterns = [
    *(
        pattern
        for contract in CONTRACTS
        for pattern in mount(contract, RESOURCES, [document_path(contract), *event_type_paths(contract)])
    ),
    path("u/<str:token>", unsubscribe, name="unsubscribe"),
    path("", include("crm.docs.urls")),
]
