"""The migration operations that guard a tenant table: row-level security, rights, composite keys, the ledger's net."""

from typing import Any

from django.contrib.postgres import operations as concurrently
from django.db import models
from django.db.migrations.operations.base import Operation

__all__ = [
    "AddIndexConcurrently", "AppendOnly", "Grant", "KeepInTenant", "ProtectTable", "Recorded", "Searchable",
    "TableOperation",
]  # fmt: skip

# The sub-select makes PostgreSQL read the setting once a query; NULLIF because the setting is '' after a commit.
OWN_ROWS = "tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid)"

PROTECT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON {table} USING ({own}) WITH CHECK ({own});
CREATE POLICY staff_rows ON {table} TO kith_admin USING (true) WITH CHECK (true);
REVOKE ALL ON {table} FROM kith_app, kith_admin;
GRANT {rights} ON {table} TO kith_app, kith_admin;
"""

UNPROTECT = """
REVOKE ALL ON {table} FROM kith_app;
DROP POLICY staff_rows ON {table};
DROP POLICY tenant_rows ON {table};
ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
"""

APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION kith_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION kith_append_only();
"""


RECORDED = """
CREATE CONSTRAINT TRIGGER recorded AFTER INSERT OR UPDATE OR DELETE ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION kith_recorded();
"""
UNRECORDED = "DROP TRIGGER recorded ON {table};"


# The owner's view, so the policy does not come before the words. The tenant is compared as a text on purpose: by an
# index of its own PostgreSQL would read all of the tenant's rows, where only those with the words are wanted.
SEARCHABLE = """
CREATE VIEW {table}_words AS SELECT id, kith_words(search, tenant_id) AS words FROM {table}
WHERE tenant_id::text = current_setting('app.tenant_id', true);
REVOKE ALL ON {table}_words FROM kith_app, kith_admin;
GRANT SELECT ON {table}_words TO kith_app, kith_admin;
"""


class TableOperation(Operation):
    """An operation that runs SQL on one model's table, forwards and backwards."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def forwards(self, model: type[models.Model]) -> str:
        raise NotImplementedError

    def backwards(self, model: type[models.Model]) -> str:
        raise NotImplementedError

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Leave the models as they are: only the database changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(self.forwards(to_state.apps.get_model(app_label, self.model_name)))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(self.backwards(from_state.apps.get_model(app_label, self.model_name)))

    def describe(self) -> str:
        return f"{type(self).__name__} {self.model_name}"


class ProtectTable(TableOperation):
    """Guard a tenant table; `ledger` adds the net: a change that leaves no event in its transaction cannot commit.

    A table that is not `referable` has no key that others could point at: a partitioned one cannot promise it.
    """

    def __init__(
        self,
        model_name: str,
        *,
        rights: str = "SELECT, INSERT, UPDATE, DELETE",
        ledger: bool = False,
        referable: bool = True,
    ) -> None:
        super().__init__(model_name)
        self.rights = rights
        self.ledger = ledger
        self.referable = referable

    def forwards(self, model: type[models.Model]) -> str:
        table = model._meta.db_table
        parts = [PROTECT.format(table=table, own=OWN_ROWS, rights=self.rights)]
        if self.referable:
            parts.append(f"ALTER TABLE {table} ADD CONSTRAINT {table}_tenant_id_key UNIQUE (tenant_id, {pk(model)});")
        parts += [composite_key(table, field) for field in tenant_references(model)]
        if self.ledger:
            parts.append(RECORDED.format(table=table))
        return "\n".join(parts)

    def backwards(self, model: type[models.Model]) -> str:
        table = model._meta.db_table
        parts = [UNPROTECT.format(table=table)]
        if self.ledger:
            parts.append(UNRECORDED.format(table=table))
        parts += [f"ALTER TABLE {table} DROP CONSTRAINT {key_name(table, f)};" for f in tenant_references(model)]
        if self.referable:
            parts.append(f"ALTER TABLE {table} DROP CONSTRAINT {table}_tenant_id_key;")
        return "\n".join(parts)


class KeepInTenant(TableOperation):
    """Keep a reference inside its tenant that was added to a table which ProtectTable had guarded before."""

    def __init__(self, model_name: str, name: str) -> None:
        super().__init__(model_name)
        self.name = name

    def forwards(self, model: type[models.Model]) -> str:
        return composite_key(model._meta.db_table, model._meta.get_field(self.name))

    def backwards(self, model: type[models.Model]) -> str:
        table = model._meta.db_table
        return f"ALTER TABLE {table} DROP CONSTRAINT {key_name(table, model._meta.get_field(self.name))};"


class Recorded(TableOperation):
    """Put the ledger's net under a table that is guarded already."""

    def forwards(self, model: type[models.Model]) -> str:
        return RECORDED.format(table=model._meta.db_table)

    def backwards(self, model: type[models.Model]) -> str:
        return UNRECORDED.format(table=model._meta.db_table)


class Searchable(TableOperation):
    """Let the running scope's tenant find rows by the words of their search column; see tenants.words."""

    def forwards(self, model: type[models.Model]) -> str:
        return SEARCHABLE.format(table=model._meta.db_table)

    def backwards(self, model: type[models.Model]) -> str:
        return f"DROP VIEW {model._meta.db_table}_words;"


class AppendOnly(TableOperation):
    """Refuse UPDATE, DELETE and TRUNCATE on a table for every role; only an event's fanned_out_at may be filled in."""

    def forwards(self, model: type[models.Model]) -> str:
        return APPEND_ONLY.format(table=model._meta.db_table)

    def backwards(self, model: type[models.Model]) -> str:
        table = model._meta.db_table
        return f"DROP TRIGGER append_only ON {table}; DROP TRIGGER never_emptied ON {table};"


class Grant(TableOperation):
    """Give kith_app `rights` on a table that stands outside row-level security."""

    def __init__(self, model_name: str, rights: str) -> None:
        super().__init__(model_name)
        self.rights = rights

    def forwards(self, model: type[models.Model]) -> str:
        return f"GRANT {self.rights} ON {model._meta.db_table} TO kith_app;"

    def backwards(self, model: type[models.Model]) -> str:
        return f"REVOKE {self.rights} ON {model._meta.db_table} FROM kith_app;"


def pk(model: type[models.Model]) -> str:
    return str(model._meta.pk.column)


def tenant_references(model: type[models.Model]) -> list[Any]:
    """Return the foreign keys of `model` that point at tenant tables."""
    fields = [field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey)]
    return [field for field in fields if has_tenant(field.related_model)]


def has_tenant(model: Any) -> bool:
    """Tell whether rows of `model` belong to a tenant."""
    return any(field.name == "tenant" for field in model._meta.concrete_fields)


def key_name(table: str, field: Any) -> str:
    return f"{table}_{field.column}_same_tenant"


def composite_key(table: str, field: Any) -> str:
    """Return the key that keeps a reference inside its tenant: the check of a plain key ignores policies."""
    target = field.related_model._meta
    action = {models.CASCADE: "CASCADE", models.SET_NULL: f"SET NULL ({field.column})"}.get(
        field.remote_field.on_delete, "NO ACTION"
    )
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {key_name(table, field)} FOREIGN KEY (tenant_id, {field.column}) "
        f"REFERENCES {target.db_table} (tenant_id, {target.pk.column}) ON DELETE {action};"
    )


class AddIndexConcurrently(concurrently.AddIndexConcurrently):
    """Django's own, which first drops the broken index that an interrupted run of it has left behind."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.index.name)}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)
