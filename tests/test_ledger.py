"""The ledger: exactly one event a change, whoever makes it; append-only; in commit order; provably unaltered."""

from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, ProgrammingError, connections, transaction

from crm.resources.clients.models import Client
from crm.rest import writes
from tenants import audit
from tenants.actor import Actor
from tenants.models import Event, Seal
from tenants.scope import TenantScopeMissing, tenant_scope
from tests.conftest import Caller

KEY = "tenants_seal_event_id_same_tenant"
REFERENCES = "FOREIGN KEY (tenant_id, event_id) REFERENCES tenants_event (tenant_id, id)"


def events_of(caller: Caller) -> list[Event]:
    with tenant_scope(caller.tenant.id):
        return list(Event.objects.of(caller.tenant).filter(audience="public"))


def test_it_leaves_one_event_for_each_write_of_the_api(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"}, X_Request_ID="request-0001").data
    acme.patch(f"/clients/{made['id']}", {"name": "Bob", "tags": ["vip"]})
    acme.delete(f"/clients/{made['id']}")
    created, updated, deleted = events_of(acme)
    assert [event.type for event in (created, updated, deleted)] == [
        "client.created",
        "client.updated",
        "client.deleted",
    ]
    assert created.data == made
    assert (created.request_id, created.actor_kind) == ("request-0001", "key")
    assert created.address and created.actor_label.startswith("test (kith_live_")
    assert updated.changes == {"name": ["Ada", "Bob"], "tags": [[], ["vip"]]}
    assert [event.record_version for event in (created, updated, deleted)] == [1, 2, 3]
    assert deleted.data["name"] == "Bob"


def test_it_leaves_none_for_what_failed_or_changed_nothing(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"}).data
    same = acme.patch(f"/clients/{made['id']}", {"name": "Ada"})
    acme.patch(f"/clients/{made['id']}", {"email": "nonsense"})
    assert same.headers["ETag"] == '"1"'
    assert len(events_of(acme)) == 1


def test_it_records_what_a_shell_does_by_the_rules(acme: Caller) -> None:
    actor = Actor.system(acme.tenant, "shell")
    client = Client(name="Ada")
    writes.create(client, actor=actor)
    with writes.changing(client, actor=actor):
        client.name = "Bob"
    writes.delete(client, actor=actor)
    assert [event.type for event in events_of(acme)] == ["client.created", "client.updated", "client.deleted"]


def test_it_refuses_a_raw_change_that_tells_nobody(acme: Caller) -> None:
    made = acme.post("/clients", {"name": "Ada"}).data
    with pytest.raises(IntegrityError, match="left no event"), tenant_scope(acme.tenant.id):
        Client.objects.of(acme.tenant).update(name="Mallory")
    assert acme.get(f"/clients/{made['id']}").data["name"] == "Ada"
    with pytest.raises(IntegrityError, match="left no event"), tenant_scope(acme.tenant.id):
        Client(tenant=acme.tenant, name="Ghost").save()
    with pytest.raises(IntegrityError, match="left no event"), tenant_scope(acme.tenant.id):
        Client.objects.of(acme.tenant).delete()


def test_it_needs_a_scope() -> None:
    with pytest.raises(TenantScopeMissing):
        Event.objects.count()


def rewrite(caller: Caller, statement: str, alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(caller.tenant.id)])
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement", ["UPDATE tenants_event SET type = 'x'", "DELETE FROM tenants_event", "TRUNCATE tenants_event"]
)
@pytest.mark.parametrize("alias", ["default", "admin", "owner"])
def test_it_cannot_be_rewritten_by_any_role(acme: Caller, statement: str, alias: str) -> None:
    acme.post("/clients", {"name": "Ada"})
    with pytest.raises(DatabaseError), transaction.atomic(using=alias):
        rewrite(acme, statement, alias)


def test_it_seals_and_verifies(acme: Caller) -> None:
    for name in ("Ada", "Bob", "Cyd"):
        acme.post("/clients", {"name": name})
    assert audit.seal(acme.tenant) >= 3
    assert audit.seal(acme.tenant) == 0
    found = audit.verify(acme.tenant)
    assert found.faults == ()
    assert found.head == audit.head(acme.tenant)


