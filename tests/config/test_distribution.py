"""Spreading the tables by tenant: each has its place, the plan's keys carry Kith, and who crosses tenants is known."""

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction

from apikeys.usage import counter
from config import distribution
from config.checks import refuse_unsafe
from config.env import BASE
from config.preparing import migrate
from crm.resources.clients.models import Client
from crm.rest import writes
from tenants.actor import Actor
from tenants.routing import using
from tenants.scope import tenant_scope
from tests.conftest import Caller, make_caller
from tests.records import Records

ROOMS = ("apikeys", "config", "crm", "tenants", "webhooks")
GUIDE = (BASE / "docs" / "scaling.md").read_text(encoding="utf-8")
# The pages for people are the admin in a wider sense: StaffDatabase gives them the staff's role.
PEOPLE = re.compile(r"\.(admin|pages|staff)\b|\.migrations\.")
# What names no tenant goes by the key of a row that was found under one; the policy bounds it all the same.
BY_KEY = re.compile(
    r"(SELECT .*|DELETE) FROM (\w+) WHERE \2\.(\w+_)?id (= %s|IN \([%s, ]+\))( ORDER BY .*| LIMIT \d+)*"
)


@pytest.fixture
def tables() -> dict[str, distribution.Table]:
    return distribution.read()


def test_it_finds_a_place_for_every_table(tables: dict[str, distribution.Table]) -> None:
    assert list(distribution.faults(tables)) == []
    named = {*distribution.REFERENCE, *distribution.WHOLE, *distribution.LOCAL}
    assert named <= tables.keys()
    spread = {name for name, table in tables.items() if table.place == "spread"}
    assert {"crm_client", "crm_invoiceline", "tenants_member", "apikeys_claim"} <= spread == tables.keys() - named


@pytest.mark.parametrize(("sql", "sentence"), [
    ("CREATE TABLE crm_country (code text PRIMARY KEY)", "crm_country has no tenant: give it one, or name it"),
    ("CREATE UNIQUE INDEX wide ON crm_client (id, email)", "crm_client: wide is unique across tenants"),
    ("CREATE UNIQUE INDEX wide ON webhooks_lane (next_due_at)", "webhooks_lane: wide is unique across tenants"),
    ("ALTER TABLE crm_lead ADD CONSTRAINT plain FOREIGN KEY (client_id) REFERENCES crm_client",
     "crm_lead: plain may lead to another tenant's crm_client"),
    ("ALTER TABLE tenants_tenant ADD owner_id uuid REFERENCES tenants_member",
     "leads to tenants_member, which has no copy on every server"),
    ("ALTER TABLE crm_lead ADD endpoint_id uuid REFERENCES webhooks_endpoint",
     "leads from a table that is spread to webhooks_endpoint, which is whole"),
    ("ALTER TABLE crm_lead ADD log_id int REFERENCES django_admin_log",
     "leads from a table that is spread to django_admin_log, which is local"),
])  # fmt: skip
def test_it_names_what_keeps_a_table_from_its_place(sql: str, sentence: str) -> None:
    with using("owner"), transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(sql)
        [found] = distribution.faults(distribution.read())
        with pytest.raises(CommandError, match=re.escape(found)):
            call_command("distribution")
        transaction.set_rollback(True, using="owner")
    assert sentence in found


