"""Plans: what they allow. They hold for every tenant, so only who runs the installation changes them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from tenants.models import Environment, Plan

__all__ = ["PlanAdmin"]


@admin.register(Plan)
class PlanAdmin(ModelAdmin):
    """The plans, by Django's own permissions: they belong to no tenant."""

    list_display = ("name", "code", "minute", "day", "used_by")
    search_fields = ("name", "code")
    fields = ("code", "name", "per_minute", "per_day")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the plans with the number of their tenants."""
        live = Count("tenant", filter=Q(tenant__environment=Environment.LIVE))
        return super().get_queryset(request).annotate(tenants=live)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep the code: tenants refer to it."""
        return ("code",) if obj else ()

    @admin.display(description="Requests a minute", ordering="per_minute")
    def minute(self, plan: Plan) -> str:
        """Return the limit of a minute."""
        return f"{plan.per_minute:,}" if plan.per_minute else "unlimited"

    @admin.display(description="Requests a day", ordering="per_day")
    def day(self, plan: Plan) -> str:
        """Return the limit of a day."""
        return f"{plan.per_day:,}" if plan.per_day else "unlimited"

    @admin.display(description="Tenants", ordering="tenants")
    def used_by(self, plan: Any) -> int:
        """Return how many tenants have the plan."""
        return int(plan.tenants)
