"""The client's page: how it stands with a client, and all that has happened, in a number of statements that stays."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.admin import timeline
from tenants import ids
from tests.admin.conftest import Person
from tests.conftest import Caller

LINE = {"description": "Work", "quantity": 1, "rate": "100.00"}
# The session (read and written), the person with seats and rights, the client, its standing, the timeline, and what
# fails among the webhooks, for the menu.
STATEMENTS = 23


def page_of(person: Person, client: str, **query: Any) -> str:
    """Return a client's page."""
    return person.text(f"crm/client/{ids.decode('cli', client)}/change/", **query)


def story_of(page: str) -> list[str]:
    """Return the sentences of a page's timeline."""
    return re.findall(r'<li class="kith-tone-\w+">\s*<a href="[^"]+">([^<]+)</a>', page)


def links_of(page: str) -> list[str]:
    """Return the addresses of a page's timeline."""
    return re.findall(r'<li class="kith-tone-\w+">\s*<a href="([^"]+)">', page)


def make_client(caller: Caller, name: str = "Ada") -> str:
    return str(caller.post("/clients", {"name": name}).data["id"])


def bill(caller: Caller, client: str, *, days: int, rate: str = "100.00", **more: Any) -> dict[str, Any]:
    """Return a sent invoice that is due in so many days."""
    due = timezone.now().date() + timedelta(days=days)
    body = {"client_id": client, "line_items": [{**LINE, "rate": rate}], **more}
    body |= {"issue_date": str(min(due, timezone.now().date())), "due_date": str(due)}
    invoice = caller.post("/invoices", body).data
    return dict(caller.post(f"/invoices/{invoice['id']}/send").data)


def tell(caller: Caller) -> str:
    """Make a client with a whole story and return its id."""
    lead = caller.post("/leads", {"name": "Rosa", "email": "rosa@example.com", "source": "website"}).data
    client = str(caller.post(f"/leads/{lead['id']}/convert").data["client_id"])
    quote = caller.post("/quotes", {"client_id": client, "line_items": [LINE]}).data
    caller.post(f"/quotes/{quote['id']}/send")
    late = bill(caller, client, days=-12)
    bill(caller, client, days=20, rate="70.00")
    paid = caller.post(
        "/payments", {"client_id": client, "invoice_id": late["id"], "amount": "50.00", "method": "card"}
    ).data
    assert caller.post(f"/payments/{paid['id']}/refund", {"amount": "20.00", "reason": "Too much."}).status == 200
    caller.post("/payments", {"client_id": client, "amount": "30.00", "currency": "EUR", "method": "cash"})
    start = (timezone.now() + timedelta(days=3)).replace(hour=17, minute=0, second=0, microsecond=0)
    member = caller.post("/team", {"name": "Priya Nair", "email": "priya@example.com", "role": "staff"}).data
    service = caller.post(
        "/products", {"type": "service", "name": "Boiler check", "price": "90.00", "duration_minutes": 60}
    ).data
    made = caller.post(
        "/appointments",
        {
            "client_id": client, "service_id": service["id"], "assignee_ids": [member["id"]],
            "starts_at": start.isoformat(), "timezone": "Europe/Vienna",
        },
    )  # fmt: skip
    assert made.status == 201, made.body
    caller.post("/activities", {"record_id": client, "kind": "call", "subject": "Asked for a date", "body": "Soon."})
    return client


def test_it_says_that_nothing_is_there_yet(seat: Callable[..., Person], acme: Caller) -> None:
    page = page_of(seat(acme), make_client(acme))
    for sentence in ("Nothing is to be paid.", "None is planned.", "No offer waits for an answer.", "No lead:"):
        assert sentence in page
    assert story_of(page) == ["Client Ada was made"]


def test_it_shows_how_it_stands(seat: Callable[..., Person], acme: Caller) -> None:
    page = page_of(seat(acme), tell(acme))
    # 100 less 30 that stayed, and 70.
    assert "<strong>140.00 USD</strong>" in page and "70.00 USD of it overdue" in page
    assert "<strong>30.00 EUR</strong>" in page and "<strong>0.00 USD</strong>" in page
    assert "12 days overdue" in page and "20.00 USD given back" in page
    assert "(Europe/Vienna)" in page and "Priya Nair" in page and "Boiler check" in page
    assert "website" in page and "QUO-" in page


