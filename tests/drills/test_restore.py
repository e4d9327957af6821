"""F22: what was backed up comes back, row for row, guarded as it was, in order, and nothing is sent in a hurry.

The figures of a run are in its last lines.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests
from django.core.management import call_command
from django.db import connections

from config import dumps, env
from config.embedded import Embedded
from config.env import BASE
from tenants import audit
from tenants.models import Tenant
from tenants.provisioning import provision
from tenants.routing import using
from tests.config.trial import Trial, manage
from tests.conftest import make_key
from tests.drills.traffic import serving, traffic
from tests.faults.harness import Side, pointed
from webhooks import endpoints
from webhooks.models import Endpoint

pytestmark = pytest.mark.deep

TENANTS, CLIENTS = 10, 5000
SECONDS = 60
OF_TENANTS = "SELECT tenant_id::text, count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {} t GROUP BY 1"
OF_NOBODY = "SELECT '', count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {} t"
TABLES = """
SELECT c.relname, EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'
"""
# Everything that guards: tables and their rights, policies, triggers, constraints, indexes, functions, partitions.
GUARDS = (
    """
    SELECT relname::text, relkind::text, relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner)::text,
      reloptions::text, pg_get_expr(relpartbound, oid),
      ARRAY(SELECT a::text FROM aclexplode(coalesce(relacl, acldefault('r', relowner))) a ORDER BY 1)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'i', 'I')
    """,
    """
    SELECT attrelid::regclass::text, attname::text, attacl::text FROM pg_attribute
    WHERE attacl IS NOT NULL AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    """,
    """
    SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), convalidated
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
    "SELECT tablename::text, policyname::text, roles::text, cmd, qual, with_check FROM pg_policies",
    "SELECT tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "SELECT defaclobjtype::text, pg_get_userbyid(defaclrole)::text, defaclacl::text FROM pg_default_acl",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
)
CASTS = r"::(text|character varying)(\[\])?|[()\s]"
LANES = "SELECT count(*), count(*) FILTER (WHERE next_due_at > now() + interval '4 minutes') FROM webhooks_lane"
UNLIKE = """
SELECT count(*) FROM crm_client c FULL JOIN tenants_event v
  ON v.tenant_id = c.tenant_id AND v.record_id = c.id AND v.record_version = c.version
WHERE (c.id IS NULL AND v.resource = 'client') OR v.id IS NULL
"""


@pytest.fixture(scope="module")
def sides(servers: Embedded) -> list[Side]:
    """Return ten tenants of 5,000 clients and as many events; one of them has an endpoint, for which they wait."""
    made = []
    for _ in range(TENANTS):
        with using("admin"):
            tenant = provision(slug=f"side-{uuid4().hex[:12]}")
        side = Side(tenant, make_key(tenant))
        side.make_clients(CLIENTS)
        made.append(side)
    own: dict[str, Any] = {"url": "https://example.com/hook", "events": ["client.*"], "scopes": ["*:read"]}
    endpoints.create(Endpoint(tenant=made[0].tenant, contract="v1", **own), actor=made[0].actor)
    call_command("audit_verify", "--seal", stdout=StringIO())
    return made


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Embedded]:
    """Run a cluster that has the roles, and nothing else."""
    home = tmp_path / "new"
    home.mkdir()
    home.chmod(0o755)
    with Embedded(home, fast=True) as servers:
        yield servers


def settings_of(servers: Embedded) -> env.Environment:
    return env.read({**os.environ, **servers.urls, "KITH_HOME": str(servers.home)})


