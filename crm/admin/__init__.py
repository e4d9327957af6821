"""The pages of resources: one each, made from its viewset. A resource needs no code here."""

from django.contrib import admin

from crm.admin import intake, webhooks
from crm.admin.client import ClientPage
from crm.admin.page import ResourceAdmin, page_of
from crm.registry import RESOURCES
from crm.resources.clients.models import Client
from crm.rest.contract import CANONICAL
from crm.rest.router import bound_views

__all__ = ["intake", "webhooks"]

# Pages that show more than their record.
BASES: dict[type, type[ResourceAdmin]] = {Client: ClientPage}

for view in bound_views(CANONICAL, RESOURCES).values():
    # Keys, events and whatever else a lower room shows by itself have their own pages; a part stands on its whole's.
    if view.model._meta.app_label == "crm" and not admin.site.is_registered(view.model):
        admin.site.register(view.model, page_of(view, BASES.get(view.model, ResourceAdmin)))
