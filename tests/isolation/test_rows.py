"""A row cannot point at another tenant's row, and cannot move to another tenant: the database itself refuses."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction

from crm.resources.campaigns.models import Campaign
from crm.resources.clients.models import Client
from crm.resources.invoices.models import Invoice
from crm.resources.lists.models import MarketingList
from tenants import ids
from tenants.audit import seal
from tenants.checks import tenant_models
from tenants.policies import tenant_references
from tenants.scope import tenant_scope
from tests.conftest import Caller, make_caller
from tests.isolation.world import World
from tests.records import Records

REFERENCES = [(model, field) for model in tenant_models() for field in tenant_references(model)]


def test_it_refuses_an_invoice_for_anothers_client(acme: Caller, globex: Caller) -> None:
    client = ids.decode("cli", globex.post("/clients", {"name": "Hank"}).data["id"])
    zeros = dict.fromkeys(("subtotal", "discount_total", "tax_total", "total", "amount_paid", "amount_due"), Decimal(0))
    invoice = Invoice(tenant=acme.tenant, client_id=client, issue_date=date(2026, 1, 31), currency="EUR", **zeros)
    with pytest.raises(IntegrityError, match="crm_invoice_client_id_same_tenant"), tenant_scope(acme.tenant.id):
        Invoice.objects.bulk_create([invoice])


@pytest.fixture(scope="module")
def world(django_db_setup: None) -> World:
    """Return two tenants with rows of every kind; what is tried on them is refused, so all may share them."""
    found = World(make_caller("acme"), make_caller("globex"))
    for records in (found.acme, found.globex):
        make_inner_rows(records)
        seal(records.caller.tenant)
    return found


@pytest.mark.parametrize(("model", "field"), REFERENCES, ids=lambda item: getattr(item, "__name__", None) or item.name)
def test_it_keeps_every_reference_inside_its_tenant(world: World, model: Any, field: Any) -> None:
    acme, globex = world.acme.caller.tenant, world.globex.caller.tenant
    own = model._base_manager.using("owner").filter(tenant=acme).first()
    foreign = field.related_model._base_manager.using("owner").filter(tenant=globex).first()
    if own is None or foreign is None:
        pytest.skip(f"nothing of {model.__name__} to move")
    sql = f"UPDATE {model._meta.db_table} SET {field.column} = %s WHERE {model._meta.pk.column} = %s"
    with pytest.raises(DatabaseError, match=r"_same_tenant|append-only"), transaction.atomic(using="owner"):
        connections["owner"].cursor().execute(sql, [foreign.pk, own.pk])


def make_inner_rows(records: Records) -> None:
    """Make the rows inside records that only commands make."""
    caller, at = records.caller, "/marketing"
    members = {"client_ids": [records.ids[Client]]}
    assert caller.post(f"{at}/lists/{records.ids[MarketingList]}/add", members).status == 200
    assert caller.post(f"{at}/campaigns/{records.ids[Campaign]}/send").status == 200


def test_it_moves_no_row_to_another_tenant(acme: Caller, globex: Caller) -> None:
    client = ids.decode("cli", acme.post("/clients", {"name": "Ada"}).data["id"])
    with pytest.raises(DatabaseError, match="row-level security"), tenant_scope(acme.tenant.id):
        Client.objects.filter(pk=client).update(tenant=globex.tenant)
    with pytest.raises(DatabaseError, match="row-level security"), tenant_scope(acme.tenant.id):
        Client.objects.bulk_create([Client(tenant=globex.tenant, name="Hank")])