@pytest.fixture
def forger(acme: Caller) -> Any:
    """Return a function that runs SQL as the owner with the triggers asleep, as an attacker could."""

    def forge(sql: str) -> None:
        with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE tenants_event DISABLE TRIGGER USER")
            cursor.execute(f"ALTER TABLE tenants_seal DROP CONSTRAINT {KEY}")
            cursor.execute(sql, [acme.tenant.id])
            cursor.execute(f"ALTER TABLE tenants_seal ADD CONSTRAINT {KEY} {REFERENCES} NOT VALID")
            cursor.execute("ALTER TABLE tenants_event ENABLE TRIGGER USER")

    for name in ("Ada", "Bob", "Cyd"):
        acme.post("/clients", {"name": name})
    audit.seal(acme.tenant)
    return forge


def test_it_names_the_event_that_was_altered(acme: Caller, forger: Any) -> None:
    forger(
        """UPDATE tenants_event SET data = jsonb_set(data, '{name}', '"Eve"')
        WHERE tenant_id = %s AND data->>'name' = 'Bob'"""
    )
    faults = audit.verify(acme.tenant).faults
    assert len(faults) == 1
    assert "client.created) was altered" in faults[0]
    with pytest.raises(CommandError, match="altered"):
        call_command("audit_verify", acme.tenant.slug)


def test_it_names_the_event_that_was_deleted(acme: Caller, forger: Any) -> None:
    forger("DELETE FROM tenants_event WHERE tenant_id = %s AND data->>'name' = 'Bob'")
    assert "was deleted" in audit.verify(acme.tenant).faults[0]


def test_it_shows_a_feed_in_commit_order(acme: Caller) -> None:
    ids = [acme.post("/clients", {"name": f"c{index}"}).data["id"] for index in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = acme.get(f"/events?limit=3&cursor={cursor}")
        seen += [event["record_id"] for event in page.data]
        cursor = page.body["pagination"]["next_cursor"]
        if not cursor:
            break
        acme.post("/clients", {"name": "meanwhile"}) if len(seen) == 3 else None
    assert seen[:7] == ids
    assert len(seen) == len(set(seen)) == 8


def test_it_waits_for_older_transactions(acme: Caller) -> None:
    with psycopg.connect(**psycopg_parameters()) as slow:
        slow.execute("SELECT pg_current_xact_id()")
        acme.post("/clients", {"name": "Ada"})
        assert acme.get("/events").data == []
        slow.commit()
    assert len(acme.get("/events").data) == 1


def psycopg_parameters() -> dict[str, Any]:
    found = connections["owner"].get_connection_params()
    return {name: found[name] for name in ("dbname", "user", "password", "host", "port")}


def test_it_filters_by_type_resource_and_record(acme: Caller) -> None:
    ada = acme.post("/clients", {"name": "Ada"}).data["id"]
    acme.post("/products", {"name": "Tap", "price": 5})
    acme.patch(f"/clients/{ada}", {"name": "Bob"})
    assert [event["type"] for event in acme.get("/events?type=client.updated").data] == ["client.updated"]
    assert [event["type"] for event in acme.get("/events?resource=product").data] == ["product.created"]
    assert len(acme.get(f"/events?record_id={ada}").data) == 2
    one = acme.get("/events?limit=1").data[0]
    assert acme.get(f"/events/{one['id']}").data == one


def test_it_shows_only_what_the_key_may_read(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    acme.post("/products", {"name": "Tap", "price": 5})
    reader = acme.with_scopes("events:read", "products:read")
    assert [event["resource"] for event in reader.get("/events").data] == ["product"]
    assert acme.with_scopes("clients:read").get("/events").status == 403


def test_it_keeps_a_deleted_records_history(acme: Caller, globex: Caller) -> None:
    ada = acme.post("/clients", {"name": "Ada"}).data["id"]
    acme.delete(f"/clients/{ada}")
    assert [event["type"] for event in acme.get(f"/clients/{ada}/events").data] == ["client.created", "client.deleted"]
    assert globex.get(f"/clients/{ada}/events").status == 404


def test_it_never_lets_seals_be_rewritten(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    audit.seal(acme.tenant)
    with pytest.raises(ProgrammingError), tenant_scope(acme.tenant.id):
        Seal.objects.of(acme.tenant).update(position=7)


def test_it_binds_a_cursor_to_its_record(acme: Caller) -> None:
    ids = [acme.post("/clients", {"name": name}).data["id"] for name in ("Ada", "Bob")]
    for record in ids:
        acme.patch(f"/clients/{record}", {"name": "Cyd"})
    cursor = acme.get(f"/clients/{ids[0]}/events?limit=1").body["pagination"]["next_cursor"]
    assert acme.get(f"/clients/{ids[0]}/events?limit=1&cursor={cursor}").data[0]["type"] == "client.updated"
    assert acme.get(f"/clients/{ids[1]}/events?limit=1&cursor={cursor}").status == 400
