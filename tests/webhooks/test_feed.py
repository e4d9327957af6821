"""The feed: a reader with one variable sees each committed event exactly once, whoever writes meanwhile."""

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event as Flag

import psycopg
import pytest
import time_machine
from django.db import connections

from crm.contracts.public import PUBLIC
from crm.contracts.registry import REGISTRY
from crm.contracts.v1 import V1
from crm.resources.clients.models import Client
from crm.rest import writes
from crm.rest.contract import Contract
from tenants.actor import Actor
from tenants.scope import tenant_scope
from tests.conftest import Answer, Caller
from tests.crowd import at_once

WRITERS, READERS, EACH = 16, 3, 15
CONTRACTS = pytest.mark.parametrize("contract", [V1, PUBLIC, REGISTRY], ids=lambda contract: contract.name)


def place(answer: Answer) -> str:
    """Return where the next page begins."""
    pagination = answer.body["pagination"]
    return str(pagination.get("next_cursor") or pagination["nextCursor"])


def follow(caller: Caller, enough: Callable[[], bool], query: str = "limit=7") -> list[str]:
    """Read the feed to its end, and on until it is enough and there is nothing more; return the ids as they came."""
    found: list[str] = []
    after = ""
    while True:
        over = enough()
        page = caller.get(f"/events?after={after}&{query}")
        assert page.status == 200, page.body
        found += [event["id"] for event in page.data]
        after = place(page)
        if over and not page.data:
            return found


def write(caller: Caller, index: int) -> list[str]:
    """Commit, roll back, be quick or slow, in transactions of one event or many; return the names that are there."""
    luck = random.Random(index)
    actor = Actor.system(caller.tenant, "writer")
    kept = []
    for turn in range(EACH):
        names = [f"{index}/{turn}/{n}" for n in range(luck.choice((1, 1, 2, 9)))]
        stays = luck.random() > 0.25
        try:
            with tenant_scope(caller.tenant.id):
                for name in names:
                    writes.create(Client(name=name), actor=actor)
                if luck.random() < 0.2:
                    time.sleep(luck.uniform(0.2, 1))
                if not stays:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            continue
        kept += names
    return kept


def test_it_shows_each_reader_each_event_once_while_sixteen_write(acme: Caller, tally: dict[str, str]) -> None:
    done, written = [Flag() for _ in range(WRITERS)], []

    def act(index: int) -> list[str]:
        if index >= WRITERS:
            reader = Caller(acme.tenant, acme.key)
            return follow(reader, lambda: all(flag.is_set() for flag in done), f"limit={(5, 20, 100)[index - WRITERS]}")
        try:
            return write(acme, index)
        finally:
            done[index].set()

    results = at_once(WRITERS + READERS, act)
    written = [name for names in results[:WRITERS] for name in names]
    with tenant_scope(acme.tenant.id):
        known = {f"{name}" for name in Client.objects.of(acme.tenant).values_list("name", flat=True)}
    assert sorted(written) == sorted(known)
    for seen in results[WRITERS:]:
        assert max(Counter(seen).values()) == 1
        assert len(seen) == len(written)
    # All readers see one order, and it is that of the whole ledger.
    assert results[WRITERS] == results[WRITERS + 1] == results[WRITERS + 2] == follow(acme, lambda: True)
    tally["feed"] = f"{WRITERS} writers, {len(written)} events, {READERS} readers: none missed, none twice"


@CONTRACTS
def test_it_goes_on_from_every_page_and_from_the_empty_one_too(acme: Caller, contract: Contract) -> None:
    reader = acme.on(contract)
    empty = reader.get("/events?after=")
    assert (empty.status, empty.data) == (200, [])
    for name in ("Ada", "Bob", "Cyd"):
        acme.post("/clients", {"name": name})
    names, after = [], place(empty)
    for _ in range(4):
        page = reader.get(f"/events?after={after}&limit=2&wait=0")
        names.append([event["data"]["name"] for event in page.data])
        after = place(page)
    assert names == [["Ada", "Bob"], ["Cyd"], [], []]


def test_it_prints_its_place_as_each_contract_does(acme: Caller) -> None:
    printed = {
        contract.name: {**acme.on(contract).get("/events?after=").body["pagination"]}
        for contract in (V1, PUBLIC, REGISTRY)
    }
    usual = {"total": None, "limit": 20, "offset": None, "has_more": False}
    for name, own in (("v1", usual), ("public", usual), ("registry", {"limit": 20, "hasMore": False})):
        assert len(printed[name].pop("nextCursor" if name == "registry" else "next_cursor")) > 40
        assert printed[name] == own