def test_it_tells_the_story_in_sentences(seat: Callable[..., Person], acme: Caller) -> None:
    page = page_of(seat(acme), tell(acme))
    story = story_of(page)
    assert story[0] == "Call: Asked for a date"
    assert story[-1] == "Lead Rosa came in"
    for sentence in (
        "Payment of 50.00 USD succeeded",
        "Payment of 50.00 USD was refunded: 20.00 USD went back",
        "Appointment Boiler check was scheduled",
        "Lead Rosa became a client",
    ):
        assert sentence in story
    assert any(re.fullmatch(r"Invoice INV-\d{4}-\d{5} was sent", sentence) for sentence in story)
    assert "Soon." in page and not any("Activity" in sentence for sentence in story)


def test_it_leads_to_every_record(seat: Callable[..., Person], acme: Caller) -> None:
    person = seat(acme)
    links = set(links_of(page_of(person, tell(acme))))
    assert len(links) >= 8
    for link in links:
        assert person.get(link.removeprefix("/admin/")).status_code == 200, link


def test_what_was_deleted_leads_to_its_history(seat: Callable[..., Person], acme: Caller) -> None:
    person, client = seat(acme), make_client(acme)
    draft = acme.post("/quotes", {"client_id": client, "line_items": [LINE]}).data["id"]
    deleted = acme.delete(f"/quotes/{draft}")
    assert deleted.status == 200, deleted.body
    page = page_of(person, client)
    assert story_of(page)[:2] == ["Quote was deleted", "Quote was drafted"]
    assert all(f"record={draft}" in link for link in links_of(page)[:2])
    assert person.get(links_of(page)[0].removeprefix("/admin/")).status_code == 200


def test_it_shows_the_rest_page_by_page(
    seat: Callable[..., Person], acme: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, client = seat(acme), tell(acme)
    whole = story_of(page_of(person, client))
    monkeypatch.setattr(timeline, "LENGTH", 5)
    found, page = [], page_of(person, client)
    while True:
        found += story_of(page)
        more = re.search(r'href="\?before=([^"#]+)#timeline"', page)
        if more is None:
            break
        page = page_of(person, client, before=more[1])
        assert "to the newest" in page
    assert found == whole


@pytest.mark.parametrize("cursor", ["nonsense", "%00", "AAAA"])
def test_a_foreign_cursor_begins_anew(seat: Callable[..., Person], acme: Caller, cursor: str) -> None:
    page = page_of(seat(acme), make_client(acme), before=cursor)
    assert story_of(page) == ["Client Ada was made"] and "to the newest" not in page


def test_its_statements_do_not_grow(seat: Callable[..., Person], acme: Caller) -> None:
    person, one, other = seat(acme), tell(acme), make_client(acme, "Ben")
    for number in range(8):
        bill(acme, one, days=number - 4)
        acme.post("/payments", {"client_id": one, "amount": "5.00", "method": "cash"})
    counts = []
    for client in (one, one, other):
        with CaptureQueriesContext(connections["admin"]) as captured:
            page_of(person, client)
        counts.append(len(captured))
    # Somebody goes to the first client, which takes who.
    assert counts[1] == STATEMENTS and counts[2] <= counts[1], counts


def test_nobody_sees_it_from_another_tenant(seat: Callable[..., Person], acme: Caller, globex: Caller) -> None:
    client = ids.decode("cli", tell(acme))
    assert seat(globex).get(f"crm/client/{client}/change/").status_code == 302
    assert "Rosa" not in seat(globex).text("crm/client/")


def test_it_shows_nothing_of_other_clients(seat: Callable[..., Person], acme: Caller, globex: Caller) -> None:
    tell(acme)
    tell(globex)
    page = page_of(seat(acme), make_client(acme, "Ben"))
    assert "Rosa" not in page and "INV-" not in page


def test_a_viewer_reads_it_all(seat: Callable[..., Person], acme: Caller) -> None:
    page = page_of(seat(acme, "viewer"), tell(acme))
    assert "<strong>140.00 USD</strong>" in page and "Lead Rosa came in" in story_of(page)


def test_what_was_typed_stays_text(seat: Callable[..., Person], acme: Caller) -> None:
    client = make_client(acme, "<script>alert(1)</script>")
    acme.post("/activities", {"record_id": client, "subject": "<b>x</b>", "body": "<i>y</i>"})
    page = page_of(seat(acme), client)
    assert "<script>alert(1)" not in page and "<b>x</b>" not in page and "<i>y</i>" not in page