def test_it_prints_the_plan(tables: dict[str, distribution.Table], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("distribution")
    plan = capsys.readouterr().out.splitlines()
    spread = [name for name, table in tables.items() if table.place == "spread"]
    moves = [line for line in plan if line.startswith("SELECT create_distributed_table")]
    assert [re.findall(r"'(\w+)'", line)[:2] for line in moves] == [[name, "tenant_id"] for name in spread]
    assert not any(f" ON {name};" in line for name in distribution.WHOLE for line in plan)
    last_drop = max(n for n, line in enumerate(plan) if "DROP CONSTRAINT" in line)
    first_reference = min(n for n, line in enumerate(plan) if "FOREIGN KEY" in line)
    assert last_drop < plan.index(moves[0]) < plan.index(moves[-1]) < first_reference
    call_command("distribution", "--keys")
    keys = capsys.readouterr().out
    assert "create_" not in keys
    assert keys.count("FOREIGN KEY") == sum("FOREIGN KEY" in line for line in plan)


def test_it_changes_a_row_in_its_tenant_alone(acme: Caller, globex: Caller) -> None:
    client = Client(name="Ann")
    writes.create(client, actor=Actor.system(acme.tenant, "tests"))
    with using("owner"), tenant_scope(acme.tenant.pk):
        client.tenant = globex.tenant
        with pytest.raises(DatabaseError, match="did not affect"):
            client.save(force_update=True)
    assert [row["name"] for row in acme.get("/clients").data] == ["Ann"]
    assert globex.get("/clients").data == []


def test_it_names_the_tenant_in_every_statement_of_the_api(
    acme: Caller, tables: dict[str, distribution.Table], quiet: None
) -> None:
    named = re.compile(r"\b({})\b".format("|".join(name for name, table in tables.items() if table.place == "spread")))
    seen: set[str] = set()

    def note(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        seen.add(" ".join(str(sql).replace('"', "").split()))
        return execute(sql, params, many, context)

    with connections["default"].execute_wrapper(note):
        use_everything(Records(acme))
    found = {sql for sql in seen if named.search(sql)}
    crossing = [sql for sql in found if not names_tenant(sql) and not BY_KEY.fullmatch(sql)]
    assert len(found) > 100
    assert crossing == []
    assert not any(re.search(r"UPDATE \w+ SET .*tenant_id.* WHERE", sql) for sql in found if sql.startswith("UPDATE"))


def names_tenant(sql: str) -> bool:
    """Tell whether a statement says whose rows it is about; an INSERT does so in every row."""
    return sql.startswith("INSERT") or "tenant_id" in sql.partition(" WHERE ")[2]


def use_everything(records: Records) -> None:
    """Read, change and delete what was made, by each route once."""
    for method in ("GET", "PATCH", "DELETE"):
        for route in {(r.view, r.actions.get(method)): r for r in records.routes if method in r.actions}.values():
            body: Any = None if method == "GET" else {}
            answer = records.send(route, method, route.at(records.ids[route.view.model]), body)
            assert answer.status < 500, (route.path, answer.body)


def crossers() -> Iterator[str]:
    """Yield the modules that work under the role of the staff or of the owner, whose queries no policy bounds."""
    for path in sorted(path for room in ROOMS for path in (BASE / room).rglob("*.py")):
        module = ".".join(path.relative_to(BASE).with_suffix("").parts)
        if not PEOPLE.search(module) and any(crosses(node) for node in ast.walk(ast.parse(path.read_text("utf-8")))):
            yield module


def crosses(node: ast.AST) -> bool:
    """Tell whether a call or a subscript chooses a connection other than the API's."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        chosen = [*node.args, *(word.value for word in node.keywords if word.arg == "using")]
        return name == "staff_scope" or (name in ("using", "atomic", "on_commit") and any(map(is_other, chosen)))
    return isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "connections" and is_other(node.slice)


def is_other(node: ast.AST) -> bool:
    return getattr(node, "id", "") == "STAFF" or getattr(node, "value", "") in ("admin", "owner")


def test_its_guide_names_everyone_who_crosses_tenants() -> None:
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", GUIDE, re.MULTILINE)) == set(crossers())


@contextmanager
def another_database() -> Iterator[None]:
    """Work in a new database of the same server, migrated."""
    told: dict[str, dict[str, Any]] = connections.settings
    before = told["owner"]["NAME"]
    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE DATABASE kith_spread")
    switch("kith_spread")
    try:
        with using("owner"):
            migrate(lambda _: None)
        yield
    finally:
        switch(before)
        with connections["owner"].cursor() as cursor:
            cursor.execute("DROP DATABASE kith_spread WITH (FORCE)")


def switch(name: str) -> None:
    """Let every connection of this process lead to another database."""
    counter.flush()
    for told in connections.settings.values():
        told["NAME"] = name
    connections.close_all()


@pytest.mark.deep
def test_its_keys_carry_kith(quiet: None) -> None:
    with another_database():
        with using("owner"), connections["owner"].cursor() as cursor:
            tables = distribution.read()
            statements = [*distribution.keys(tables), *distribution.foreign_keys(tables)]
            cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'btree_gist'")
            if not cursor.fetchone():
                # The embedded PostgreSQL comes without it; one constraint then stays as it is.
                statements = [line for line in statements if "btree_gist" not in line and "booked_once" not in line]
            for line in statements:
                cursor.execute(line)
            keyed = distribution.read()
        without = [one.name for table in keyed.values() if table.place == "spread" for one in table.constraints
                   if one.kind != "f" and not one.in_tenant]  # fmt: skip
        assert without in ([], ["assignee_booked_once"])
        refuse_unsafe()
        acme, globex = make_caller("acme"), make_caller("globex")
        use_everything(Records(acme))
        foreign = globex.post("/clients", {"name": "Ben"}).data["id"]
        assert acme.post("/invoices", {"client_id": foreign, "lines": []}).status == 400
        assert acme.get(f"/clients/{foreign}").status == 404
