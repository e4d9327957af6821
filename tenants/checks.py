"""System checks of the tenant guards: a table without its policy stops the start, with the line that is missing."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections, models

from tenants.policies import has_tenant, key_name, tenant_references
from tenants.routing import REPLICA, alias, unbound_role

__all__ = ["EXEMPT", "catalogue", "connection_role"]

# Read before a tenant is known, by the statement that authenticates; rights on single columns guard them instead.
EXEMPT = frozenset({"tenants_plan", "tenants_tenant", "apikeys_apikey"})

TABLES = """
SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
       -- Policies add up: one more that binds everybody would open what the tenant's own closes.
       (SELECT count(*) = 1 AND bool_and(p.qual ~ 'app.tenant_id' AND p.with_check = p.qual) FROM pg_policies p
        WHERE p.schemaname = 'public' AND p.tablename = c.relname AND p.roles <> '{kith_admin}'),
       EXISTS (SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
               WHERE i.indrelid = c.oid AND a.attname = 'tenant_id'),
       ARRAY(SELECT x.relname::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
             WHERE i.indrelid = c.oid AND i.indisunique AND NOT i.indisprimary AND a.attname <> 'tenant_id'
               AND NOT (i.indnatts = 1 AND a.attname = 'event_id')),
       ARRAY(SELECT conname::text FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
"""


def tenant_models() -> list[type[models.Model]]:
    """Return every model with a tenant, apart from the exempt ones."""
    return [m for m in apps.get_models() if m._meta.managed and has_tenant(m) and m._meta.db_table not in EXEMPT]


@register(Tags.database)
def catalogue(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Compare every tenant table with the guards it must have (reliability T4)."""
    if "default" not in (databases or ()):
        return []
    with connections[alias()].cursor() as cursor:
        cursor.execute(TABLES)
        tables = {row[0]: row[1:] for row in cursor.fetchall()}
    return [message for model in tenant_models() for message in faults(model, tables.get(model._meta.db_table))]


def faults(model: type[models.Model], row: tuple[Any, ...] | None) -> Iterator[CheckMessage]:
    """Yield what the table of `model` lacks."""
    label, table = model._meta.label, model._meta.db_table
    if row is None:
        # Not migrated yet: `migrate` says so itself.
        return
    forced, policy, index, uniques, keys = row
    if not (forced and policy):
        hint = f'Add ProtectTable("{model._meta.object_name}") to its migration.'
        yield Error(
            f"{label} has a tenant but its table {table} is not guarded by row-level security.",
            hint=hint,
            id="tenants.E001",
        )
    if not index:
        yield Error(f"{label}: no index of {table} starts with tenant_id.", hint="Add one.", id="tenants.E002")
    for name in uniques:
        yield Error(
            f"{label}: the unique index {name} does not start with tenant_id.",
            hint="Put tenant first.",
            id="tenants.E003",
        )
    for field in tenant_references(model):
        if key_name(table, field) not in keys:
            hint = f'ProtectTable("{model._meta.object_name}") adds the composite key.'
            yield Error(f"{label}.{field.name} may point at another tenant's row.", hint=hint, id="tenants.E004")


@register(Tags.database)
def connection_role(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a web or worker connection whose role row-level security does not bind."""
    if "default" not in (databases or ()):
        return []
    found = [("DATABASE_URL", unbound_role(alias()))]
    if REPLICA in connections.settings:
        # One that is away stops no start: before it serves a read it is asked the same.
        with suppress(DatabaseError):
            found.append(("DATABASE_REPLICA_URL", unbound_role(REPLICA)))
        connections[REPLICA].close()
    return [
        Error(
            f"The connection runs as {name}, which row-level security does not bind.",
            hint=f"Let {setting} log in as a role that may take the role kith_app and nothing more.",
            id="tenants.E005",
        )
        for setting, name in found
        if name
    ]