def rows(servers: Embedded, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(servers.urls["DATABASE_BACKUP_URL"]) as connection:
        return connection.execute(sql).fetchall()


def contents(servers: Embedded) -> dict[str, dict[str, Any]]:
    """Return count and hash of the rows of each table and tenant."""
    found = {}
    with psycopg.connect(servers.urls["DATABASE_BACKUP_URL"]) as connection:
        for table, owned in connection.execute(TABLES).fetchall():
            sql = (OF_TENANTS if owned else OF_NOBODY).format(table)
            found[table] = {row[0]: row[1:] for row in connection.execute(sql).fetchall()}
    return found


def guards(servers: Embedded) -> set[str]:
    """Return all of it; how an expression is written that was read from its text differs in casts and brackets only."""
    found = {re.sub(CASTS, "", repr(row)) for sql in GUARDS for row in rows(servers, sql)}
    assert len(found) > 500
    return found


def post_restore(servers: Embedded) -> str:
    """Run the command as an operator does."""
    return subprocess.run(
        (sys.executable, "manage.py", "post_restore"), cwd=BASE, check=True, capture_output=True, text=True,
        env={**os.environ, **servers.urls, "KITH_HOME": str(servers.home)},
    ).stdout  # fmt: skip


def verify_all() -> int:
    """Return how many seals hold; fail where an event does not."""
    with using("admin"):
        findings = [audit.verify(tenant) for tenant in Tenant.objects.all()]
    assert not [fault for one in findings for fault in one.faults]
    return sum(one.sealed for one in findings)


def ask(url: str, side: Side, path: str, **own: Any) -> Any:
    method = "POST" if own else "GET"
    answer = requests.request(
        method, f"{url}/v1{path}", headers={"Authorization": f"Bearer {side.key}"}, timeout=30, **own
    )
    assert answer.ok, answer.text
    return answer.json()


def test_f22_everything_comes_back(
    servers: Embedded, sides: list[Side], empty: Embedded, tally: dict[str, str]
) -> None:
    path, started = empty.home / "kith.dump", time.monotonic()
    before = contents(servers)
    dumped = time.monotonic()
    dumps.dump(settings_of(servers), path, lambda _: None)
    dumped, began = time.monotonic() - dumped, time.monotonic()
    dumps.restore(settings_of(empty), path, lambda _: None)
    restored, began = time.monotonic() - began, time.monotonic()
    assert contents(empty) == before
    said = post_restore(empty)
    ready = time.monotonic() - began
    unlike = guards(empty) ^ guards(servers)
    assert not unlike, sorted(unlike)
    assert rows(empty, LANES) == [(1, 1)]
    with pointed(empty):
        sealed = verify_all()
    everything = time.monotonic() - started
    with serving(empty) as url:
        check_served(url, sides)
    count = sum(row[0] for table in before.values() for row in table.values())
    tally["F22"] = (
        f"{count} rows, {path.stat().st_size / 2**20:.1f} MB: dump {dumped:.1f} s, restore {restored:.1f} s, compare "
        f"and post_restore {ready:.1f} s, {sealed} seals hold, {everything:.1f} s in all; "
        f"{said.split(' transaction')[0].split()[-1]} transaction numbers passed over"
    )
    assert sealed >= TENANTS * CLIENTS
    assert everything < SECONDS


def check_served(url: str, sides: list[Side]) -> None:
    """Read the tenants by their old keys; the feed begins with the old events, and goes on with the new."""
    for side in sides:
        assert ask(url, side, "/clients?limit=1")["pagination"]["total"] == CLIENTS
    side = sides[0]
    old = ask(url, side, "/events?limit=1&type=client.created")["data"]
    assert [event["type"] for event in old] == ["client.created"]
    end = ask(url, side, "/events?after=now&limit=100")["pagination"]["next_cursor"]
    made = ask(url, side, "/clients", json={"name": "New"})["data"]["id"]
    new = ask(url, side, f"/events?after={end}&limit=100&wait=5")["data"]
    assert [event["data"]["object"]["id"] if "object" in event["data"] else event["data"]["id"] for event in new] == [
        made
    ]


def test_f22_a_backup_under_load_is_of_one_moment(
    servers: Embedded, sides: list[Side], empty: Embedded, tally: dict[str, str]
) -> None:
    path = empty.home / "kith.dump"
    with serving(servers) as url, traffic(url, *sides[:4]) as seen:
        wait_for_some(seen)
        first = len(seen.seconds)
        dumps.dump(settings_of(servers), path, lambda _: None)
        during = len(seen.seconds) - first
    dumps.restore(settings_of(empty), path, lambda _: None)
    post_restore(empty)
    # Each client has its event, each event its client; the keys hold, or they could not have been made.
    assert rows(empty, UNLIKE) == [(0,)]
    assert rows(empty, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated") == [(0,)]
    missed = [len(rows(where, "SELECT 1 FROM crm_client")) for where in (servers, empty)]
    with pointed(empty):
        call_command("audit_verify", "--seal", stdout=StringIO())
        verify_all()
    assert not seen.wrong
    assert during and missed[0] > missed[1]
    tally["F22 under load"] = (
        f"{during} requests answered during the dump, the slowest in {seen.slowest:.2f} s; {missed[0] - missed[1]} "
        "clients made after its moment"
    )
    connections.close_all()


def wait_for_some(seen: Any) -> None:
    end = time.monotonic() + 30
    while len(seen.seconds) < 30:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_backup_moves_kith_to_another_machine(servers: Embedded, sides: list[Side], tmp_path: Path) -> None:
    """By the commands alone, both ends at rest; the keys go with it."""
    ring = {"ENCRYPTION_KEYS": os.environ["ENCRYPTION_KEYS"], "SECRET_KEY": os.environ["SECRET_KEY"]}
    first, second, path = tmp_path / "first", tmp_path / "second", tmp_path / "kith.dump"
    dumps.dump(settings_of(servers), path, lambda _: None)
    for home, target in ((first, tmp_path / "again.dump"), (second, None)):
        restored = manage(home, "restore", str(path), **ring)
        assert restored.returncode == 0, restored.stderr
        assert "tables restored" in restored.stdout and "The database is ready." in restored.stdout
        if target:
            backed_up = manage(home, "backup", str(target), **ring)
            assert backed_up.returncode == 0, backed_up.stderr
            assert f"ENCRYPTION_KEYS, {home}/files" in backed_up.stdout
            path = target
    trial = Trial(second, **ring)
    try:
        trial.wait_ready()
        answer = ask(f"http://127.0.0.1:{trial.port}", sides[1], "/clients?limit=1")
        assert answer["pagination"]["total"] >= CLIENTS
    finally:
        trial.stop(signal.SIGTERM)
