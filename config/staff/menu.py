"""The admin's menu: the records first, then who may reach them, then the installation."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from apikeys.models import ApiKey
from crm.admin.page import ResourceAdmin
from crm.intake.models import IntakeSettings
from crm.registry import RESOURCES
from tenants.models import Event, Member, Plan, Tenant
from tenants.staff import bounded
from webhooks.health import ailing
from webhooks.models import Delivery, Endpoint

__all__ = ["menu"]

ICONS = {
    "client": "contacts", "product": "sell", "invoice": "receipt_long", "lead": "flag", "quote": "request_quote",
    "order": "shopping_cart", "payment": "payments", "project": "folder_open", "task": "task_alt", "comment": "chat",
    "appointment": "event", "file": "attach_file", "marketing_list": "groups", "consent": "verified_user",
    "campaign": "campaign",
}  # fmt: skip
ACCESS = (
    (ApiKey, "API keys", "key"),
    (IntakeSettings, "Web forms", "web"),
    (Member, "Members", "badge"),
    (Event, "Audit log", "history"),
)
HOOKS = (
    (Endpoint, "Webhooks", "webhook"),
    (Delivery, "Deliveries", "outbox"),
)
HOUSE = (
    (Tenant, "Tenants", "domain"),
    (Plan, "Plans", "speed"),
    (User, "Users", "person"),
    (Group, "Groups", "groups"),
)


MOST = 99


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu; what the person may not see is left out by unfold."""
    home = {"title": "Home", "icon": "home", "link": reverse("admin:index")}
    groups = (
        ("", [home]),
        ("Records", [item(model, title, icon) for model, title, icon in records()]),
        ("Access", [item(*entry) for entry in ACCESS]),
        ("Webhooks", hooks(request)),
        ("Installation", [item(*entry) for entry in HOUSE]),
    )
    return [{"title": title, "separator": bool(title), "items": items} for title, items in groups]


def records() -> list[tuple[type[Model], str, str]]:
    """Return the resources' pages in the order of the registry."""
    pages = [
        (view, admin.site.get_model_admin(view.model))
        for view in RESOURCES
        if admin.site.is_registered(view.model) and view.part_of is None
    ]
    return [
        (view.model, view.plural.replace("_", " ").capitalize(), ICONS.get(view.resource, "table_rows"))
        for view, page in pages
        if isinstance(page, ResourceAdmin)
    ]


def item(model: type[Model], title: str, icon: str) -> dict[str, Any]:
    """Return one line of the menu."""
    link = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": visible(model)}


def visible(model: type[Model]) -> Callable[[HttpRequest], bool]:
    def may_see(request: HttpRequest) -> bool:
        return admin.site.get_model_admin(model).has_view_permission(request)

    return may_see


def hooks(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the lines of webhooks; the first one counts the endpoints that fail, or that Kith switched off."""
    lines = [item(*entry) for entry in HOOKS]
    if visible(Endpoint)(request):
        count = ailing(bounded(Endpoint.every_tenant.all(), request.user))[: MOST + 1].count()
        # An empty badge would be shown as one.
        lines[0] |= {"badge": str(count) if count <= MOST else f"{MOST}+"} if count else {}
    return lines
