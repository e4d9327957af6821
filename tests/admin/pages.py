"""Every registered page with a row of a tenant, so that no page can be forgotten."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model

from apikeys.models import ApiKey
from crm.intake.models import IntakeSettings
from crm.intake.site import decide
from tenants import ids
from tenants.actor import Actor
from tenants.models import Event, Plan, Tenant
from tenants.routing import using
from tests.conftest import Caller
from tests.records import Records
from tests.webhooks.traffic import delivered, endpoint_of, job_of
from webhooks.models import Delivery, Endpoint, Replay

__all__ = ["BOUND", "base", "pages", "row_of"]

# Pages whose rows belong to no tenant; all others must be bounded.
SHARED = (Plan, User, Group)


def pages() -> list[type[Model]]:
    """Return the model of every registered page."""
    return [model for model, _ in sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label)]


# Made by hand: what is sent is made by the engine.
HOOKS = {Endpoint: lambda endpoint: endpoint, Delivery: delivered, Replay: job_of}
BOUND = [model for model in pages() if model not in SHARED]


def base(model: type[Model]) -> str:
    """Return the address of a model's list."""
    return f"{model._meta.app_label}/{model._meta.model_name}/"


def row_of(caller: Caller, records: Records, model: Any) -> Any:
    """Return a row of the caller's tenant, of a shared model any row."""
    tenant = caller.tenant
    with using("admin"):
        if model in SHARED:
            return shared_row(model, tenant)
        if model is Tenant:
            return tenant
        if model is IntakeSettings:
            return decide(allowed_origins=[], honeypot_field=None, actor=Actor.system(tenant, "tests"))
        if model in HOOKS:
            return HOOKS[model](endpoint_of(tenant))
        if model in (ApiKey, Event):
            return model._base_manager.filter(tenant=tenant).order_by("pk").first()
        public_id = records.ids[model]
        return model._base_manager.get(pk=ids.decode(public_id.rpartition("_")[0], public_id))


def shared_row(model: Any, tenant: Tenant) -> Any:
    named = {User: {"username": "somebody"}, Group: {"name": "some"}}
    return tenant.plan if model is Plan else model.objects.get_or_create(**named[model])[0]
