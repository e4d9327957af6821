"""Migrations run while the previous release serves: none may hold a table for long, or take away what that one needs.

What stands in HISTORY is released. Of everything newer the SQL is read, as it would run, against the tables of then.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tenants.policies import AddIndexConcurrently

# The last released migration of each app.
HISTORY = {"tenants": "0007_outbox", "apikeys": "0003_usage", "webhooks": "0002_public_key", "crm": "0011_charts"}
# Migrations that may do what the rules refuse, each with the reason why it harms nobody.
ALLOWED: dict[tuple[str, str], str] = {
    (
        "webhooks",
        "0003_given_up",
    ): "A partitioned table takes no concurrent index; for it only workers wait.",
}

TABLE = r'"?(?P<table>[a-z_0-9]+)"?'
ALTER = rf"ALTER TABLE (?:ONLY )?{TABLE} "
FILL = "let it be null, or give it a db_default, as the previous release does not fill it"
# What is refused on a table that is there already, and what to do instead.
RULES = {
    rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).* ON {TABLE}": (
        "while an index is built nobody can write: use AddIndexConcurrently of tenants.policies, with atomic = False"
    ),
    rf"{ALTER}ADD CONSTRAINT \S+ (?!.*(?:NOT VALID|USING INDEX)).*": (
        "while every row is checked nobody can write: use AddConstraintNotValid of django.contrib.postgres, and "
        "ValidateConstraint in a migration of its own; a unique one takes a unique index that is made before"
    ),
    rf"{ALTER}ADD COLUMN \S+ (?=.*NOT NULL)(?!.*DEFAULT).*": FILL,
    rf"{ALTER}ALTER COLUMN \S+ DROP DEFAULT": FILL,
    rf"{ALTER}ADD COLUMN .*(?:GENERATED ALWAYS|DEFAULT \(?(?:gen_random_uuid|random|clock_timestamp|nextval)).*": (
        "the whole table is written anew: add a column that may be null, and fill it in batches"
    ),
    rf"{ALTER}ADD COLUMN .*(?: UNIQUE| REFERENCES (?!.*NOT VALID)).*": (
        "an index is built, or every row checked, while nobody can write: add the column alone, and the rest after it"
    ),
    rf"{ALTER}ALTER COLUMN \S+ TYPE .*": (
        "the whole table may be written anew: add a column, fill it in batches, and drop the old one a release later"
    ),
    rf"{ALTER}ALTER COLUMN \S+ SET NOT NULL": (
        "while every row is checked nobody can read: validate a CheckConstraint before"
    ),
    rf"{ALTER}RENAME .*": (
        "the previous release knows the old name only: add the new one, and drop the old one a release later"
    ),
    rf"{ALTER}DROP COLUMN .*|DROP TABLE (?:IF EXISTS )?{TABLE.replace('table', 'dropped')}": (
        "the previous release still reads it: drop it a release later"
    ),
    rf"UPDATE {TABLE} SET .*|DELETE FROM {TABLE.replace('table', 'emptied')}.*": (
        "the rows stay locked until all are done: fill in batches of 1,000, each in a transaction of its own"
    ),
}


def new_migrations(loader: MigrationLoader) -> Iterator[tuple[str, str]]:
    """Yield what is not released yet, in the order in which it runs."""
    released = {key for app, name in HISTORY.items() for key in loader.graph.forwards_plan((app, name))}
    for leaf in sorted(loader.graph.leaf_nodes()):
        for key in loader.graph.forwards_plan(leaf):
            if key not in released and key[0] in HISTORY:
                yield key
                released.add(key)


def tables(state: ProjectState) -> set[str]:
    return {model._meta.db_table for model in state.apps.get_models(include_auto_created=True)}


def statements(loader: MigrationLoader, key: tuple[str, str]) -> list[str]:
    """Return what a migration would run."""
    migration = loader.graph.nodes[key]
    state = loader.project_state(loader.graph.node_map[key].key, at_end=False)
    return sql_of(migration, state)


def sql_of(migration: migrations.Migration, state: ProjectState) -> list[str]:
    with connections["owner"].schema_editor(collect_sql=True, atomic=False) as editor:
        migration.apply(state, editor, collect_sql=True)
    # Comments go, and a text of several statements comes apart.
    text = "\n".join(line for line in editor.collected_sql if not line.startswith("--"))
    return [" ".join(one.split()) for one in text.split(";") if one.strip()]


def faults(sql: list[str], there: set[str]) -> list[str]:
    """Return what the rules refuse."""
    found = []
    for statement in sql:
        for pattern, instead in RULES.items():
            match = re.match(pattern, statement, re.IGNORECASE)
            if match and there & set(filter(None, match.groupdict().values())):
                found.append(f"{statement[:100]}: {instead}")
    return found


def test_no_new_migration_holds_a_table_or_takes_away_what_is_used() -> None:
    loader = MigrationLoader(connections["owner"])
    there = tables(loader.project_state(list(HISTORY.items())))
    found = {key: faults(statements(loader, key), there) for key in new_migrations(loader) if key not in ALLOWED}
    assert not {f"{app}.{name}": lines for (app, name), lines in found.items() if lines}


def migration(*operations: Any, atomic: bool = True) -> migrations.Migration:
    own = {"operations": list(operations), "atomic": atomic}
    made: migrations.Migration = type("Migration", (migrations.Migration,), own)("9999_trial", "crm")
    return made


INDEX = models.Index(fields=["tenant", "name"], name="trial_index")
CHECK = models.CheckConstraint(condition=models.Q(version__gt=0), name="trial_check")
UNIQUE = models.UniqueConstraint(fields=["tenant", "name"], name="trial_unique")
REFUSED = {
    "index": migrations.AddIndex("client", INDEX),
    "check": migrations.AddConstraint("client", CHECK),
    "unique": migrations.AddConstraint("client", UNIQUE),
    "not null": migrations.AddField("client", "trial", models.IntegerField(default=3)),
    "type": migrations.AlterField("client", "version", models.BigIntegerField(default=1, editable=False)),
    "volatile": migrations.RunSQL("ALTER TABLE crm_client ADD COLUMN trial uuid DEFAULT gen_random_uuid()"),
    "rename": migrations.RenameField("client", "name", "label"),
    "remove": migrations.RemoveField("client", "tags"),
    "drop": migrations.DeleteModel("Attachment"),
    "update": migrations.RunSQL("UPDATE crm_client SET name = name"),
    "unique column": migrations.AddField("client", "trial", models.CharField(max_length=9, null=True, unique=True)),
}
TAKEN = {
    "column": migrations.AddField("client", "trial", models.IntegerField(null=True)),
    "default": migrations.AddField("client", "trial", models.IntegerField(db_default=3)),
    "index": AddIndexConcurrently("client", INDEX),
    "help": migrations.AlterField("client", "version", models.PositiveIntegerField(default=1, help_text="Changed.")),
    "new table": migrations.CreateModel("Trial", [("id", models.BigAutoField(primary_key=True))]),
}


@pytest.fixture(scope="module")
def now(django_db_setup: None) -> ProjectState:
    """Return the models as all migrations leave them; made once, as it takes a while."""
    state = MigrationLoader(connections["owner"]).project_state()
    # Worked out at the first look.
    assert state.apps.get_models()
    return state


def judged(state: ProjectState, operation: Any, *, atomic: bool = True) -> list[str]:
    if isinstance(operation, migrations.DeleteModel):
        # Any table that nothing refers to.
        operation = migrations.DeleteModel("InvoiceLine")
    return faults(sql_of(migration(operation, atomic=atomic), state.clone()), tables(state))


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses(now: ProjectState, name: str) -> None:
    assert judged(now, REFUSED[name])


@pytest.mark.parametrize("name", TAKEN)
def test_it_takes(now: ProjectState, name: str) -> None:
    assert judged(now, TAKEN[name], atomic=name != "index") == []
