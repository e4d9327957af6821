"""Two tenants full of data, and the ids of each kind that Acme may try: its own, Globex's, nobody's, a deleted one."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from django.apps import apps
from django.db import connections

from apikeys.usage import counter
from crm.rest import writes
from tenants import ids
from tenants.actor import Actor
from tenants.models import Tenant, TenantModel
from tenants.policies import has_tenant
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.records import Records

__all__ = ["SHARED_CLAIM", "World", "fingerprint", "is_kept"]

# Both tenants use it: each has a namespace of its own.
SHARED_CLAIM = "the-same-key-for-both"


class World:
    """Acme and Globex with the same kinds of records, and Acme's deleted ones."""

    def __init__(self, acme: Caller, globex: Caller) -> None:
        self.acme, self.globex = Records(acme, "acm"), Records(globex, "glx", claim=SHARED_CLAIM)
        self.routes, self.views = self.acme.routes, self.acme.views
        # A contract's second mount leads to the same views: there only the paths are asked anew.
        self.firsts = tuple({(r.view, *r.actions.values()): r for r in reversed(self.routes)}.values())
        self.deleted = {model: self.delete(model) for model in self.acme.makers if not is_kept(model)}
        lists = {route.view for route in self.routes if route.actions.get("GET") == "list"}
        self.rows = {view: self.globex.list(view) for view in lists}
        self.cursors = {view: self.globex.cursor(view) for view in lists}
        # From here on nobody works for Globex, so nothing of its own may change; uses are counted in the background.
        counter.flush()
        self.secrets = tuple(secrets_of(self.globex))

    def delete(self, model: Any) -> str:
        """Make one of Acme's records and delete it for good, also where no contract offers that; return its id."""
        tenant, public_id = self.acme.caller.tenant, self.acme.make(model)
        if not issubclass(model, TenantModel):
            route = next(route for route in self.routes if route.view.model is model and "DELETE" in route.actions)
            assert self.acme.send(route, "DELETE", route.at(public_id)).status == 200
            return public_id
        with tenant_scope(tenant.id):
            record = model.objects.of(tenant).get(pk=ids.decode(self.views[model].prefix, public_id))
            writes.delete(record, actor=Actor.system(tenant, "tests"))
        return public_id

    def ids_of(self, model: Any) -> dict[str, str]:
        """Return the ids of a kind of record that Acme may try."""
        found = {"own": self.acme.ids[model], "foreign": self.globex.ids[model]}
        found["unknown"] = ids.encode(found["own"].rpartition("_")[0], ids.new())
        return found | ({"deleted": self.deleted[model]} if model in self.deleted else {})


def is_kept(model: Any) -> bool:
    """Tell whether the database lets nobody delete or change a record of this kind."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT NOT has_table_privilege('kith_app', %s, 'DELETE')", [model._meta.db_table])
        return bool(cursor.fetchone()[0])


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


def secrets_of(records: Records) -> Iterator[bytes]:
    """Yield what only this tenant's answers may hold: its marks and its ids, as TypeIDs and as UUIDs."""
    tenant = records.caller.tenant
    yield from (records.mark.encode(), tenant.slug.encode())
    for _, rows in tenant_rows(tenant):
        for pk in [*rows.values_list("pk", flat=True), tenant.id]:
            yield ids.encode("x", pk)[1:].encode()
            yield str(pk).encode()
            yield pk.hex.encode()
