"""Every address of the house, read from its URL patterns: those that serve tenants' rows, and the few that do not."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.urls import URLPattern, URLResolver, get_resolver

from crm.rest.contract import Contract
from crm.rest.serializers import bind
from crm.rest.view import UnknownPath
from crm.rest.viewset import ResourceViewSet
from tenants.models import Tenant
from tests.forms import as_form

__all__ = ["METHODS", "OPEN", "Route", "routes"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Addresses without a tenant's rows: whoever adds one says here why nothing can leak.
OPEN = {
    "admin/": "for staff, under a database role of its own",
    "login/|logout/|settings/.*": "for members, under the staff's role, each query bounded to their seats",
    "livez|readyz|api/health": "says whether the servers answer",
    "metrics": "counts, for whoever has the token or is on this machine; nothing in it names a tenant",
    "(.*/)?openapi.json": "describes a contract, with made-up records",
    "(.*/)?event-types(/{type})?": "describes a contract's events, with made-up records",
    "u/<str:token>": "tells whoever holds a mail's signed link the sender's name; it shows no record",
    ".well-known/kith-webhooks/<str:name>.json": "shows an endpoint's public keys, to whoever knows its id",
    "(docs/.*)?": "describes the API, with made-up records",
}
GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)")


@dataclass(frozen=True)
class Route:
    """One address of a contract: its path with `{pk}`, the view behind it, and the view's action of each method."""

    path: str
    view: type[ResourceViewSet]
    actions: Mapping[str, str]

    @property
    def contract(self) -> Contract:
        return self.view.contract

    def named(self, tenant: Tenant) -> dict[str, str]:
        """Return the headers by which a request says whose data it is about, where the contract wants it said."""
        found = {self.contract.tenant_header: tenant.slug} if self.contract.tenant_required else {}
        host = urlsplit(self.contract.address.format(slug=tenant.slug)).netloc
        return found | ({"Host": host} if host else {})

    @property
    def has_id(self) -> bool:
        return "{pk}" in self.path

    @property
    def listed(self) -> type[ResourceViewSet] | None:
        """The view whose records a GET lists: a record's history lists events; None where it lists nothing."""
        action = self.actions.get("GET", "")
        other = getattr(getattr(self.view, action, None), "lists", None)
        return self.view.siblings[other] if other else self.view if action == "list" else None

    def at(self, pk: str) -> str:
        return self.path.replace("{pk}", pk)

    def sent(self, method: str, body: Any) -> Any:
        """Return a body as the route wants it: most want JSON, and some a form."""
        if getattr(getattr(self.view, self.actions.get(method, ""), None), "media", None) is None:
            return body
        return as_form(body, self.takes(method))

    def takes(self, method: str) -> Any:
        """Return the serializer of the body of a method; None where it takes none."""
        action = self.actions.get(method, "")
        if action == "create" and hasattr(self.view.create, "takes"):
            return bind(self.view.create.takes, self.contract)
        if action == "create":
            return self.view.serializer_class
        if action in ("update", "partial_update"):
            return partial(self.view.serializer_class, partial=True)
        taken = getattr(getattr(self.view, action, None), "takes", None)
        return taken and bind(taken, self.contract)


def routes(urlconf: Any = None) -> tuple[Route, ...]:
    """Return every address that serves tenants' rows; raise AssertionError for one that nobody has placed."""
    return tuple(read(get_resolver(urlconf), ""))


def read(resolver: URLResolver, before: str) -> Iterator[Route]:
    for item in resolver.url_patterns:
        path = before + plain(str(item.pattern))
        if any(re.fullmatch(known, path) for known in OPEN):
            # The root is a page, and where every contract's addresses are included.
            yield from read(item, path) if isinstance(item, URLResolver) and not path else ()
        elif isinstance(item, URLResolver):
            yield from read(item, path)
        elif (found := route(item, path)) is not None:
            yield found


def plain(pattern: str) -> str:
    """Return a pattern as a path: `^clients/(?P<pk>[^/.]+)/?$` is `clients/{pk}`."""
    return GROUP.sub(r"{\1}", pattern).removeprefix("^").removesuffix("$").removesuffix("/?")


def route(item: URLPattern, path: str) -> Route | None:
    """Return the route of a pattern, None for a contract's answer to unknown paths."""
    callback: Any = item.callback
    view = getattr(callback, "cls", None)
    if view and issubclass(view, UnknownPath):
        return None
    assert view and issubclass(view, ResourceViewSet), (
        f"{path or '/'} is not in the cross-tenant matrix: if it serves no tenant's rows, add it to OPEN of {__name__}."
    )
    # DRF adds HEAD when the view is first called.
    actions = {method.upper(): name for method, name in callback.actions.items() if method != "head"}
    return Route(f"/{path}", view, actions)
