"""What time does: invoices become overdue, keys announce their end, claims are forgotten, events are sealed."""

from datetime import timedelta

import time_machine
from django.utils import timezone

from apikeys.claims import Claim
from apikeys.tasks import forget_claims, forget_usage, note_expiring_keys
from apikeys.usage import DailyUsage, counter
from crm.resources.invoices.rules import mark_overdue
from crm.tasks import mark_invoices_overdue
from tenants import audit
from tenants.models import Event
from tenants.scope import tenant_scope
from tenants.tasks import seal_events
from tests.conftest import Caller
from tests.crowd import at_once


def make_sent(caller: Caller, due: str) -> str:
    client = caller.post("/clients", {"name": "Ada"}).data["id"]
    body = {"client_id": client, "due_date": due, "line_items": [{"description": "x", "rate": 1}]}
    invoice = str(caller.post("/invoices", body).data["id"])
    caller.post(f"/invoices/{invoice}/send")
    return invoice


def types_of(caller: Caller, invoice: str) -> list[str]:
    return [event["type"] for event in caller.get(f"/invoices/{invoice}/events").data]


def test_it_marks_an_invoice_overdue_once(acme: Caller) -> None:
    late, open_yet = make_sent(acme, "2024-12-31"), make_sent(acme, "2999-12-31")
    mark_invoices_overdue()
    mark_invoices_overdue()
    assert acme.get(f"/invoices/{late}").data["status"] == "overdue"
    assert acme.get(f"/invoices/{open_yet}").data["status"] == "sent"
    assert types_of(acme, late) == ["invoice.created", "invoice.sent", "invoice.overdue"]


def test_it_marks_it_once_with_many_workers(acme: Caller) -> None:
    late = make_sent(acme, "2024-12-31")
    today = timezone.now().date()
    done = at_once(8, lambda _: mark_overdue(acme.tenant, today=today))
    assert sum(done) == 1
    assert types_of(acme, late).count("invoice.overdue") == 1


def test_it_is_not_overdue_on_its_last_day(acme: Caller) -> None:
    today = timezone.now().date()
    invoice = make_sent(acme, today.isoformat())
    mark_overdue(acme.tenant, today=today)
    assert acme.get(f"/invoices/{invoice}").data["status"] == "sent"
    mark_overdue(acme.tenant, today=today + timedelta(days=1))
    assert acme.get(f"/invoices/{invoice}").data["status"] == "overdue"


def test_it_announces_a_keys_end_once_each(acme: Caller) -> None:
    end = timezone.now() + timedelta(days=6, hours=23)
    acme.with_scopes("read", expires_at=end)
    for moment in (timezone.now(), timezone.now(), end - timedelta(hours=3), end + timedelta(minutes=1)):
        with time_machine.travel(moment):
            note_expiring_keys()
    with tenant_scope(acme.tenant.id):
        kinds = Event.objects.of(acme.tenant).filter(type__startswith="api_key.exp").order_by("txid")
        assert [event.type for event in kinds] == ["api_key.expiring_7d", "api_key.expiring_1d", "api_key.expired"]


def test_it_announces_a_keys_end_once_with_two_clocks(acme: Caller) -> None:
    for _ in range(3):
        acme.with_scopes("read", expires_at=timezone.now() + timedelta(days=6, hours=23))
    at_once(4, lambda _: note_expiring_keys())
    with tenant_scope(acme.tenant.id):
        assert Event.objects.of(acme.tenant).filter(type="api_key.expiring_7d").count() == 3


def test_it_forgets_claims_whose_day_is_over(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"}, Idempotency_Key="a-1")
    forget_claims()
    with tenant_scope(acme.tenant.id):
        assert Claim.objects.of(acme.tenant).count() == 1
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        forget_claims()
    with tenant_scope(acme.tenant.id):
        assert Claim.objects.of(acme.tenant).count() == 0


def test_it_seals_every_tenants_events(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    seal_events()
    found = audit.verify(acme.tenant)
    assert found.waiting == 0
    assert found.sealed >= 2


def test_it_forgets_counts_that_no_chart_shows(acme: Caller) -> None:
    acme.get("/clients")
    counter.flush()
    forget_usage()
    with tenant_scope(acme.tenant.id):
        assert DailyUsage.objects.of(acme.tenant).count() == 1
    with time_machine.travel(timezone.now() + timedelta(days=401)):
        forget_usage()
    with tenant_scope(acme.tenant.id):
        assert DailyUsage.objects.of(acme.tenant).count() == 0
