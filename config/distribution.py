"""How the tables spread over several PostgreSQL servers by tenant (Citus): read from the catalogue, judged, planned.

Nothing here runs by itself: `manage.py distribution` prints the plan, and whoever spreads the tables runs it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from tenants.routing import alias

__all__ = ["LOCAL", "REFERENCE", "WHOLE", "Constraint", "Table", "faults", "foreign_keys", "keys", "read", "spreading"]

TENANT = "tenant_id"
# A copy on every server, in the order in which they refer to one another.
REFERENCE: Mapping[str, str] = {
    "tenants_plan": "read with every tenant",
    "auth_user": "members and keys refer to people, who may belong to several tenants",
    "tenants_tenant": "every tenant's table refers to it, and a sandbox to its live side",
    "apikeys_apikey": "found by its digest before a tenant is known",
}
# On one server, though their keys would let them be spread.
WHOLE: Mapping[str, str] = {
    "tenants_event": "the feed's order is that of one server's transactions, and the fan-out locks rows of all tenants",
    "tenants_seal": "refers to events",
    "webhooks_endpoint": "joined with the lanes of all tenants",
    "webhooks_endpointsecret": "refers to endpoints",
    "webhooks_lane": "workers lock those of all tenants that are due",
    "webhooks_delivery": "taken and written back for several tenants at once",
    "webhooks_attempt": "written for several tenants at once",
    "webhooks_replay": "refers to endpoints",
}
# On one server as well: they have no tenant, and only the pages for people and the migrations read them.
LOCAL = frozenset(
    "auth_group auth_group_permissions auth_permission auth_user_groups auth_user_user_permissions django_admin_log "
    "django_content_type django_migrations django_session".split()
)
# Citus takes no sub-select in a policy.
OWN_ROWS = "tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid"

TABLES = """
SELECT c.relname::text, EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""
CONSTRAINTS = """
SELECT c.relname::text, k.conname::text, k.contype::text, pg_get_constraintdef(k.oid), f.relname::text,
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS n(number, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = n.number ORDER BY place),
  ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS n(number, place)
        JOIN pg_attribute a ON a.attrelid = f.oid AND a.attnum = n.number ORDER BY place)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_class f ON f.oid = k.confrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND k.contype IN ('p', 'u', 'x', 'f')
UNION ALL
SELECT c.relname::text, x.relname::text, 'u', pg_get_indexdef(x.oid), NULL,
  ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(i.indkey)), NULL
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND i.indisunique
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.oid AND k.conrelid = c.oid)
ORDER BY 1, 3, 2
"""
TRIGGERS = """
SELECT c.relname::text, t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND NOT t.tgisinternal ORDER BY 1, 2
"""
POLICIES = """
SELECT tablename::text, policyname::text FROM pg_policies
WHERE schemaname = 'public' AND (qual ~* 'select' OR with_check ~* 'select') ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Constraint:
    """A key or a reference of a table, as the catalogue has it."""

    name: str
    kind: str
    definition: str
    target: str | None
    columns: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def whole_key(self) -> bool:
        """Whether it is the pair of tenant and id that references name; a primary key of both takes its place."""
        return self.kind == "u" and self.columns == (TENANT, "id")

    @property
    def in_tenant(self) -> bool:
        """Whether it binds rows of one tenant alone."""
        if self.kind == "x":
            return f"{TENANT} WITH =" in self.definition
        return TENANT in self.columns if self.kind != "f" else self.columns[0] == self.targets[0] == TENANT


@dataclass
class Table:
    """A table, as far as spreading it goes."""

    name: str
    has_tenant: bool
    constraints: list[Constraint] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Where its rows go: `reference`, `whole`, `local`, `spread`, or nowhere that anybody has named."""
        places = {"reference": REFERENCE, "whole": WHOLE, "local": LOCAL}
        named = next((place for place, tables in places.items() if self.name in tables), None)
        return named or ("spread" if self.has_tenant else "")

    def of(self, *kinds: str) -> Iterator[Constraint]:
        """Yield its constraints of some kinds: p(rimary), u(nique), x for exclusion, f(oreign)."""
        return (one for one in self.constraints if one.kind in kinds)


