"""The home's charts: right across months and currencies, of one's own tenants alone, in a statement each."""

import html
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.staff import charts
from crm.admin.figures import Source, leads_by_source, months_to, receivables, revenue
from crm.resources.invoices.models import Invoice
from crm.resources.leads.models import Lead
from crm.resources.payments.models import Payment, Refund
from tenants.models import Tenant
from tenants.routing import using
from tests.admin.conftest import Person, make_person
from tests.conftest import Caller

TODAY = date(2026, 3, 15)


@contextmanager
def counted() -> Iterator[list[Any]]:
    """Work as staff, and give the statements of the block."""
    with using("admin"), CaptureQueriesContext(connections["admin"]) as captured:
        yield captured  # type: ignore[misc]


def client_of(caller: Caller) -> str:
    return str(caller.post("/clients", {"name": "Ada"}).data["id"])


def pay(caller: Caller, client: str, amount: str, at: str, currency: str = "USD", **more: Any) -> str:
    """Make a payment that came in on a day, and return its id."""
    body = {"client_id": client, "amount": amount, "currency": currency, "method": "card", "paid_at": f"{at}T10:00:00Z"}
    made = caller.post("/payments", {**body, **more})
    assert made.status == 201, made.body
    return str(made.data["id"])


def give_back(caller: Caller, payment: str, amount: str, at: datetime) -> None:
    """Give back a part of a payment, at a moment."""
    with time_machine.travel(at, tick=True):
        done = caller.post(f"/payments/{payment}/refund", {"amount": amount, "reason": "Too much."})
    assert done.status == 200, done.body


def bill(caller: Caller, client: str, rate: str, due: date | None, currency: str = "USD") -> None:
    """Send an invoice that is due on a day."""
    line = {"description": "Work", "quantity": 1, "rate": rate}
    body: dict[str, Any] = {"client_id": client, "currency": currency, "line_items": [line]}
    if due:
        body |= {"due_date": str(due), "issue_date": str(min(due, timezone.now().date()))}
    made = caller.post("/invoices", body)
    assert made.status == 201, made.body
    assert caller.post(f"/invoices/{made.data['id']}/send").status == 200


def drawn(page: str) -> list[dict[str, Any]]:
    """Return what the charts of a page draw."""
    return [json.loads(html.unescape(data)) for data in re.findall(r'data-value="([^"]+)"', page)]


def test_months_are_the_last_ones() -> None:
    assert months_to(date(2026, 2, 28), 3) == [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]
    assert len(months_to(date(2026, 12, 31), 12)) == 12 and months_to(date(2026, 12, 31), 12)[0] == date(2026, 1, 1)


def test_revenue_is_what_came_less_what_went_back(acme: Caller, globex: Caller) -> None:
    client, months = client_of(acme), months_to(TODAY, 12)
    pay(acme, client, "100.00", "2026-01-31")
    early = pay(acme, client, "50.00", "2025-04-01")
    pay(acme, client, "9.00", "2025-03-31")
    pay(acme, client, "70.10", "2026-03-01")
    pay(acme, client, "33.00", "2026-02-02", "EUR")
    pay(acme, client, "1000", "2026-02-02", "JPY")
    pay(acme, client, "500.00", "2026-02-03", status="pending")
    give_back(acme, early, "20.05", datetime(2026, 3, 2, tzinfo=UTC))
    pay(globex, client_of(globex), "999.00", "2026-01-05")
    with counted() as statements:
        found = revenue(acme.tenant.pk, months)
    assert len(statements) == 1
    own = dict(zip(months, found["USD"], strict=True))
    moved = {month: amount for month, amount in own.items() if amount}
    assert moved == {
        date(2025, 4, 1): Decimal("50.00"),
        date(2026, 1, 1): Decimal("100.00"),
        date(2026, 3, 1): Decimal("50.05"),
    }
    assert sum(found["EUR"]) == Decimal("33.00") and sum(found["JPY"]) == Decimal(1000) and len(found) == 3


