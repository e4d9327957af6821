"""How far a tenant's writes reach: noted after each commit where there is a replica, and never too low."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connections, transaction

from config import env
from config.databases import databases
from crm.resources.clients.models import Client
from crm.rest import writes
from tenants.actor import Actor
from tenants.ledger import record
from tenants.models import Event
from tenants.scope import tenant_scope
from tenants.written import EVERYONE, WRITTEN, Notes, position, without_header
from tests.conftest import Caller


@pytest.fixture
def store() -> redis.Redis:
    return redis.Redis.from_url(settings.LIMITS_URL)


@pytest.fixture
def replica() -> Iterator[None]:
    """Let this process know of a replica; what it reads, it reads from the primary all the same."""
    told: dict[str, Any] = connections.settings
    found = databases(env.read({**os.environ, "DATABASE_REPLICA_URL": os.environ["DATABASE_URL"]}))
    told["replica"] = {**told["default"], **found["replica"]}
    yield
    del told["replica"]


def noted(store: redis.Redis, caller: Caller) -> int | None:
    found: Any = store.zscore(WRITTEN, str(caller.tenant.pk))
    return None if found is None else int(found)


def test_without_a_replica_nothing_is_noted(acme: Caller, store: redis.Redis) -> None:
    assert "replica" not in connections.settings
    assert acme.post("/clients", {"name": "Ada"}).status == 201
    assert noted(store, acme) is None


def test_a_write_is_noted_when_it_is_committed(acme: Caller, store: redis.Redis, replica: None) -> None:
    before = position("default")
    assert acme.post("/clients", {"name": "Ada"}).status == 201
    after = noted(store, acme)
    assert after is not None
    assert before < after <= position("default")


def test_a_refused_write_is_not_noted(acme: Caller, store: redis.Redis, replica: None) -> None:
    assert acme.post("/clients", {"name": 1}).status == 400
    assert noted(store, acme) is None


def test_an_event_for_staff_is_noted_too(acme: Caller, store: redis.Redis, replica: None) -> None:
    actor = Actor.system(acme.tenant, "tests")
    with tenant_scope(acme.tenant.pk):
        record(
            actor=actor, type="api_key.revoked", resource="api_key", record_id=acme.tenant.pk, record_version=1,
            data={"id": "key_1"}, audience=Event.Audience.AUDIT,
        )  # fmt: skip
    assert noted(store, acme)


def test_a_write_that_follows_one_that_was_taken_back_is_noted(acme: Caller, store: redis.Redis, replica: None) -> None:
    actor = Actor.system(acme.tenant, "tests")
    with tenant_scope(acme.tenant.pk):
        with transaction.atomic():
            writes.create(Client(name="Taken back"), actor=actor)
            transaction.set_rollback(True)
        writes.create(Client(name="Ada"), actor=actor)
    assert noted(store, acme)


def test_the_highest_note_counts(acme: Caller, store: redis.Redis) -> None:
    notes, tenant_id = Notes(), acme.tenant.pk
    for score in (500, 300):
        notes.ask("ZADD", "GT", score, str(tenant_id))
    assert noted(store, acme) == 500


def test_where_redis_was_emptied_everyone_waits_for_the_primary(acme: Caller, store: redis.Redis) -> None:
    notes, tenant_id = Notes(), acme.tenant.pk
    notes.note(tenant_id, "default", None)
    store.delete(WRITTEN)
    before = position("default")
    assert notes.reach(tenant_id, "default") >= before
    assert store.zscore(WRITTEN, EVERYONE) is not None


def test_a_note_that_could_not_be_made_counts_for_everyone(acme: Caller, store: redis.Redis) -> None:
    notes, tenant_id = Notes(), acme.tenant.pk
    notes.reach(tenant_id, "default")
    reachable, notes.line.connection = notes.line.connection, redis.Redis(port=1).connection_pool.make_connection()
    notes.note(tenant_id, "default", None)
    with pytest.raises(redis.ConnectionError):
        notes.reach(tenant_id, "default")
    notes.line.connection, notes.line.resting_until = reachable, 0.0
    before = position("default")
    assert notes.reach(tenant_id, "default") >= before
    assert not notes.owed


@pytest.mark.parametrize(("end", "replayed"), [(8192 + 24, 8192), (16384 + 40, 16384), (8192 + 48, 8192 + 48)])
def test_a_page_that_holds_nothing_yet_is_not_waited_for(end: int, replayed: int) -> None:
    assert without_header(end) == replayed
