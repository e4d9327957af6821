"""The compiled read and the serializer, its declaration, show every record alike, in every contract."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from django.db import transaction

from crm.registry import CONTRACTS, RESOURCES
from crm.rest.bodies import dumps
from crm.rest.contract import CANONICAL, Contract
from crm.rest.router import bound_views
from crm.rest.statements import Statement
from crm.rest.viewset import ResourceViewSet
from tenants import ids
from tenants.models import Tenant
from tenants.routing import using
from tenants.scope import tenant_scope
from tests.conftest import Caller
from tests.isolation.world import is_kept
from tests.records import Records
from tests.rest.made_up import MADE_UP
from webhooks.models import Attempt, Delivery

EVERY = (CANONICAL, *CONTRACTS, MADE_UP)


def as_json(value: Any) -> Any:
    return orjson.loads(dumps(value))


def differences(view: type[ResourceViewSet], tenant: Tenant) -> list[Any]:
    """Return each record of a tenant that is not shown alike three times; fail where there is none to compare."""
    rows = view.model.objects.of(tenant).order_by("pk")
    read = Statement.of(view.plan.select(rows)).fetch(tenant=tenant.id)
    assert read, f"no {view.plural} to compare"
    shown = [
        (
            as_json(view.plan.row(values)),
            as_json(view.plan.of_instance(record)),
            as_json(view.serializer_class(record).data),
        )
        for values, record in zip(read, rows, strict=True)
    ]
    return [three for three in shown if three[0] != three[1] or three[1] != three[2]]


@pytest.fixture
def full(acme: Caller) -> Tenant:
    """Return a tenant with a plain and a whole record of each kind, one invoice sent and one paid among them."""
    records = Records(acme)
    for invoice in (row for row in acme.get("/invoices").data if row["line_items"]):
        acme.post(f"/invoices/{invoice['id']}/send")
        acme.post(f"/invoices/{invoice['id']}/mark-paid")
    price = {"name": "Yen", "price": "1200", "currency": "JPY", "tax_rate": "7.50"}
    assert acme.post("/products", price).data["price"] == "1200"
    odd = {"deep": [1.0, -0.5, 1e15, 1e-7, 9007199254740992, "\u2028 é", {}, [], None, True], "": {"a": ""}}
    assert acme.post("/clients", {"name": "Odd", "custom_fields": odd, "contact_points": []}).status == 201
    attempted(records)
    return records.caller.tenant


def attempted(records: Records) -> None:
    """Write down an attempt, as the engine does: nobody makes one through the API."""
    tenant = records.caller.tenant
    with tenant_scope(tenant.id):
        sent = Delivery.objects.of(tenant).get(pk=ids.decode("dlv", records.ids[Delivery]))
        Attempt.objects.create(
            tenant=tenant, endpoint_id=sent.endpoint_id, delivery_id=sent.pk, number=1, state="failed", duration_ms=31,
            status_code=503, failure="It answered 503.", answer_headers={"server": "nginx"}, answer="Try later",
        )  # fmt: skip


@pytest.mark.parametrize("contract", EVERY, ids=lambda contract: contract.name)
def test_it_shows_each_record_alike(full: Tenant, contract: Contract) -> None:
    with tenant_scope(full.id):
        for view in bound_views(contract, RESOURCES).values():
            assert differences(view, full) == [], view.plural


def test_it_shows_whole_seconds_alike(full: Tenant) -> None:
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    with using("owner"), transaction.atomic(using="owner"), tenant_scope(full.id):
        for view in bound_views(CANONICAL, RESOURCES).values():
            if "create" in view.methods and not is_kept(view.model):
                view.model.objects.of(full).update(**dict.fromkeys(view.moments, moment))
                assert differences(view, full) == [], view.plural
        transaction.set_rollback(True, using="owner")


@pytest.mark.parametrize("contract", EVERY, ids=lambda contract: contract.name)
def test_it_names_what_the_serializer_names(contract: Contract) -> None:
    for view in bound_views(contract, RESOURCES).values():
        shown = {name for name, field in view.serializer_class().fields.items() if not field.write_only}
        assert set(view.plan.names) == shown


def test_it_serves_what_it_compiles(acme: Caller, full: Tenant) -> None:
    for plural in ("clients", "products", "invoices", "events"):
        for row in acme.get(f"/{plural}?limit=100").data:
            assert acme.get(f"/{plural}/{row['id']}").data == row


def test_it_keeps_the_snapshot_of_the_ledger_alike(acme: Caller, full: Tenant) -> None:
    for plural in ("clients", "products", "invoices"):
        for row in acme.get(f"/{plural}?limit=100").data:
            assert acme.get(f"/{plural}/{row['id']}/events").data[-1]["data"] == row
