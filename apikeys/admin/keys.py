"""The list of keys and the page of each: never the key itself, never its digest."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action
from unfold.enums import ActionVariant

from apikeys.admin import history
from apikeys.admin.ending import revoke_page, rotate_page
from apikeys.admin.granting import may_issue
from apikeys.admin.issuing import issue_page
from apikeys.models import ApiKey
from tenants.admin import show
from tenants.admin.base import StaffAdmin
from tenants.admin.filters import ReferenceFilter

__all__ = ["KeyAdmin"]

SOON = timedelta(days=7)


class StateFilter(DropdownFilter):
    """By what a key is now."""

    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states."""
        return [(state, state) for state in ("active", "rotated", "expired", "revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        """Return the keys in the chosen state, as ApiKey.state() tells it."""
        now = timezone.now()
        revoked = Q(revoked_at__isnull=False) | Q(grace_until__lte=now)
        expired = ~revoked & Q(expires_at__lte=now)
        alive = ~revoked & (Q(expires_at=None) | Q(expires_at__gt=now))
        wanted = {
            "revoked": revoked,
            "expired": expired,
            "rotated": alive & Q(grace_until__gt=now),
            "active": alive & Q(grace_until=None),
        }
        return queryset.filter(wanted.get(str(self.value()), Q()))


@admin.register(ApiKey)
class KeyAdmin(StaffAdmin):
    """Keys are issued, rotated and revoked, not edited."""

    resource = "api_key"
    verbs = {"view": "view"}
    empty_title = "No key yet"
    empty_text = (
        "A key lets a program call the API for one side of a tenant. Issue one: it is shown once, with a call to try."
    )
    list_display = ("name", "masked_key", "tenant", "side", "may", "used", "ends", "now")
    list_filter = (("tenant", ReferenceFilter), ("environment", ChoicesDropdownFilter), StateFilter)
    search_fields = ("name__icontains", "prefix__istartswith", "last4__exact", "tenant__slug__istartswith")
    search_help_text = "Name, start of the key, its last four characters, or a tenant's slug."
    actions = ("revoke_selected",)
    actions_detail = ("rotate", "revoke")
    fieldsets = (
        (None, {"fields": ("name", "public_id", "masked_key", "tenant", "side", "now")}),
        ("May", {"fields": ("all_scopes", "networks", "limits")}),
        (
            "Life",
            {"fields": ("created_at", "created_by", "rotated_from", "successor", "used", "used_from", "ends", "ended")},
        ),
        ("Lately", {"fields": ("usage", "doings")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Show everything, change nothing."""
        return [name for _, part in self.fieldsets for name in part["fields"]]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may issue keys."""
        return may_issue(request.user)

    def has_issue_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may rotate and revoke this key."""
        return may_issue(request.user, self.tenant_of(obj))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Issue a key."""
        return issue_page(request)

    @action(description="Rotate", permissions=["issue"], url_path="rotate", icon="autorenew")  # type: ignore[untyped-decorator]
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make the key's successor."""
        key = self.get_object(request, object_id)
        if key is None:
            raise Http404
        return rotate_page(request, key)

    @action(description="Revoke", permissions=["issue"], url_path="revoke", icon="block", variant=ActionVariant.DANGER)  # type: ignore[untyped-decorator]
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End the key."""
        key = self.get_object(request, object_id)
        if key is None:
            raise Http404
        return revoke_page(request, [key]) or redirect("admin:apikeys_apikey_change", key.pk)

    @action(description="Revoke the selected keys", permissions=["issue"])  # type: ignore[untyped-decorator]
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """End several keys."""
        return revoke_page(request, list(queryset), action="revoke_selected")

    # Columns and fields.

    @admin.display(description="Key", ordering="prefix")
    def masked_key(self, key: ApiKey) -> str:
        """Return as much of the key as recognises it."""
        return show.code(key.masked)

    @admin.display(description="Side", ordering="environment")
    def side(self, key: ApiKey) -> str:
        """Return live or test."""
        return show.badge(key.environment)

    @admin.display(description="Scopes")
    def may(self, key: ApiKey) -> str:
        """Return the first scopes."""
        return show.badges(key.scopes, most=3)

    @admin.display(description="Scopes")
    def all_scopes(self, key: ApiKey) -> str:
        """Return every scope."""
        return show.badges(key.scopes, most=len(key.scopes))

    @admin.display(description="Networks")
    def networks(self, key: ApiKey) -> str:
        """Return where the key may be used from."""
        return show.badges(key.allowed_networks, most=50) if key.allowed_networks else "from anywhere"

    @admin.display(description="Own limits")
    def limits(self, key: ApiKey) -> str:
        """Return the limits that differ from the plan's."""
        named = (("a minute", key.per_minute), ("an hour", key.per_hour), ("a day", key.per_day))
        return ", ".join(f"{limit:,} {window}" for window, limit in named if limit) or "none: the plan's hold"

    @admin.display(description="Last used", ordering="last_used_at")
    def used(self, key: ApiKey) -> str:
        """Return when it was used, to the minute."""
        return show.moment(key.last_used_at, "never")

    @admin.display(description="From")
    def used_from(self, key: ApiKey) -> str:
        """Return the address of the last use."""
        return key.last_used_ip or "-"

    @admin.display(description="Ends", ordering="expires_at")
    def ends(self, key: ApiKey) -> str:
        """Return when it ends by itself."""
        return show.moment(key.grace_until or key.expires_at, "never")

    @admin.display(description="Revoked")
    def ended(self, key: ApiKey) -> str:
        """Return when it was revoked."""
        return show.moment(key.revoked_at, "no")

    @admin.display(description="State")
    def now(self, key: ApiKey) -> str:
        """Return the state, and a warning before the end."""
        state = key.state()
        if state == "active" and key.expires_at and key.expires_at - timezone.now() < SOON:
            return show.badge("ends soon", "warn")
        return show.badge(state)

    @admin.display(description="Successor")
    def successor(self, key: ApiKey) -> str:
        """Return the key that took its place."""
        return history.successor(key)

    @admin.display(description="Requests, 30 days")
    def usage(self, key: ApiKey) -> str:
        """Return a chart of its requests."""
        return history.usage(key)

    @admin.display(description="What it changed, 30 days")
    def doings(self, key: ApiKey) -> str:
        """Return its newest events."""
        return history.doings(key)
