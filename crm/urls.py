"""The addresses of the API, contract by contract, and of the pages about it."""

from django.urls import include, path

from crm.docs.document import document_path
from crm.registry import CONTRACTS, RESOURCES
from crm.rest.router import mount

urlpatterns = [
    *(pattern for contract in CONTRACTS for pattern in mount(contract, RESOURCES, [document_path(contract)])),
    path("", include("crm.docs.urls")),
]