def test_it_speaks_in_each_contracts_words(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    assert [event["type"] for event in acme.on(REGISTRY).get("/events?after=").data] == ["customer.created"]
    assert [event["recordId"][:4] for event in acme.on(REGISTRY).get("/events?wait=1").data] == ["cli_"]


def test_it_takes_a_place_from_one_contract_and_key_to_another(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    after = place(acme.get("/events?after="))
    acme.post("/clients", {"name": "Bob"})
    other = acme.with_scopes("events:read", "clients:read").on(REGISTRY)
    assert [event["data"]["name"] for event in other.get(f"/events?after={after}").data] == ["Bob"]


def test_it_moves_on_past_what_the_filters_leave_out(acme: Caller) -> None:
    for name in ("Ada", "Bob"):
        acme.post("/clients", {"name": name})
    after = place(acme.get("/events?after=&type=product.created"))
    assert acme.get(f"/events?after={after}").data == []
    tap = acme.post("/products", {"name": "Tap", "price": 5}).data["id"]
    page = acme.get(f"/events?after={after}&resource=product&fields=type,record_id")
    assert page.data == [{"type": "product.created", "record_id": tap}]


def test_it_shows_only_what_the_key_may_read_and_moves_on_past_the_rest(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    reader = acme.with_scopes("events:read", "products:read")
    page = reader.get("/events?after=")
    assert page.data == []
    assert acme.get(f"/events?after={place(page)}").data == []
    assert acme.with_scopes("clients:read").get("/events?after=").status == 403


def test_it_follows_one_record(acme: Caller) -> None:
    ada, bob = (acme.post("/clients", {"name": name}).data["id"] for name in ("Ada", "Bob"))
    page = acme.get(f"/clients/{ada}/events?after=")
    assert [event["record_id"] for event in page.data] == [ada]
    acme.patch(f"/clients/{bob}", {"name": "Cyd"})
    acme.patch(f"/clients/{ada}", {"name": "Dan"})
    assert [event["data"]["name"] for event in acme.get(f"/clients/{ada}/events?after={place(page)}").data] == ["Dan"]


def test_it_starts_from_now(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    page = acme.get("/events?after=now")
    assert page.data == []
    acme.post("/clients", {"name": "Bob"})
    assert [event["data"]["name"] for event in acme.get(f"/events?after={place(page)}").data] == ["Bob"]


def test_it_misses_nothing_that_a_slow_writer_began_before(acme: Caller) -> None:
    found = connections["owner"].get_connection_params()
    with psycopg.connect(**{name: found[name] for name in ("dbname", "user", "password", "host", "port")}) as slow:
        slow.execute("SELECT pg_current_xact_id()")
        acme.post("/clients", {"name": "Ada"})
        page = acme.get("/events?after=now")
        assert acme.get(f"/events?after={place(page)}").data == []
        slow.commit()
    # Nothing was settled when it asked, so "now" is before her.
    assert [event["data"]["name"] for event in acme.get(f"/events?after={place(page)}").data] == ["Ada"]


WRONG = {
    "wait=21": "wait", "wait=-1": "wait", "wait=x": "wait", "wait=": "wait", "wait=1.5": "wait",
    "after=yesterday": "after", "after=%00": "after", "after=" + "a" * 9000: "after", "after=%C3%A9": "after",
    "after=&limit=0": "limit", "after=&offset=0": "offset", "after=&cursor=x": "cursor",
    "after=&sort=occurred_at": "sort", "wait=0&order=desc": "order", "after=&after=": "after",
    "after=&nope=1": "nope",
}  # fmt: skip


@pytest.mark.parametrize("query", WRONG)
def test_it_names_what_does_not_fit(acme: Caller, query: str) -> None:
    answer = acme.get(f"/events?{query}")
    assert (answer.status, answer.error["details"]["field"]) == (400, WRONG[query])


def test_it_takes_no_place_of_another_tenant_nor_of_a_list(acme: Caller, globex: Caller) -> None:
    for name in ("Ada", "Bob"):
        acme.post("/clients", {"name": name})
    theirs = place(globex.get("/events?after="))
    listed = acme.get("/events?limit=1").body["pagination"]["next_cursor"]
    assert [acme.get(f"/events?after={after}").status for after in (theirs, listed)] == [400, 400]


def test_it_takes_a_page_as_long_as_a_list(acme: Caller) -> None:
    assert acme.get("/events?after=&limit=1000").body["pagination"]["limit"] == 100


def test_it_says_when_a_place_is_too_old(acme: Caller) -> None:
    after = place(acme.get("/events?after="))
    acme.post("/clients", {"name": "Ada"})
    for days, status in ((29, 200), (90, 200), (92, 410)):
        with time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=False):
            assert acme.get(f"/events?after={after}").status == status, days
    with time_machine.travel(datetime.now(UTC) + timedelta(days=92), tick=False):
        answer = acme.get(f"/events?after={after}")
        assert acme.get("/events?after=now").status == 200
    assert (answer.error["code"], answer.error["details"]["field"]) == ("CURSOR_EXPIRED", "after")
    assert "more than 90 days old" in answer.error["message"]


def test_it_begins_with_the_oldest_that_it_reaches(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"})
    with time_machine.travel(datetime.now(UTC) + timedelta(days=91), tick=False):
        assert acme.get("/events?after=").data == []
        assert acme.get("/events").body["pagination"]["total"] == 1


def test_it_says_when_the_ledger_does_not_know_a_place_yet(acme: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    after = place(acme.get("/events?after="))
    monkeypatch.setattr("crm.resources.events.feed.LOOK", "SELECT 3, %s IS NULL")
    answer = acme.get(f"/events?after={after}")
    assert (answer.status, answer.error["code"]) == (410, "CURSOR_EXPIRED")
    assert "put back to an earlier state" in answer.error["message"]


def test_it_answers_at_once_where_the_server_cannot_wait(acme: Caller) -> None:
    started = time.monotonic()
    assert acme.get("/events?after=now&wait=20").data == []
    assert time.monotonic() - started < 2
