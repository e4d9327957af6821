"""The base of every page over tenant rows: staff see the rows of their own tenants, and do there what they may."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin import ShowFacets
from django.core.exceptions import BadRequest, FieldDoesNotExist, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from tenants.admin.paging import BoundedPaginator
from tenants.models import Tenant
from tenants.staff import bounded, may

__all__ = ["PAGES", "StaffAdmin", "history_of"]

# The page of each resource, for links from the log to a record.
PAGES: dict[str, "StaffAdmin"] = {}


class StaffAdmin(ModelAdmin):
    """Bounds lists, pages, choices, searches and actions of a model to the tenants of the person who asks.

    `tenant_path` leads from a row to its tenant. `verbs` says which verb of a role each of Django's four takes; what
    is not named there, nobody may do.
    """

    tenant_path: ClassVar[str] = "tenant"
    # The name that the ledger has for the model.
    resource: ClassVar[str] = ""
    verbs: ClassVar[Mapping[str, str]] = {"view": "view", "add": "add", "change": "change", "delete": "delete"}
    # What a search field of a form may narrow its results by; see SearchSelect.
    narrowed_by: ClassVar[str] = "tenant"
    # What an empty list says.
    empty_title: ClassVar[str] = ""
    empty_text: ClassVar[str] = ""

    delete_confirmation_template = "admin/kith/delete.html"
    paginator = BoundedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    # Ids are made in order of time, so the newest rows come off the end of the primary key.
    ordering: Sequence[str] = ("-id",)

    def __init__(self, model: type[Model], admin_site: Any) -> None:
        super().__init__(model, admin_site)
        if self.resource:
            PAGES[self.resource] = self

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows that the person may see; `objects` would refuse to work outside a tenant's scope."""
        model: Any = self.model
        rows = getattr(model, "every_tenant", model._default_manager).all()
        rows = bounded(rows, request.user, self.tenant_path).order_by(*(self.get_ordering(request) or ()))
        return rows if self.tenant_path == "pk" else rows.select_related(self.tenant_path)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list; what PostgreSQL could not even compare is refused before it asks."""
        if "\x00" in "".join(value for _, values in request.GET.lists() for value in values):
            raise BadRequest("A filter holds a character that cannot be stored (NUL).")
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    # Who may.

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may look; who may change may look."""
        return self.allows(request, "view", obj) or self.allows(request, "change", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may add rows in one of their tenants."""
        return self.allows(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may change this row."""
        return self.allows(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may delete this row."""
        return self.allows(request, "delete", obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Tell whether the model stands in the person's menu."""
        return self.has_view_permission(request)

    def allows(self, request: HttpRequest, action: str, obj: Any = None) -> bool:
        """Tell whether the person may do one of Django's four actions, by what `verbs` makes of it."""
        verb = self.verbs.get(action)
        return verb is not None and may(request.user, verb, self.permission(action), self.tenant_of(obj))

    def permission(self, action: str) -> str:
        """Return the name of Django's own permission for an action."""
        return f"{self.opts.app_label}.{action}_{self.opts.model_name}"

    def tenant_of(self, obj: Any) -> UUID | None:
        """Return the tenant of a row."""
        if obj is None or isinstance(obj, str):
            # Unfold asks for its buttons with the id alone; their pages ask again, with the row.
            return None
        tenant_id: UUID = obj.pk if isinstance(obj, Tenant) else obj.tenant_id
        return tenant_id

    # What can be asked.

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the declared filters alone: a filter by any column would let its value be found out bit by bit."""
        name = lookup.partition("__")[0]
        try:
            self.opts.get_field(name)
        except FieldDoesNotExist:
            # A filter's own parameter, or nothing at all.
            return bool(super().lookup_allowed(lookup, value, request))
        declared = [item[0] if isinstance(item, tuple) else item for item in self.get_list_filter(request)]
        return name in declared and bool(super().lookup_allowed(lookup, value, request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only rows that the person may see."""
        model = db_field.remote_field.model
        if self.admin_site.is_registered(model):
            kwargs.setdefault("queryset", self.admin_site.get_model_admin(model).get_queryset(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Search; a search field may ask for one tenant's rows alone."""
        rows, doubles = super().get_search_results(request, queryset, search_term)
        return self.narrowed(request, rows), doubles

    def narrowed(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that a search field of a form asks for; see SearchSelect."""
        wanted = request.GET.get(self.narrowed_by) if request.path.endswith("/autocomplete/") else None
        if wanted is None:
            return rows
        try:
            return rows.filter(**{self.narrowed_by: wanted})
        except (ValidationError, ValueError):
            return rows.none()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete one by one: each leaves its event, and each is asked for."""
        for obj in queryset:
            if self.has_delete_permission(request, obj):
                self.delete_model(request, obj)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the row's events: the ledger is the history."""
        obj: Model | None = self.get_object(request, object_id)
        if obj is None or not self.has_view_permission(request, obj):
            raise Http404
        return HttpResponseRedirect(history_of(self.history_id(obj)))

    def history_id(self, obj: Any) -> Any:
        """Return the id that the row's events carry."""
        return obj.pk


def history_of(record_id: Any) -> str:
    """Return the address of a record's events."""
    return f"{reverse('admin:tenants_event_changelist')}?record={record_id}"
