"""Two tenants full of data, and for every kind of record the ids that Acme may try: its own, Globex's, nobody's, a deleted one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.apps import apps

from apikeys.usage import counter
from crm.rest import writes
from crm.rest.viewset import ResourceViewSet
from tenants import ids
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.policies import has_tenant
from tenants.scope import tenant_scope
from tests.bodies import make_body, references
from tests.conftest import Answer, Caller
from tests.isolation.routes import Route, routes

__all__ = ["SHARED_CLAIM", "World", "fingerprint"]

# Both tenants use it: each has a namespace of its own.
SHARED_CLAIM = "the-same-key-for-both"
Records = dict[Any, str]


@dataclass(frozen=True)
class Side:
    """One tenant's part: who calls, the mark on its texts, its newest record of each model and the body it was made of."""

    caller: Caller
    mark: str
    records: Records
    bodies: dict[Any, dict[str, Any]]


class World:
    """Acme and Globex with the same kinds of records, and Acme's deleted ones."""

    def __init__(self, acme: Caller, globex: Caller, urlconf: str | None = None) -> None:
        self.routes = routes(urlconf)
        # A contract's second mount leads to the same views: there only the paths are asked anew.
        self.firsts = tuple({(r.view, *r.actions.values()): r for r in reversed(self.routes)}.values())
        self.views = {route.view.model: route.view for route in self.routes}
        self.makers = {route.view.model: route for route in reversed(self.routes) if "create" in route.actions.values()}
        self.acme, self.globex = self.fill(acme, "acm"), self.fill(globex, "glx")
        self.deleted = {model: self.delete(model, self.make(self.acme, model)) for model in self.makers}
        self.rows = {view.plural: self.list(globex, view) for view in self.views.values()}
        self.cursors = {view.plural: self.cursor(globex, view) for view in self.views.values()}
        # From here on nobody works for Globex, so nothing of its own may change; uses are counted in the background.
        counter.flush()
        self.secrets = tuple(secrets_of(self.globex))

    def fill(self, caller: Caller, mark: str) -> Side:
        """Give a tenant two records of each model, those first that others refer to."""
        side = Side(caller, f"{mark}{uuid4().hex[:6]}", {}, {})
        waiting = list(self.makers)
        while waiting:
            ready = [model for model in waiting if wanted(self.makers[model].view) <= {*side.records, model}]
            assert ready, f"{waiting} refer to records that the API cannot make: make them here."
            for model in ready:
                side.records[model] = self.make(side, model)
                side.records[model] = self.make(side, model, full=True)
                waiting.remove(model)
        for model, view in self.views.items():
            side.records.setdefault(model, self.list(caller, view)[-1]["id"] if model not in self.makers else "")
        return side

    def make(self, side: Side, model: Any, *, full: bool = False) -> str:
        """Make one more record of a tenant and return its id."""
        route = self.makers[model]
        body = make_body(route.view, side.records, full=full, mark=side.mark)
        claim = {"Idempotency_Key": f"{SHARED_CLAIM}-{model.__name__}"} if full else {}
        made = self.send(side.caller, route, "POST", route.path, body, **claim)
        assert made.status == 201, (route.path, body, made.body)
        side.bodies[model] = body
        return str(made.data["id"])

    def delete(self, model: Any, public_id: str) -> str:
        """Delete one of Acme's records for good, also where no contract offers that; return its id."""
        tenant = self.acme.caller.tenant
        with tenant_scope(tenant.id):
            record = model.objects.of(tenant).get(pk=ids.decode(self.views[model].prefix, public_id))
            writes.delete(record, actor=Actor.system(tenant, "tests"))
        return public_id

    def page(self, caller: Caller, view: type[ResourceViewSet], limit: int) -> Answer:
        route = next(route for route in self.routes if route.view is view and route.actions.get("GET") == "list")
        return self.send(caller, route, "GET", f"{route.path}?limit={limit}")

    def list(self, caller: Caller, view: type[ResourceViewSet]) -> list[dict[str, Any]]:
        """Return a tenant's records of a kind as the API lists them."""
        return list(self.page(caller, view, 100).data)

    def cursor(self, caller: Caller, view: type[ResourceViewSet]) -> str:
        """Return a cursor out of a tenant's list, an empty text where the contract knows none."""
        return str(self.page(caller, view, 1).body["pagination"].get("next_cursor") or "")

    def send(self, caller: Caller, route: Route, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request as the route's contract wants it."""
        if route.contract.tenant_required:
            headers = {route.contract.tenant_header: caller.tenant.slug, **headers}
        return caller(method, path, body, **headers)

    def ids_of(self, model: Any) -> dict[str, str]:
        """Return the ids of a kind of record that Acme may try."""
        found = {"own": self.acme.records[model], "foreign": self.globex.records[model]}
        found["unknown"] = ids.encode(self.views[model].prefix, ids.new())
        return found | ({"deleted": self.deleted[model]} if model in self.deleted else {})


def wanted(view: type[ResourceViewSet]) -> set[Any]:
    return {model for _, model in references(view)}


def tenant_rows(tenant: Tenant) -> Iterator[tuple[Any, Any]]:
    """Yield every model with a tenant and its rows of this one, seen by the staff role."""
    for model in apps.get_models():
        if has_tenant(model):
            yield model, model._base_manager.using("admin").filter(tenant=tenant).order_by("pk")


def fingerprint(tenant: Tenant) -> Mapping[str, str]:
    """Return a hash of all of a tenant's rows, table by table."""
    return {
        model._meta.label: sha256(repr(list(rows.values_list())).encode()).hexdigest()
        for model, rows in tenant_rows(tenant)
    }


def secrets_of(side: Side) -> Iterator[bytes]:
    """Yield what only this tenant's answers may hold: its marks and its ids, as TypeIDs and as UUIDs."""
    yield from (side.mark.encode(), side.caller.tenant.slug.encode())
    for _, rows in tenant_rows(side.caller.tenant):
        for pk in [*rows.values_list("pk", flat=True), side.caller.tenant.id]:
            yield ids.encode("x", pk)[1:].encode()
            yield str(pk).encode()
            yield pk.hex.encode()
