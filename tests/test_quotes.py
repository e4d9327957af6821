"""Quotes: sent, approved, accepted by somebody, converted once; superseded by a new version; expired by time."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from crm.resources.quotes.rules import mark_expired
from crm.tasks import expire_quotes
from tests.conftest import Answer, Caller
from tests.crowd import at_once

LINE = {"description": "Boiler", "rate": "1200", "tax_rate": 20}


@pytest.fixture
def client_id(acme: Caller) -> str:
    return str(acme.post("/clients", {"name": "Ada"}).data["id"])


def make(caller: Caller, **fields: Any) -> dict[str, Any]:
    client = caller.post("/clients", {"name": "Ada"}).data["id"]
    made = caller.post("/quotes", {"client_id": client, "line_items": [LINE], **fields})
    assert made.status == 201, made.body
    return made.data  # type: ignore[no-any-return]


def drafted(caller: Caller, **fields: Any) -> str:
    """Return the path of a draft."""
    return f"/quotes/{make(caller, **fields)['id']}"


def sent(caller: Caller, **fields: Any) -> str:
    path = drafted(caller, **fields)
    assert caller.post(f"{path}/send").status == 200
    return path


def accepted(caller: Caller) -> str:
    path = sent(caller)
    assert caller.post(f"{path}/accept", {"name": "Ada"}).status == 200
    return path


def types_of(caller: Caller, path: str) -> list[str]:
    return [event["type"] for event in caller.get(f"{path}/events").data]


def test_it_goes_from_draft_to_an_invoice(acme: Caller) -> None:
    draft = make(acme, valid_until="2999-12-31", notes="With love", terms="Half in advance")
    assert (draft["number"], draft["status"], draft["total"], draft["revision"]) == (None, "draft", "1440.00", 1)
    path = f"/quotes/{draft['id']}"
    year = timezone.now().year
    assert acme.post(f"{path}/send").data["number"] == f"QUO-{year}-00001"
    assert acme.post(f"{path}/approve").data["status"] == "approved"
    yes = acme.post(f"{path}/accept", {"name": "Ada Lovelace", "email": "ada@example.com"})
    assert yes.status == 200, yes.body
    done = acme.post(f"{path}/convert", {"to": "invoice"})
    assert (done.status, done.data["status"], done.data["order_id"]) == (200, "converted", None), done.body
    invoice = acme.get(f"/invoices/{done.data['invoice_id']}?include=quote").data
    assert (invoice["status"], invoice["total"], invoice["quote_id"]) == ("draft", "1440.00", draft["id"])
    assert (invoice["notes"], invoice["terms"]) == ("With love", "Half in advance")
    assert invoice["line_items"] == draft["line_items"] and invoice["quote"] == done.data
    assert acme.get(f"{path}?include=client,invoice").data["client"]["name"] == "Ada"
    assert types_of(acme, path) == [
        f"quote.{verb}" for verb in ("created", "sent", "approved", "accepted", "converted")
    ]
    assert types_of(acme, f"/invoices/{invoice['id']}") == ["invoice.created"]


def test_it_becomes_an_order_that_is_billed(acme: Caller) -> None:
    path = accepted(acme)
    order = acme.post(f"{path}/convert", {"to": "order"}).data["order_id"]
    made = acme.get(f"/orders/{order}").data
    assert (made["quote_id"], made["total"], made["status"]) == (path.rpartition("/")[2], "1440.00", "draft")
    assert acme.post(f"{path}/convert", {"to": "invoice"}).status == 409
    assert acme.get(f"/orders?quote_id={made['quote_id']}").data == [made]


def test_it_keeps_who_accepted_which_version_and_from_where(acme: Caller) -> None:
    path = sent(acme)
    version = int(acme.get(path).headers["ETag"].strip('"'))
    with time_machine.travel(datetime(2030, 1, 31, 12, tzinfo=UTC), tick=False):
        yes = acme.post(f"{path}/accept", {"name": "Ada", "email": "Ada@EXAMPLE.com"}, If_Match=f'"{version}"').data
    address = acme.client.defaults["REMOTE_ADDR"]
    assert yes["acceptance"] == {
        "name": "Ada", "email": "Ada@example.com", "at": "2030-01-31T12:00:00Z", "address": address, "version": version,
    }  # fmt: skip
    assert yes["accepted_at"] == "2030-01-31T12:00:00Z"
    assert acme.get(path).data == yes


def test_it_accepts_only_the_version_that_was_read(acme: Caller) -> None:
    path = sent(acme)
    acme.patch(path, {"external_ref": "changed-since"})
    assert acme.post(f"{path}/accept", {"name": "Ada"}, If_Match='"2"').status == 412
    assert acme.get(path).data["status"] == "sent"


def test_it_is_declined_with_a_reason(acme: Caller) -> None:
    path = sent(acme)
    no = acme.post(f"{path}/decline", {"reason": "Too dear"}).data
    assert (no["status"], no["decline_reason"], no["acceptance"]) == ("declined", "Too dear", None)
    assert acme.post(f"{path}/accept", {"name": "Ada"}).error["details"] == {"status": "declined", "allowed": []}
    assert acme.post(f"{sent(acme)}/decline", {}).data["decline_reason"] is None


@pytest.mark.parametrize(("state", "verb", "body"), [
    ("draft", "approve", None), ("draft", "accept", {"name": "Ada"}), ("draft", "convert", {"to": "order"}),
    ("sent", "send", None), ("sent", "convert", {"to": "invoice"}), ("accepted", "decline", {}),
    ("accepted", "approve", None), ("accepted", "revise", None), ("draft", "revise", None),
])  # fmt: skip
def test_it_moves_by_its_table(acme: Caller, state: str, verb: str, body: Any) -> None:
    path = {"draft": drafted, "sent": sent, "accepted": accepted}[state](acme)
    before = acme.get(path).data
    refused = acme.post(f"{path}/{verb}", body)
    assert refused.status == 409, refused.body
    assert acme.get(path).data == before


def test_it_takes_the_plain_states_by_patch(acme: Caller) -> None:
    path = f"{drafted(acme)}/status"
    assert acme.patch(path, {"status": "expired"}).error["details"]["allowed"] == ["sent"]
    for state in ("sent", "approved", "expired"):
        assert acme.patch(path, {"status": state}).data["status"] == state
    for state in ("accepted", "converted"):
        assert acme.patch(path, {"status": state}).status == 400


def test_it_freezes_what_was_sent(acme: Caller) -> None:
    path = sent(acme)
    for name, value in {"line_items": [], "currency": "EUR", "valid_until": "2999-01-01", "terms": "Other"}.items():
        refused = acme.patch(path, {name: value})
        assert (refused.status, refused.error["details"]["field"]) == (409, name), refused.body
        assert "Revise" in refused.error["message"]
    assert acme.patch(path, {"external_ref": "A-1"}).status == 200


def test_it_converts_once_when_twenty_ask(acme: Caller) -> None:
    path = accepted(acme)
    quote = path.rpartition("/")[2]
    targets = ("invoice", "order")
    answers = at_once(20, lambda index: acme.post(f"{path}/convert", {"to": targets[index % 2]}).status)
    assert sorted(answers) == [200] + [409] * 19
    made = [*acme.get(f"/invoices?quote_id={quote}").data, *acme.get(f"/orders?quote_id={quote}").data]
    assert len(made) == 1
    assert types_of(acme, path).count("quote.converted") == 1


def test_it_is_accepted_once_when_twenty_ask(acme: Caller) -> None:
    path = sent(acme)
    answers = at_once(20, lambda index: acme.post(f"{path}/accept", {"name": f"Ada {index}"}).status)
    assert sorted(answers) == [200] + [409] * 19


def test_it_numbers_without_gaps_when_twenty_are_sent(acme: Caller) -> None:
    paths = [drafted(acme) for _ in range(20)]
    numbers = at_once(20, lambda index: acme.post(f"{paths[index]}/send").data["number"])
    assert sorted(numbers) == [f"QUO-{timezone.now().year}-{index:05d}" for index in range(1, 21)]


# New versions.


def revised(caller: Caller, path: str) -> str:
    answer = caller.post(f"{path}/revise")
    assert answer.status == 200, answer.body
    return f"/quotes/{answer.data['superseded_by_id']}"


def test_it_is_superseded_by_a_new_version(acme: Caller) -> None:
    old = sent(acme, notes="As discussed", valid_until="2999-12-31")
    new = revised(acme, old)
    draft, former = acme.get(new).data, acme.get(old).data
    assert (draft["status"], draft["number"], draft["revision"]) == ("draft", None, 2)
    assert draft["supersedes_id"] == former["id"] and former["superseded_by_id"] == draft["id"]
    same = ("client_id", "currency", "line_items", "total", "notes", "terms", "valid_until")
    assert {name: draft[name] for name in same} == {name: former[name] for name in same}
    assert types_of(acme, old)[-1] == "quote.revised"
    cheaper = acme.patch(new, {"line_items": [{**LINE, "rate": "1100"}]}).data
    assert (cheaper["total"], acme.get(old).data["total"]) == ("1320.00", "1440.00")


@pytest.mark.parametrize(("verb", "body"), [("accept", {"name": "Ada"}), ("approve", None), ("revise", None)])
def test_it_refuses_a_superseded_one_and_names_the_new(acme: Caller, verb: str, body: Any) -> None:
    old = sent(acme)
    new = revised(acme, old).rpartition("/")[2]
    refused = acme.post(f"{old}/{verb}", body)
    assert (refused.status, refused.error["details"]) == (409, {"superseded_by_id": new}), refused.body
    assert new in refused.error["message"]
    assert acme.get(old).data["status"] == "sent"


def test_it_stands_again_when_the_new_version_is_dropped(acme: Caller) -> None:
    old = sent(acme)
    assert acme.delete(revised(acme, old)).status == 200
    assert acme.get(old).data["superseded_by_id"] is None
    assert types_of(acme, old)[-1] == "quote.updated"
    assert acme.post(f"{old}/accept", {"name": "Ada"}).status == 200


def test_it_keeps_a_version_that_was_sent(acme: Caller) -> None:
    old = sent(acme)
    new = revised(acme, old)
    acme.post(f"{new}/send")
    assert acme.delete(new).status == 409
    assert acme.get(old).data["superseded_by_id"] == new.rpartition("/")[2]


def test_it_is_revised_once_when_twenty_ask(acme: Caller) -> None:
    old = sent(acme)
    answers = at_once(20, lambda _: acme.post(f"{old}/revise").status)
    assert sorted(answers) == [200] + [409] * 19
    assert len(acme.get(f"/quotes?supersedes_id={old.rpartition('/')[2]}").data) == 1


def test_it_is_accepted_or_revised_and_never_both(acme: Caller) -> None:
    path = sent(acme)

    def act(index: int) -> Answer:
        return acme.post(f"{path}/accept", {"name": "Ada"}) if index % 2 else acme.post(f"{path}/revise")

    assert sorted(answer.status for answer in at_once(10, act)) == [200] + [409] * 9
    quote = acme.get(path).data
    assert (quote["status"] == "accepted") != bool(quote["superseded_by_id"])


def test_it_can_be_revised_after_it_was_declined_or_expired(acme: Caller) -> None:
    for state in ("declined", "expired"):
        path = sent(acme)
        acme.patch(f"{path}/status", {"status": state})
        assert acme.get(revised(acme, path)).data["revision"] == 2


# Time.


def test_it_expires_when_its_last_day_is_over(acme: Caller) -> None:
    today = timezone.now().date()
    last = sent(acme, valid_until=today.isoformat())
    approved = sent(acme, valid_until=today.isoformat())
    acme.post(f"{approved}/approve")
    endless, later = sent(acme), sent(acme, valid_until="2999-12-31")
    draft = drafted(acme, valid_until="2020-01-01")
    expire_quotes()
    assert acme.get(last).data["status"] == "sent"
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        expire_quotes()
        expire_quotes()
    states = [acme.get(path).data["status"] for path in (last, approved, endless, later, draft)]
    assert states == ["expired", "expired", "sent", "sent", "draft"]
    assert types_of(acme, last) == ["quote.created", "quote.sent", "quote.expired"]


def test_it_expires_once_with_many_workers(acme: Caller) -> None:
    path = sent(acme, valid_until=timezone.now().date().isoformat())
    assert sum(at_once(8, lambda _: mark_expired(acme.tenant, today=date(2999, 1, 1)))) == 1
    assert types_of(acme, path).count("quote.expired") == 1


def test_it_cannot_be_accepted_after_its_last_day_even_unmarked(acme: Caller) -> None:
    path = sent(acme, valid_until=timezone.now().date().isoformat())
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        for verb, body in (("approve", None), ("accept", {"name": "Ada"})):
            refused = acme.post(f"{path}/{verb}", body)
            assert (refused.status, refused.error["details"]["field"]) == (409, "valid_until"), refused.body
    assert acme.get(path).data["status"] == "sent"
    assert acme.post(f"{path}/accept", {"name": "Ada"}).status == 200


def test_it_sends_nothing_that_is_over(acme: Caller) -> None:
    draft = drafted(acme, valid_until="2020-01-01")
    assert acme.post(f"{draft}/send").error["details"]["field"] == "valid_until"


# What refers to it.


def test_it_deletes_drafts_alone(acme: Caller) -> None:
    draft, path = drafted(acme), sent(acme)
    assert acme.delete(draft).status == 200
    assert acme.get(draft).status == 404
    refused = acme.delete(path)
    assert refused.status == 409 and "Only drafts" in refused.error["message"]


def test_it_keeps_its_client_and_its_product(acme: Caller) -> None:
    product = acme.post("/products", {"name": "Boiler", "price": "10"}).data["id"]
    quote = make(acme, line_items=[{"product_id": product}, {"product_id": product}])
    refused = acme.delete(f"/clients/{quote['client_id']}")
    assert refused.error["details"]["referenced_by"] == {"quotes": 1}
    assert acme.get(f"/clients/{quote['client_id']}?include=quotes").data["quotes"] == [quote]


def test_it_stays_in_its_tenant(acme: Caller, globex: Caller) -> None:
    path, theirs = accepted(acme), make(globex)
    assert globex.get(path).status == globex.post(f"{path}/convert", {"to": "order"}).status == 404
    assert acme.post("/quotes", {"client_id": theirs["client_id"]}).status == 400
    assert acme.get(f"/quotes?client_id={theirs['client_id']}").data == []


def test_it_takes_write_to_accept(acme: Caller) -> None:
    path = sent(acme)
    assert acme.with_scopes("quotes:read").post(f"{path}/accept", {"name": "Ada"}).status == 403
    assert acme.with_scopes("quotes:write").post(f"{path}/accept", {"name": "Ada"}).status == 200


@pytest.mark.parametrize(("verb", "body", "field"), [
    ("accept", {}, "name"), ("accept", {"name": ""}, "name"), ("accept", {"name": "A", "email": "x"}, "email"),
    ("accept", {"name": "A", "address": "127.0.0.1"}, "address"), ("decline", {"reason": 1}, "reason"),
    ("convert", {"to": "client"}, "to"), ("convert", {}, "to"), ("send", {"to": "x"}, "to"),
])  # fmt: skip
def test_it_refuses_a_body_that_does_not_fit(acme: Caller, verb: str, body: Any, field: str) -> None:
    refused = acme.post(f"{sent(acme)}/{verb}", body)
    assert (refused.status, refused.error["details"]["field"]) == (400, field), refused.body
