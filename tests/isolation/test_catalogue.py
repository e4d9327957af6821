"""The catalogue of the database: every tenant table carries every guard, and a table without one stops the start."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.core.management import call_command
from django.db import connections, transaction

from tenants.checks import EXEMPT, catalogue, connection_role, tenant_models
from tenants.routing import using

GUARDED = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relrowsecurity AND c.relforcerowsecurity
  AND NOT c.relispartition
"""
WITH_TENANT = """
SELECT relname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND attname = 'tenant_id'
"""
NULLABLE = f"{WITH_TENANT} AND NOT attnotnull"
# A partition is reached through its table, under that one's policies; itself it has none, and opens for nobody.
OPEN_PARTS = """
SELECT c.relname::text FROM pg_class c, unnest(ARRAY['kith_app', 'kith_admin']) role
WHERE c.relispartition AND c.relkind = 'r' AND (
  NOT (c.relrowsecurity AND c.relforcerowsecurity) OR has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
  OR EXISTS (SELECT 1 FROM pg_policies p WHERE p.tablename = c.relname)
)
"""
POLICIES = """
SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies
WHERE schemaname = 'public'
"""
# Tables that point at a tenant's rows and have no tenant themselves: their rows would have no guard.
UNOWNED = f"""
SELECT k.conrelid::regclass::text FROM pg_constraint k
WHERE k.contype = 'f' AND k.confrelid::regclass::text IN ({GUARDED})
  AND k.conrelid::regclass::text NOT IN ({WITH_TENANT})
"""
RIGHTS = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
  unnest(ARRAY['kith_app', 'kith_admin']) role
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
  AND (has_table_privilege(role, c.oid, 'TRUNCATE') OR has_table_privilege(role, c.oid, 'TRIGGER'))
"""
WAYS_ROUND = r"""
SELECT relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('v', 'm')
  -- The words of searches (tenants/words.py): shown to the tenant whose they are, and to nobody else.
  AND NOT (c.relname LIKE '%words' AND pg_get_viewdef(c.oid) ~ 'tenant_id.* = current_setting\(''app.tenant_id''')
UNION SELECT proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'public' AND p.prosecdef
"""
OWN = "(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS \"nullif\"))"


def rows(sql: str) -> list[tuple[Any, ...]]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def column(sql: str) -> set[str]:
    return {str(row[0]) for row in rows(sql)}


def test_it_misses_no_guard() -> None:
    assert catalogue(["default"]) == []


def test_it_exempts_three_tables() -> None:
    assert frozenset({"tenants_plan", "tenants_tenant", "apikeys_apikey"}) == EXEMPT


def test_it_guards_exactly_the_tables_with_a_tenant() -> None:
    with_tenant = column(WITH_TENANT)
    assert column(GUARDED) == with_tenant - EXEMPT == {model._meta.db_table for model in tenant_models()}
    assert column(NULLABLE) == set()


def test_it_knows_two_policies_a_table() -> None:
    own = ("tenant_rows", "PERMISSIVE", "{public}", "ALL", OWN, OWN)
    staff = ("staff_rows", "PERMISSIVE", "{kith_admin}", "ALL", "true", "true")
    expected = {(table, *policy) for table in column(GUARDED) for policy in (own, staff)}
    assert set(rows(POLICIES)) == expected


@pytest.mark.parametrize("sql", [UNOWNED, RIGHTS, WAYS_ROUND, OPEN_PARTS], ids=["tables", "rights", "views", "parts"])
def test_it_leaves_no_way_round(sql: str) -> None:
    assert column(sql) == set()


@contextmanager
def damaged(sql: str) -> Iterator[None]:
    """Change the schema for the time of the block, as a migration that forgot something would leave it."""
    with using("owner"), transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(sql)
        yield
        transaction.set_rollback(True, using="owner")


UNGUARDED = ("E001", "not guarded by row-level security", 'Add ProtectTable("Client")')


@pytest.mark.parametrize(("sql", "expected"), [
    ("ALTER TABLE crm_client DISABLE ROW LEVEL SECURITY", UNGUARDED),
    ("ALTER TABLE crm_client NO FORCE ROW LEVEL SECURITY", UNGUARDED),
    ("DROP POLICY tenant_rows ON crm_client", UNGUARDED),
    ("ALTER POLICY tenant_rows ON crm_client USING (true)", UNGUARDED),
    ("CREATE POLICY more ON crm_client USING (true)", UNGUARDED),
    ("CREATE UNIQUE INDEX wide ON crm_client (id, email)",
     ("E003", "wide does not start with tenant_id", "Put tenant first")),
    ("ALTER TABLE crm_invoice DROP CONSTRAINT crm_invoice_client_id_same_tenant",
     ("E004", "Invoice.client may point at another", 'ProtectTable("Invoice")')),
])  # fmt: skip
def test_it_names_the_guard_that_is_missing(sql: str, expected: tuple[str, str, str]) -> None:
    number, sentence, hint = expected
    with damaged(sql):
        found = catalogue(["default"])
    assert [message.id for message in found] == [f"tenants.{number}"]
    assert sentence in found[0].msg
    assert hint in str(found[0].hint)


def test_it_refuses_a_role_that_passes_by() -> None:
    with using("owner"):
        found: list[CheckMessage] = connection_role(["default"])
    assert [message.id for message in found] == ["tenants.E005"]
    assert "row-level security does not bind" in found[0].msg
    assert connection_role(["default"]) == []


def test_it_passes_the_systems_own_checks() -> None:
    call_command("check", databases=["default"])
