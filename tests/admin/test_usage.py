"""The counts behind the charts: cheap, added up, guarded, and never at a request's expense."""

from datetime import date
from uuid import UUID

import pytest

from apikeys import usage
from apikeys.models import ApiKey
from apikeys.usage import Counter, DailyUsage, counter
from tenants import ids
from tenants.models import Tenant
from tenants.routing import using
from tenants.scope import tenant_scope
from tests.conftest import Caller


def rows_of(caller: Caller) -> list[DailyUsage]:
    with using("admin"):
        return list(DailyUsage.every_tenant.filter(tenant=caller.tenant))


def test_it_counts_by_key_and_day(acme: Caller) -> None:
    other = acme.with_scopes("clients:read")
    acme.get("/clients")
    acme.get("/clients/nothing")
    other.post("/clients", {"name": "Ada"})
    counter.flush()
    found = sorted((row.requests, row.refused, row.failed) for row in rows_of(acme))
    assert found == [(1, 1, 0), (2, 1, 0)]
    assert {row.key_id for row in rows_of(acme)} <= set(keys(acme))


def keys(caller: Caller) -> list[UUID]:
    with using("admin"):
        return list(ApiKey.objects.filter(tenant=caller.tenant).values_list("pk", flat=True))


def test_it_adds_what_several_processes_counted(acme: Caller) -> None:
    for _ in range(3):
        acme.get("/clients")
        counter.flush()
    (row,) = rows_of(acme)
    assert row.requests == 3


def test_it_counts_no_stranger(nobody: Caller) -> None:
    nobody.get("/clients")
    counter.flush()
    assert rows_of(nobody) == []


def test_it_writes_by_itself_after_a_while(acme: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    counter.flush()
    monkeypatch.setattr(usage, "EVERY", 0.05)
    acme.get("/clients")
    timer = counter.timer
    assert timer is not None
    timer.join(5)
    assert rows_of(acme)[0].requests == 1


def test_it_swallows_what_cannot_be_written(acme: Caller, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = Tenant(id=ids.new())
    own = Counter()
    own.note(nowhere.pk, ids.new(), 200)
    own.flush()
    assert "usage counts are lost" in caplog.text
    assert own.counts == {}


def test_it_is_guarded_by_row_level_security(acme: Caller, globex: Caller) -> None:
    acme.get("/clients")
    counter.flush()
    with tenant_scope(globex.tenant.pk):
        assert not DailyUsage.every_tenant.filter(tenant=acme.tenant).exists()


def test_it_names_days_without_requests(acme: Caller) -> None:
    with using("admin"):
        rows = DailyUsage.every_tenant.filter(tenant=acme.tenant)
        days = usage.per_day(rows, date(2026, 1, 1), date(2026, 1, 3))
    assert [(day.day, counts["requests"]) for day, counts in days] == [(1, 0), (2, 0), (3, 0)]
