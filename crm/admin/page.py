"""The admin's page of a resource, derived from its viewset: list, search, filters, form, and what may be done."""

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property

from crm.admin import choosing
from crm.admin.columns import Column, columns_of, listed
from crm.admin.controls import JOINT, controls_of
from crm.admin.desk import desk_of, remove
from crm.admin.filters import filters_of
from crm.admin.form import REFUSALS, RecordForm, form_of
from crm.rest.contract import CANONICAL
from crm.rest.fields import ReferenceField
from crm.rest.filters import MAX_TEXT
from crm.rest.problems import problem_of
from crm.rest.viewset import ResourceViewSet
from tenants import ids
from tenants.admin.base import StaffAdmin
from tenants.models import Tenant
from tenants.staff import actor_of, seats_of
from tenants.words import FoundByStaff

__all__ = ["ResourceAdmin", "page_of"]

READ_ONLY = (
    "To read here. Its {} follow rules that a form cannot keep: change it through the API, whose reference tells how."
)
BY_HAND = ", or by hand."
UNBOUND = ("id", "created_at", "updated_at")


class ResourceAdmin(StaffAdmin):
    """A resource's page. Whatever it changes passes through the serializer and the rules that the API uses."""

    view: ClassVar[type[ResourceViewSet]]
    columns: ClassVar[dict[str, Column]]

    # One by one only: each deletion asks the resource's rules, and may be refused.
    actions = None

    @cached_property
    def record_form(self) -> type[RecordForm]:
        """Return the form class, made when somebody opens the first form."""
        return form_of(self.view)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows with the records that their columns link to."""
        fields = self.view.serializer_class().fields.values()
        names = [self.opts.get_field(field.source).name for field in fields if isinstance(field, ReferenceField)]
        return super().get_queryset(request).select_related("tenant", *names)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Return the record's own name, its short fields, its tenant and its age."""
        return [name_of, *(self.columns[name] for name in listed(self.view)), "tenant", self.columns["created_at"]]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Search as the API does, in words; a whole id finds its record."""
        found = queryset.filter(self.matching(request.user, search_term.strip())) if search_term.strip() else queryset
        return self.narrowed(request, found), False

    def matching(self, user: Any, term: str) -> Q:
        """Return the condition of a search."""
        try:
            return Q(pk=ids.decode(self.view.prefix, term))
        except ids.InvalidId:
            seats = tuple(Tenant.objects.values_list("pk", flat=True)) if user.is_superuser else tuple(seats_of(user))
        found = (FoundByStaff(self.model, path, seats, term[:MAX_TEXT]) for path in self.view.search_fields)
        return Q(*found, _connector=Q.OR)

    # Forms.

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form, bound to who asks and to the tenant."""
        if obj is not None and not self.has_change_permission(request, obj):
            return super().get_form(request, obj, change, fields=())
        tenant = obj.tenant if obj else choosing.chosen(request, self)
        return type(self.record_form.__name__, (self.record_form,), {"request": request, "tenant": tenant})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the fields in groups: plain ones first, each structure by itself."""
        if obj is not None and not self.has_change_permission(request, obj):
            return self.reading(obj)
        groups: dict[str | None, list[Any]] = {None: ["version"]}
        for name in controls_of(self.view.serializer_class()):
            outer, joint, _ = name.partition(JOINT)
            groups.setdefault(outer.replace("_", " ").capitalize() if joint else None, []).append(name)
        sets = [(title, {"fields": fields}) for title, fields in groups.items()]
        return [*sets, ("Record", {"fields": self.get_readonly_fields(request, obj)})] if obj else sets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return what nobody types: ids and times."""
        return ["tenant", *(self.columns[name] for name in UNBOUND if name in self.columns)] if obj else []

    def reading(self, obj: Any) -> list[Any]:
        """Return every field, to read."""
        shown: dict[str, Any] = {"fields": ["tenant", *self.columns.values()]}
        if "change" not in self.verbs:
            shown["description"] = READ_ONLY.format(", ".join(rows_inside(self.view)) or "values")
        return [(None, shown)]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for the tenant first: the form's choices depend on it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        tenant = choosing.chosen(request, self)
        if tenant is None:
            return choosing.page(request, self)
        more = {**(extra_context or {}), "subtitle": f"for {tenant}"}
        return super().add_view(request, form_url, more)  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: the form has written the record as its last step of validation."""

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Delete after a confirmation; a rule that refuses is shown."""
        try:
            return super().delete_view(request, object_id, extra_context)  # type: ignore[no-any-return]
        except REFUSALS as error:
            messages.error(request, problem_of(error, CANONICAL, self.model).message)
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete as the API would."""
        remove(desk_of(self.view), obj, actor=actor_of(request, obj.tenant))


def name_of(record: Any) -> str:
    return str(record)


vars(name_of).update(short_description="Name")


def rows_inside(view: type[ResourceViewSet]) -> list[str]:
    """Return the fields that hold rows of their own, which no plain form can edit."""
    return [part.name.replace("_", " ") for part in view.plan.parts]


def page_of(view: type[ResourceViewSet], base: type[ResourceAdmin] = ResourceAdmin) -> type[ResourceAdmin]:
    """Return the admin class of a resource; `base` adds to what all of them have."""
    writable = {"create": "add", "update": "change"} if not view.plan.parts else {}
    if hasattr(view.create, "takes"):
        # A form of the record's own fields could not make it: a file has content.
        writable.pop("create", None)
    possible = {**writable, "destroy": "delete"}
    verbs = {"view": "view", **{verb: verb for method, verb in possible.items() if method in view.methods}}
    name, path = view.plural.replace("_", " "), view.path.replace("_", "-")
    attributes = {
        "__doc__": view.__doc__,
        "view": view,
        "verbs": verbs,
        "resource": view.resource,
        "columns": columns_of(view),
        "list_filter": filters_of(view),
        "list_filter_submit": True,
        "search_fields": view.search_fields or ("id",),
        "empty_title": f"No {name} yet",
        "empty_text": f"They come in through the API, POST /v1/{path}{BY_HAND if 'add' in verbs else '.'}",
    }
    return type(f"{view.model.__name__}Admin", (base,), attributes)