def test_receivables_count_the_days(acme: Caller, globex: Caller) -> None:
    client, today = client_of(acme), timezone.now().date()
    ages = {-5: "1.00", 0: "2.00", 1: "4.00", 30: "8.00", 31: "16.00", 60: "32.00", 61: "64.00", 90: "128.00",
            91: "256.00", 400: "512.00"}  # fmt: skip
    for days, rate in ages.items():
        bill(acme, client, rate, today - timedelta(days=days))
    bill(acme, client, "1024.00", None)
    bill(acme, client, "5.00", today - timedelta(days=45), "EUR")
    draft = {"client_id": client, "line_items": [{"description": "Work", "quantity": 1, "rate": "7.00"}]}
    acme.post("/invoices", draft)
    bill(globex, client_of(globex), "3.00", today)
    with counted() as statements:
        found = receivables(acme.tenant.pk, today)
    assert len(statements) == 1
    assert [str(amount) for amount in found["USD"]] == ["1027.00", "12.00", "48.00", "192.00", "768.00"]
    assert [str(amount) for amount in found["EUR"]] == ["0", "0", "5.00", "0", "0"]


def test_receivables_count_what_is_still_due(acme: Caller) -> None:
    client, today = client_of(acme), timezone.now().date()
    bill(acme, client, "100.00", today - timedelta(days=3))
    invoice = acme.get("/invoices").data[0]["id"]
    pay(acme, client, "60.00", str(today), invoice_id=invoice)
    with using("admin"):
        assert sum(receivables(acme.tenant.pk, today)["USD"]) == Decimal("40.00")


def test_leads_count_by_source(acme: Caller, globex: Caller) -> None:
    for number, source in enumerate(["website", "website", "website", "phone", None, "spammer"]):
        body = {"name": "Ada", "email": f"ada{number}@example.com", "source": source}
        lead = acme.post("/leads", {**body, "status": "spam"} if source == "spammer" else body).data
        if number in (0, 3):
            assert acme.post(f"/leads/{lead['id']}/convert").status == 200
    globex.post("/leads", {"name": "Ben", "email": "ben@example.com", "source": "radio"})
    with counted() as statements:
        found = leads_by_source(acme.tenant.pk, timezone.now().date())
    assert len(statements) == 1
    assert found[0] == Source("website", 3, 1)
    assert sorted(found[1:], key=lambda row: row.name or "") == [Source(None, 1, 0), Source("phone", 1, 1)]
    with using("admin"):
        assert leads_by_source(acme.tenant.pk, timezone.now().date() + timedelta(days=1)) == []


def test_the_home_draws_and_writes_them(seat: Callable[..., Person], acme: Caller) -> None:
    client, today = client_of(acme), timezone.now().date()
    pay(acme, client, "1234.50", str(today))
    pay(acme, client, "80.00", str(today), "EUR")
    bill(acme, client, "10.00", today - timedelta(days=100))
    acme.post("/leads", {"name": "Ada", "email": "ada@example.com", "source": "website"})
    page = seat(acme).text("")
    came, owed, leads = drawn(page)[:3]
    assert len(came["labels"]) == 12 and came["datasets"][0]["data"][-1] == "1234.50"
    assert owed["datasets"][0]["data"][-1] == "10.00"
    assert leads["labels"] == ["website"] and [series["data"] for series in leads["datasets"]] == [[0], [1]]
    assert f'<th scope="row">{today:%b %Y}</th><td>1,234.50 USD</td>' in page
    assert "In other currencies: 80.00 EUR." in page
    assert '<th scope="row">over 90</th><td>10.00 USD</td>' in page
    assert "0 of 1 became clients (0 %)" in page


def test_the_home_helps_where_nothing_is(seat: Callable[..., Person], acme: Caller) -> None:
    page = seat(acme).text("")
    for sentence in ("No payment in the last twelve months in USD.", "No invoice in USD waits", "No lead in the last"):
        assert sentence in page
    # The chart of changes tells of the key that the tenant has.
    assert len(drawn(page)) == 1 and "The numbers as a table" not in page
    assert "Revenue a month" not in make_person().text("")


def test_other_currencies_alone_are_told(seat: Callable[..., Person], acme: Caller) -> None:
    pay(acme, client_of(acme), "80.00", str(timezone.now().date()), "EUR")
    page = seat(acme).text("")
    assert "No payment in the last twelve months in USD." in page and "In other currencies: 80.00 EUR." in page


