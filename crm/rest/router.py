"""From a contract and the resources to URLs: every view is bound once, and checked before it may serve."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, include, re_path
from django_filters.filters import QuerySetRequestMixin
from rest_framework import serializers
from rest_framework.routers import DynamicRoute, Route, SimpleRouter

from crm.records import Kind, keep_kind
from crm.rest.compiling import compile_plan
from crm.rest.contract import CANONICAL, Contract
from crm.rest.fields import ReferenceField
from crm.rest.pages import Sort
from crm.rest.serializers import ResourceSerializer, Shape, bind
from crm.rest.view import UnknownPath
from crm.rest.viewset import ResourceViewSet
from crm.rest.writes import Kept, keep

__all__ = ["bound_views", "happenings", "mount", "spoken"]

ACTIONS = {
    "list": "read", "retrieve": "read", "create": "write", "update": "write",
    "partial_update": "write", "destroy": "delete", "upsert": "write",
}  # fmt: skip
# What happens to the records of every resource that has the method: the event's verb, and how it is said.
USUAL = {
    "create": ("created", "was created."),
    "update": ("updated", "was changed."),
    "destroy": ("deleted", "was deleted; {data} shows it as it was."),
}
Views = tuple[type[ResourceViewSet], ...]


class ContractRouter(SimpleRouter):
    """DRF's router with the contract's update methods, and a trailing slash that nobody has to think of."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        update = {method: "update" if method == "put" else "partial_update" for method in contract.update_methods}
        many = {"get": "list", "post": "create", "put": "upsert", "options": "options"}
        one = {"get": "retrieve", **update, "delete": "destroy", "options": "options"}
        self.routes = [
            Route("^{prefix}/?$", many, "{basename}-list", False, {}),
            DynamicRoute("^{prefix}/{url_path}/?$", "{basename}-{url_name}", False, {}),
            Route("^{prefix}/{lookup}/?$", one, "{basename}-detail", True, {}),
            DynamicRoute("^{prefix}/{lookup}/{url_path}/?$", "{basename}-{url_name}", True, {}),
        ]
        super().__init__()

    def _get_dynamic_route(self, route: Any, action: Any) -> Any:
        """Return the route of an extra action, its path in the contract's words."""
        path = spoken(self.contract, action.url_path)
        return super()._get_dynamic_route(route._replace(url=route.url.replace("{url_path}", path)), action)

    def get_method_map(self, viewset: Any, method_map: Any) -> dict[str, str]:
        """Return the methods that the resource offers."""
        found: dict[str, str] = super().get_method_map(viewset, method_map)
        names = {*viewset.methods, *commands(viewset), *viewset.operations()}
        names -= set() if viewset.operations() else {"batch"}
        offered = {name for name in names if self.contract.publishes(viewset.plural, name)}
        offered |= {"partial_update"} if "update" in offered else set()
        # What only describes itself is no route.
        offered |= {"options"} if offered & set(found.values()) else set()
        return {method: name for method, name in found.items() if name in offered}


@lru_cache(maxsize=64)
def bound_views(contract: Contract, views: Views) -> dict[str, type[ResourceViewSet]]:
    """Return the contract's views by plural name, bound and checked; raises ImproperlyConfigured."""
    siblings: dict[str, type[ResourceViewSet]] = {}
    for view in (view for view in views if exposes(contract, view)):
        siblings[view.plural] = bind_view(view, contract, siblings)
    return siblings


def exposes(contract: Contract, view: type[ResourceViewSet]) -> bool:
    """Tell whether a contract publishes a resource: it names it, and takes a credential that opens it."""
    return contract.exposes(view.plural) and bool({*view.credentials} & {*contract.credentials})


def bind_view(view: type[ResourceViewSet], contract: Contract, siblings: Any) -> type[ResourceViewSet]:
    shape = contract.shapes.get(view.plural, view.serializer_class)
    check(view, shape)
    without = contract.without.get(view.plural, ())
    serializer = bind(shape, contract, without)
    attributes = {
        "contract": contract,
        "serializer_class": serializer,
        "queryset": view.model._base_manager.none(),
        "plan": compile_plan(serializer),
        "filters": {
            contract.wire(name): item for name, item in view.filterset_class.base_filters.items() if name not in without
        },
        "sorts": {contract.wire(name): sortable(view, name) for name in view.ordering_fields if name not in without},
        "default_sort": tuple(Sort(name.lstrip("-"), name.startswith("-")) for name in view.ordering),
        "path": view.path or view.plural,
        "required_scopes": required_scopes(view),
        "siblings": siblings,
        "statements": {},
        "methods": tuple(name for name in view.methods if contract.publishes(view.plural, name)),
        "__doc__": view.__doc__,
        "__module__": view.__module__,
    }
    bound: Any = type(view.__name__, (*contract.views, view), attributes)
    if contract is CANONICAL and view.part_of is None:
        keep(view.model, Kept(view.resource, bound.plan, happenings(view)))
        keep_kind(Kind(view.resource, view.model, view.prefix))
    return bound  # type: ignore[no-any-return]


def commands(view: type[ResourceViewSet]) -> dict[str, Any]:
    """Return a view's extra actions by name."""
    return {item.__name__: item for item in view.get_extra_actions()}


