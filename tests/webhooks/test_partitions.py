"""Retention: a month's deliveries and attempts go with their partition, and nothing that is younger goes with them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connections
from django.db.utils import ProgrammingError
from django.utils import timezone

from tenants import ids
from tenants.models import Tenant
from tenants.routing import STAFF
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.webhooks.conftest import make_endpoint
from tests.webhooks.receiving import Receiver
from webhooks import partitions, tasks
from webhooks.drain import Drain
from webhooks.fanout import fan_out
from webhooks.models import Attempt, Delivery

LONG_AGO = date(2020, 1, 1)
AFTER = date(2020, 2, 1)


def today() -> date:
    return timezone.now().date()


def as_owner(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall() if cursor.description else []


def parts(table: str = "webhooks_delivery") -> set[str]:
    with connections["owner"].cursor() as cursor:
        return partitions.parts_of(cursor, table)


def make(*months: date) -> list[str]:
    """Make partitions of both tables, and return their names."""
    for month in months:
        for table in partitions.TABLES:
            as_owner(partitions.making(table, month))
    return [f"{table}_{month:%Y_%m}" for table in partitions.TABLES for month in months]


def renew_until(*gone: str) -> None:
    """Renew as often as it takes: on a busy machine somebody else may be in the way for a moment."""
    end = time.monotonic() + 20
    while gone and set(gone) & (parts() | parts("webhooks_attempt")):
        assert time.monotonic() < end, "it is still there"
        partitions.renew(today())


def old_delivery(tenant: Tenant, endpoint_id: UUID, month: date = LONG_AGO) -> Delivery:
    """Make a delivery of an event of a month, with its attempt; the table forgot neither yet."""
    moment = datetime(month.year, month.month, 15, tzinfo=UTC)
    with tenant_scope(tenant.id):
        delivery: Delivery = Delivery.objects.create(
            tenant=tenant, endpoint_id=endpoint_id, event_id=ids.first_of(moment), type="client.created",
            record_id=ids.new(), record_version=1, status=Delivery.Status.DELIVERED, created_at=moment,
        )  # fmt: skip
        Attempt.objects.create(
            id=ids.first_of(moment), tenant=tenant, endpoint_id=endpoint_id, delivery_id=delivery.pk, number=1
        )
    return delivery


def test_months_are_made_ahead() -> None:
    partitions.renew(today())
    ahead = [partitions.shifted(today().replace(day=1), by) for by in range(partitions.AHEAD + 1)]
    for table in partitions.TABLES:
        assert {f"{table}_{month:%Y_%m}" for month in ahead} <= parts(table)


def test_doing_it_again_does_nothing() -> None:
    partitions.renew(today())
    before = parts()
    assert partitions.renew(today()) == ([], [])
    assert parts() == before


def test_old_months_go_and_the_oldest_kept_stays(acme: Caller) -> None:
    oldest = partitions.first_kept(today())
    gone = make(LONG_AGO, AFTER, partitions.shifted(oldest, -1))
    stays = make(oldest)
    renew_until(*gone)
    assert set(stays) <= parts() | parts("webhooks_attempt")


def test_nothing_that_is_younger_than_ninety_days_goes() -> None:
    """Not even a delivery that was made last, and tried for longest, of an event on the last day of its month."""
    first = date(2026, 1, 1)
    for day in (first + timedelta(days=number) for number in range(800)):
        end_of_gone = partitions.first_kept(day)
        last_tried = end_of_gone + timedelta(days=14 + 4)
        assert (day - last_tried).days >= 90
        assert (day - end_of_gone).days < 90 + 14 + 4 + 31


def test_rows_lie_in_their_month(acme: Caller, target: Receiver) -> None:
    make(LONG_AGO)
    endpoint = make_endpoint(acme, target, "client.*")
    old = old_delivery(acme.tenant, endpoint.pk)
    acme.post("/clients", {"name": "Ada"})
    Drain().run()
    found = as_owner(
        "SELECT tableoid::regclass::text, id FROM webhooks_delivery WHERE endpoint_id = %s ORDER BY event_id",
        endpoint.pk,
    )
    month = f"{today():%Y_%m}"
    assert [row[0] for row in found] == ["webhooks_delivery_2020_01", f"webhooks_delivery_{month}"]
    assert found[0][1] == old.pk
    tried = as_owner("SELECT tableoid::regclass::text FROM webhooks_attempt WHERE delivery_id = %s", found[1][1])
    assert tried == [(f"webhooks_attempt_{month}",)]
    renew_until(*make(LONG_AGO))


def test_lists_go_on_when_a_month_is_gone(acme: Caller, target: Receiver) -> None:
    gone = make(LONG_AGO)
    endpoint = make_endpoint(acme, target, "client.*")
    old = old_delivery(acme.tenant, endpoint.pk)
    acme.post("/clients", {"name": "Ada"})
    Drain().run()
    log = f"/webhooks/{ids.encode('whk', endpoint.pk)}/deliveries"
    name = f"/deliveries/{ids.encode('dlv', old.pk)}"
    assert [row["type"] for row in acme.get(log).data] == ["client.created"] * 2
    assert len(acme.get(name).data["attempts"]) == 1
    renew_until(*gone)
    assert len(acme.get(log).data) == 1
    assert acme.get(name).status == 404
    new = acme.get(f"/deliveries/{acme.get(log).data[0]['id']}").data
    assert (new["status"], len(new["attempts"])) == ("delivered", 1)


@contextmanager
def reader(table: str) -> Iterator[None]:
    """Read a table for as long as the block lasts, as a backup does."""
    with psycopg.connect(connections["owner"].connection.info.dsn, password=password()) as other:
        other.execute(f"SELECT 1 FROM {table} LIMIT 1")
        yield


def password() -> str:
    return str(connections["owner"].settings_dict["PASSWORD"])


def test_what_somebody_reads_is_left_to_a_later_run() -> None:
    gone = make(LONG_AGO, AFTER)
    held = "webhooks_attempt_2020_01"
    with reader(held):
        renew_until(*set(gone) - {held})
        assert held in parts("webhooks_attempt")
        assert held not in partitions.renew(today())[1]
    renew_until(held)


def test_the_parts_are_closed_to_those_who_serve() -> None:
    partitions.renew(today())
    for name in parts() | parts("webhooks_attempt"):
        for alias in ("default", STAFF):
            with connections[alias].cursor() as cursor, pytest.raises(ProgrammingError, match="permission denied"):
                cursor.execute(f"SELECT 1 FROM {name}")
        [[guarded, forced]] = as_owner(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", name
        )
        assert guarded and forced


def test_an_event_that_is_too_old_stops_no_other(acme: Caller, target: Receiver) -> None:
    """As in a backup that is restored after months: its partition is gone, and the others' deliveries are made."""
    endpoint = make_endpoint(acme, target, "client.*")
    acme.post("/clients", {"name": "Ada"})
    [[event]] = as_owner(
        "SELECT id FROM tenants_event WHERE tenant_id = %s AND type = 'client.created'", acme.tenant.pk
    )
    columns = "tenant_id, type, resource, record_id, public_id, record_version, actor_kind, actor_id, actor_label"
    old = ids.first_of(datetime(2019, 1, 1, tzinfo=UTC))
    as_owner(
        f"INSERT INTO tenants_event (id, {columns}, request_id, audience, data, changes) SELECT %s, {columns}, "
        "'', audience, data, changes FROM tenants_event WHERE id = %s",
        UUID(int=old.int | ids.new().int & (1 << 60) - 1), event,
    )  # fmt: skip
    while fan_out().events:
        pass
    with tenant_scope(acme.tenant.id):
        assert [one.event_id for one in Delivery.objects.of(acme.tenant).filter(endpoint_id=endpoint.pk)] == [event]
    [[waiting]] = as_owner(
        "SELECT count(*) FROM tenants_event WHERE tenant_id = %s AND fanned_out_at IS NULL AND audience = 'public'",
        acme.tenant.pk,
    )
    assert waiting == 0


def test_the_task_does_it_as_the_owner() -> None:
    gone = make(LONG_AGO)
    tasks.renew_partitions()
    renew_until(*gone)
