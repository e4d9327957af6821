"""The client's page: besides the form what is open with the client, what comes next, and all that has happened."""

from typing import Any

from django.http import HttpRequest

from crm.admin.page import ResourceAdmin
from crm.admin.standing import standing
from crm.admin.timeline import timeline
from tenants.scope import tenant_scope

__all__ = ["ClientPage"]


class ClientPage(ResourceAdmin):
    """Whoever may see a client has a seat in its tenant, and so may see all that belongs to it."""

    change_form_outer_before_template = "admin/kith/client.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> Any:
        """Show the form, below the client's whole story."""
        if obj is not None:
            # A cursor in the address asks for what came before a page of the timeline.
            with tenant_scope(obj.tenant_id):
                found = standing(obj)
                context |= {"standing": found, "timeline": timeline(obj, found.leads, request.GET.get("before"))}
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)