def test_the_sandbox_shows_when_it_is_chosen(seat: Callable[..., Person], acme: Caller, root: Person) -> None:
    with using("admin"):
        sandbox = Tenant.objects.get(live=acme.tenant)
    pay(acme, client_of(acme), "42.00", str(timezone.now().date()))
    person = seat(acme)
    assert "42.00 USD" in person.text("") and "test side" not in person.text("")
    chosen = person.text("", tenant=sandbox.pk)
    assert "42.00 USD" not in chosen and "test side" in chosen
    assert "42.00 USD" in root.text("", tenant=acme.tenant.pk)


@pytest.mark.parametrize("wanted", ["theirs", "nonsense", "01a20f06-0000-7000-8000-000000000000", "\x00"])
def test_nobody_chooses_anothers_tenant(seat: Callable[..., Person], acme: Caller, globex: Caller, wanted: str) -> None:
    pay(globex, client_of(globex), "77.00", str(timezone.now().date()))
    page = seat(acme).text("", tenant=globex.tenant.pk if wanted == "theirs" else wanted)
    assert "77.00" not in page and globex.tenant.name not in page
    assert f"<h2>{acme.tenant.name}</h2>" in page


def test_its_statements_do_not_grow(seat: Callable[..., Person], acme: Caller) -> None:
    person, counts = seat(acme), []
    for number in range(3):
        client = client_of(acme)
        pay(acme, client, "10.00", "2026-01-05" if number else str(timezone.now().date()))
        bill(acme, client, "10.00", timezone.now().date())
        acme.post("/leads", {"name": "Ada", "email": f"a{number}@example.com", "source": f"source {number}"})
        with counted() as statements:
            person.text("")
        counts.append(len(statements))
        tables = " ".join(row["sql"] for row in statements)
        for table in ("crm_payment", "crm_invoice", "crm_lead"):
            assert tables.count(f'FROM "{table}"') == 1, table
    assert counts[1] == counts[2], counts


def multiply(cursor: Any, tenant: Tenant, model: Any, **changes: str) -> None:
    """Make 9000 rows of a tenant's one; `changes` are SQL, in which n counts."""
    columns = [field.column for field in model._meta.concrete_fields if not field.generated]
    values = ", ".join(changes.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    rows = f"SELECT {values} FROM {table}, generate_series(1, 9000) n WHERE tenant_id = %s"
    cursor.execute(f"INSERT INTO {table} ({names}) {rows}", [tenant.pk])
    cursor.execute(f"ANALYZE {table}")


def test_the_charts_find_their_rows_by_index(acme: Caller) -> None:
    client, today = client_of(acme), timezone.now().date()
    give_back(acme, pay(acme, client, "10.00", str(today)), "1.00", timezone.now())
    bill(acme, client, "10.00", today)
    assert acme.post(f"/invoices/{acme.get('/invoices').data[0]['id']}/mark-paid").status == 200
    acme.post("/leads", {"name": "Ada", "email": "ada@example.com"})
    with counted() as statements:
        revenue(acme.tenant.pk, months_to(today, 12))
        receivables(acme.tenant.pk, today)
        leads_by_source(acme.tenant.pk, today.replace(day=1))
    plans = ""
    # Ten years of one tenant's rows, which are never committed.
    hours, new = "now() - n * interval '9 hours'", "gen_random_uuid()"
    with using("owner"), transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        multiply(cursor, acme.tenant, Payment, id=new, paid_at=hours, created_at=hours)
        multiply(cursor, acme.tenant, Refund, id=new, at=hours)
        multiply(cursor, acme.tenant, Invoice, id=new, number="number || n")
        multiply(cursor, acme.tenant, Lead, id=new, created_at=hours)
        for statement in statements:
            cursor.execute(f"EXPLAIN {statement['sql']}")
            plans += "\n".join(line for (line,) in cursor.fetchall())
        transaction.set_rollback(True, "owner")
    for index in ("payment_paid", "refund_at", "invoice_due", "lead_latest"):
        assert index in plans, (index, plans)
    for table in ("crm_payment", "crm_refund", "crm_invoice", "crm_lead"):
        assert f"Seq Scan on {table}" not in plans, (table, plans)


def test_many_sides_are_found_by_typing(
    root: Person, acme: Caller, globex: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "FEW", 1)
    page = root.text("", tenant=globex.tenant.pk)
    assert f"<h2>{globex.tenant.name}</h2>" in page and "admin-autocomplete" in page
    assert f'<option value="{globex.tenant.pk}" selected>' in page and f'value="{acme.tenant.pk}"' not in page