def happenings(view: type[ResourceViewSet]) -> dict[str, str]:
    """Return what can happen to a resource's records: the verb of each event, and a sentence with {names} in it."""
    if view.events is None:
        return {}
    usual = {verb: f"The {{{view.resource}}} {said}" for name, (verb, said) in USUAL.items() if name in view.methods}
    return {**usual, **view.emits}


def required_scopes(view: type[ResourceViewSet]) -> dict[str, str]:
    """Return the scope of every action: an extra one reads when it answers GET, and writes unless it says more."""
    found = {name: view.scope(verb) for name, verb in ACTIONS.items()}
    for name, item in commands(view).items():
        usual = "read" if set(item.mapping) == {"get"} else "write"
        found[name] = view.scope(getattr(item, "right", usual))
    return found


def sortable(view: type[ResourceViewSet], name: str) -> tuple[str, bool]:
    """Return the path and nullability of a sort field; raise for one that the model does not have."""
    field = view.model._meta.get_field(name)
    return name, bool(field.null)


def check(view: type[ResourceViewSet], shape: Any) -> None:
    """Raise ImproperlyConfigured, with what to add, for a resource that is not fit to be published."""
    for name in ("resource", "plural", "prefix", "model", "serializer_class", "filterset_class"):
        if not getattr(view, name, None):
            raise ImproperlyConfigured(
                f"{view.__name__} needs `{name}`: without it no scope and no address can be derived."
            )
    changing = (name for name, item in commands(view).items() if set(item.mapping) != {"get"})
    for name in ("create", "update", "partial_update", "destroy", "upsert", *changing):
        if not getattr(getattr(view, name), "one_write", False):
            raise ImproperlyConfigured(f"{view.__name__}.{name} changes something: put @one_write (or @command) on it.")
    check_events(view)
    for name, item in view.filterset_class.base_filters.items():
        if isinstance(item, QuerySetRequestMixin):
            raise ImproperlyConfigured(
                f"{view.filterset_class.__name__}.{name} looks in every tenant's rows: use IdFilter(prefix=...)."
            )
    for where, kind in shapes(view, shape).items():
        check_shape(kind(), where)


def check_events(view: type[ResourceViewSet]) -> None:
    """Refuse a command that makes happen what the resource does not declare."""
    for name, item in commands(view).items():
        event = getattr(item, "event", None)
        if event and event not in happenings(view):
            raise ImproperlyConfigured(f"{view.__name__}.{name} leaves {event}: say what happened in `emits`.")


def shapes(view: type[ResourceViewSet], shape: Any) -> dict[str, Any]:
    """Return the serializers of a view's bodies: its record's, and those that its commands take."""
    takers = {**commands(view), "create": view.create}
    taken = {name: getattr(item, "takes", None) for name, item in takers.items()}
    own = {view.__name__: shape}
    return own | {f"{view.__name__}.{name}": kind for name, kind in taken.items() if kind}


def check_shape(serializer: Any, where: str) -> None:
    """Refuse, at any depth, DRF's own relations, which look in every tenant's rows, and ids that nobody looks up."""
    if not isinstance(serializer, ResourceSerializer | Shape):
        raise ImproperlyConfigured(f"{where}: {type(serializer).__name__} must be a ResourceSerializer or a Shape.")
    for name, field in serializer.fields.items():
        child = getattr(field, "child", field)
        if name == "tenant" or field.source == "tenant":
            raise ImproperlyConfigured(f"{where}.{name}: the tenant comes from the key and is never a field.")
        if isinstance(child, serializers.BaseSerializer):
            check_shape(child, f"{where}.{name}")
        if is_loose(child, serializer):
            raise ImproperlyConfigured(f"{where}.{name} is not bound to the tenant: use ReferenceField(Model, prefix).")


def is_loose(field: Any, serializer: Any) -> bool:
    """Tell whether a field could name a row of another tenant."""
    if isinstance(field, serializers.RelatedField | serializers.ManyRelatedField):
        return True
    if field.read_only or isinstance(field, ReferenceField) or not isinstance(serializer, ResourceSerializer):
        return False
    model: Any = serializer.Meta.model
    columns = model._meta.concrete_fields
    return any(field.source in (column.name, column.attname) for column in columns if column.is_relation)


def spoken(contract: Contract, name: str) -> str:
    """Return a name as a path, each step in the contract's words."""
    return "/".join(contract.word(step.replace("-", "_")).replace("_", "-") for step in name.split("/"))


def mount(
    contract: Contract, views: Iterable[type[ResourceViewSet]], extra: Sequence[Any] = ()
) -> list[URLPattern | URLResolver]:
    """Return the URL patterns of a contract under each of its mounts, closed by its own answer for unknown paths."""
    router = ContractRouter(contract)
    for plural, view in bound_views(contract, tuple(views)).items():
        place = contract.paths.get(plural, spoken(contract, view.path))
        router.register(place, view, basename=f"{contract.name}-{plural}")
    unknown: Any = type("UnknownPath", (*contract.views, UnknownPath), {"contract": contract})
    nowhere = unknown.as_view(actions=dict.fromkeys(unknown.http_method_names, "nowhere"))
    inner = [*extra, *router.urls, re_path(r"^[\s\S]*$", nowhere)]
    # The bare mount, without its slash, is an unknown path too.
    places = [
        (re_path(f"^{place}", include(inner)), re_path(f"^{place.rstrip('/')}$", nowhere)) for place in contract.mounts
    ]
    return [pattern for pair in places for pattern in pair]
