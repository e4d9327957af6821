"""The addresses of the API, one line a contract, and of the pages about it."""

from django.urls import include, path

from crm.contracts.v1 import V1
from crm.docs.document import document_path
from crm.registry import RESOURCES
from crm.resources.consents.pages import unsubscribe
from crm.rest.router import mount

urlpatterns = [
    *mount(V1, RESOURCES, [document_path(V1)]),
    path("u/<str:token>", unsubscribe, name="unsubscribe"),
    path("", include("crm.docs.urls")),
]