def read() -> dict[str, Table]:
    """Read every table of the database."""
    with connections[alias()].cursor() as cursor:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return list(cursor.fetchall())

        tables = {name: Table(name, has_tenant) for name, has_tenant in rows(TABLES)}
        for name, key, kind, definition, target, columns, targets in rows(CONSTRAINTS):
            one = Constraint(key, kind, definition, target, tuple(columns), tuple(targets or ()))
            tables[name].constraints.append(one)
        for name, trigger in rows(TRIGGERS):
            tables[name].triggers.append(trigger)
        for name, policy in rows(POLICIES):
            tables[name].policies.append(policy)
    return tables


def faults(tables: Mapping[str, Table]) -> Iterator[str]:
    """Yield a sentence for each thing that would keep a table from its place, and that no step of the plan mends."""
    for table in tables.values():
        if not table.place:
            yield f"{table.name} has no tenant: give it one, or name it in LOCAL or REFERENCE (config/distribution.py)."
        if table.has_tenant and table.place != "reference":
            for one in table.of("u"):
                if not one.in_tenant:
                    yield f"{table.name}: {one.name} is unique across tenants, {one.columns}: put tenant first."
        for one in table.of("f"):
            if sentence := misled(table, one, tables[str(one.target)]):
                yield f"{table.name}: {one.name} {sentence}"


def misled(table: Table, key: Constraint, target: Table) -> str:
    """Return why a reference could not be kept where its two tables go; an empty text where it can."""
    if target.place == "reference":
        return ""
    if table.place == "reference":
        return f"leads to {target.name}, which has no copy on every server."
    if table.place != target.place:
        return f"leads from a table that is {table.place} to {target.name}, which is {target.place}."
    if table.has_tenant and not key.in_tenant:
        return f'may lead to another tenant\'s {target.name}: KeepInTenant("...", "...") adds the composite key.'
    return ""


def spread(tables: Mapping[str, Table]) -> list[Table]:
    """Return the tables that are spread by tenant."""
    return [table for table in tables.values() if table.place == "spread"]


def keys(tables: Mapping[str, Table]) -> list[str]:
    """Return the statements that put the tenant into every key: plain PostgreSQL; references are dropped for a while.

    References go round in circles (a quote's invoice, an invoice's quote), so no order of tables would do.
    """
    found = [dropped(table, one) for table in spread(tables) for one in table.of("f")]
    for table in spread(tables):
        for one in table.of("p"):
            if not one.in_tenant:
                found += [dropped(table, other) for other in table.of("u") if other.whole_key]
                columns = ", ".join((TENANT, *one.columns))
                found += [dropped(table, one), added(table, one.name, f"PRIMARY KEY ({columns})")]
        for one in table.of("x"):
            if not one.in_tenant:
                definition = one.definition.replace("(", f"({TENANT} WITH =, ", 1)
                found += [
                    "CREATE EXTENSION IF NOT EXISTS btree_gist;",
                    dropped(table, one),
                    added(table, one.name, definition),
                ]
    return found


def spreading(tables: Mapping[str, Table]) -> list[str]:
    """Return the statements for Citus, which is to be there with its nodes: what it refuses goes, and the rows move."""
    ready = [
        f"ALTER POLICY {policy} ON {table.name} USING ({OWN_ROWS}) WITH CHECK ({OWN_ROWS});"
        for table in (*spread(tables), *(tables[name] for name in REFERENCE))
        for policy in table.policies
    ]
    ready += [f"DROP TRIGGER {name} ON {table.name};" for table in spread(tables) for name in table.triggers]
    copies = [f"SELECT create_reference_table('{name}');" for name in REFERENCE]
    return ready + copies + list(moved([table.name for table in spread(tables)]))


def moved(names: Iterable[str]) -> Iterator[str]:
    """Yield what moves the rows; all tables are cut alike, so that a tenant's rows lie together."""
    first, *others = names
    yield f"SELECT create_distributed_table('{first}', '{TENANT}');"
    for name in others:
        yield f"SELECT create_distributed_table('{name}', '{TENANT}', colocate_with => '{first}');"


def foreign_keys(tables: Mapping[str, Table]) -> list[str]:
    """Return the statements that put back the references of keys()."""
    return [added(table, one.name, one.definition) for table in spread(tables) for one in table.of("f")]


def dropped(table: Table, one: Constraint) -> str:
    return f"ALTER TABLE {table.name} DROP CONSTRAINT {one.name};"


def added(table: Table, name: str, definition: str) -> str:
    return f"ALTER TABLE {table.name} ADD CONSTRAINT {name} {definition};"
