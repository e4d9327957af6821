"""The guards, one by one: what is left when the other is away."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from crm.resources.clients.models import Client
from tenants.routing import alias, using
from tenants.scope import TenantScopeMissing, tenant_scope
from tests.conftest import Caller
from tests.isolation.guards import policies_alone, querysets_alone

Guard = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def both(acme: Caller, globex: Caller) -> tuple[Caller, Caller]:
    for caller in (acme, globex):
        caller.post("/clients", {"name": caller.tenant.slug})
    return acme, globex


def names(caller: Caller) -> list[str]:
    return [row["name"] for row in caller.get("/clients").data]


def test_it_sees_all_rows_as_owner(both: tuple[Caller, Caller]) -> None:
    with querysets_alone():
        assert alias() == "owner"
        found = Client.every_tenant.filter(tenant__in=[caller.tenant for caller in both])
        assert found.count() == 2


def test_it_begins_with_all_rows_without_querysets(both: tuple[Caller, Caller]) -> None:
    with policies_alone(), tenant_scope(both[0].tenant.id):
        rows = Client.objects.of(both[0].tenant)
        assert "WHERE" not in str(rows.query)
        assert [row.name for row in rows] == [both[0].tenant.slug]


@pytest.mark.parametrize("guard", [querysets_alone, policies_alone])
def test_it_shows_own_rows_alone(both: tuple[Caller, Caller], guard: Guard) -> None:
    with guard():
        for caller in both:
            assert names(caller) == [caller.tenant.slug]


def test_it_shows_all_rows_without_both(both: tuple[Caller, Caller]) -> None:
    with querysets_alone(), policies_alone():
        assert {caller.tenant.slug for caller in both} <= set(names(both[0]))


def test_it_has_no_rows_outside_a_scope(both: tuple[Caller, Caller]) -> None:
    assert Client.every_tenant.count() == 0
    with pytest.raises(TenantScopeMissing, match="open `with tenant_scope"):
        Client.objects.count()


def test_it_refuses_a_scope_inside_anothers(acme: Caller, globex: Caller) -> None:
    with tenant_scope(acme.tenant.id):
        with pytest.raises(TenantScopeMissing, match="leave it first"), tenant_scope(globex.tenant.id):
            pass
        with using("default"), tenant_scope(acme.tenant.id):
            assert Client.objects.of(acme.tenant).count() == 0
