"""The list of endpoints and the page of each. The room above lends the form: it knows events and scopes."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action

from tenants.admin import show
from tenants.admin.base import StaffAdmin
from tenants.admin.filters import ReferenceFilter
from tenants.staff import actor_of, may
from webhooks import endpoints
from webhooks.admin import acting, replaying
from webhooks.admin.charts import HOURS, charts, span
from webhooks.admin.lists import EndpointList
from webhooks.admin.looks import health_badge
from webhooks.admin.standing import standing
from webhooks.health import WORDS, within
from webhooks.models import Endpoint
from webhooks.telling import rate

__all__ = ["EndpointAdmin"]

SECRETS = "webhooks.read_secret"


class HealthFilter(DropdownFilter):
    """By how an endpoint does."""

    title, parameter_name = "health", "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the words."""
        return [(word, word) for word in WORDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
        """Return the endpoints that do like that."""
        return within(str(self.value()), queryset)


class EndpointAdmin(StaffAdmin):
    """What is done here is what the API does: each write leaves its event."""

    resource = "webhook"
    empty_title = "No endpoint yet"
    empty_text = (
        "An endpoint is an address that Kith tells what happens, signed and tried again until it answers. "
        "Add one here, under Settings, or with POST /v1/webhooks."
    )
    list_display = ("address", "tenant", "side", "state", "made", "success", "backlog")
    list_filter = (
        ("tenant", ReferenceFilter), ("tenant__environment", ChoicesDropdownFilter), HealthFilter,
        ("active", BooleanRadioFilter),
    )  # fmt: skip
    list_filter_submit = True
    search_fields = ("url__icontains", "description__icontains", "tenant__slug__istartswith")
    search_help_text = "Part of the address or the description, or a tenant's slug."
    # One by one only: each asks once before it acts.
    actions = None
    actions_detail = ("test", "replay", "rotate", "reveal", "switch")
    change_form_outer_before_template = "admin/kith/webhook.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EndpointList]:
        """Return the list whose rows know how they do."""
        return EndpointList

    def has_secret_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may read secrets, old and new: who may issue keys may."""
        return may(request.user, "issue", SECRETS, self.tenant_of(obj))

    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        """Delete the endpoint; its log stays."""
        endpoints.delete(obj, actor=actor_of(request, obj.tenant))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> Any:
        """Show the form, below how the endpoint does and what it was sent."""
        # One button is enough: what is new shows its secret, and what is not so much more.
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        if obj is not None:
            hours = span(request.GET.get("hours", ""))
            context |= {"standing": standing(obj), "charts": charts(obj, hours), "hours": hours, "spans": HOURS}
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    # What is done to one.

    @action(description="Test", permissions=["change"], url_path="test", icon="send")  # type: ignore[untyped-decorator]
    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send a delivery that means nothing."""
        return acting.test_page(request, acting.wanted(self, request, object_id))

    @action(description="Replay", permissions=["change"], url_path="replay", icon="replay")  # type: ignore[untyped-decorator]
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send the events of a window again."""
        return replaying.window_page(request, acting.wanted(self, request, object_id))

    @action(description="Rotate", permissions=["secret"], url_path="rotate", icon="autorenew")  # type: ignore[untyped-decorator]
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make the next secret."""
        return acting.rotate_page(request, acting.wanted(self, request, object_id, "secret"))

    @action(description="Reveal", permissions=["secret"], url_path="reveal", icon="visibility")  # type: ignore[untyped-decorator]
    def reveal(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the secret again."""
        return acting.reveal_page(request, acting.wanted(self, request, object_id, "secret"))

    @action(description="Switch", permissions=["change"], url_path="switch", icon="power_settings_new")  # type: ignore[untyped-decorator]
    def switch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Switch it off, or on again."""
        return acting.switch_page(request, acting.wanted(self, request, object_id))

    # Columns.

    @admin.display(description="Address", ordering="url")
    def address(self, endpoint: Endpoint) -> str:
        """Return where it leads, and what for."""
        return show.two_lines(endpoint.url, endpoint.description or "")

    @admin.display(description="Side", ordering="tenant__environment")
    def side(self, endpoint: Endpoint) -> str:
        """Return live or test."""
        return show.badge(endpoint.tenant.environment)

    @admin.display(description="Health")
    def state(self, endpoint: Any) -> str:
        """Return how it does."""
        return health_badge(endpoint.health)

    @admin.display(description="Deliveries, 24 h")
    def made(self, endpoint: Any) -> str:
        """Return how many deliveries were made."""
        where = f"{reverse('admin:webhooks_delivery_changelist')}?endpoint={endpoint.pk}"
        return show.link(where, f"{endpoint.day.made:,}") if endpoint.day.made else "0"

    @admin.display(description="Success, 24 h")
    def success(self, endpoint: Any) -> str:
        """Return the share of attempts that succeeded."""
        return rate(endpoint.day.rate)

    @admin.display(description="Backlog")
    def backlog(self, endpoint: Any) -> str:
        """Return how many deliveries wait."""
        return f"{endpoint.day.pending:,}"
