"""Appointments: nobody is booked twice, clocks that jump, states, and moves that are remembered."""

from random import Random
from typing import Any

import pytest

from crm.demo.appointments import SIZE, make
from crm.demo.world import World
from crm.errors import InvalidTransition
from crm.resources.appointments import rules
from crm.resources.appointments.models import Appointment
from crm.resources.clients.models import Client
from crm.resources.products.models import Product
from tenants import ids
from tenants.actor import Actor
from tenants.scope import tenant_scope
from tests.conftest import Answer, Caller, seat
from tests.crowd import at_once

DAY = "2026-03-02"


@pytest.fixture
def client_id(acme: Caller) -> str:
    address = {"line1": "12 Park Row", "city": "London"}
    return str(acme.post("/clients", {"name": "Ada", "billing_address": address}).data["id"])


@pytest.fixture
def member(acme: Caller) -> str:
    return ids.encode("usr", seat(acme.tenant).pk)


def service(caller: Caller, **fields: Any) -> str:
    made = caller.post("/products", {"type": "service", "name": "Boiler check", "price": 80, **fields})
    return str(made.data["id"])


def book(caller: Caller, client: str, start: str, end: str | None = None, *members: str, **more: Any) -> Answer:
    """Book from one time of day to another, as in 09:00 to 10:00, or as long as the service takes."""
    body = {"client_id": client, "starts_at": f"{DAY}T{start}:00Z", "assignee_ids": list(members), **more}
    return caller.post("/appointments", body | ({"ends_at": f"{DAY}T{end}:00Z"} if end else {}))


def booked_twice(answer: Answer) -> bool:
    assert answer.status == 409, answer.body
    assert (answer.error["code"], answer.error["details"]["field"]) == ("CONFLICT", "assignee_ids")
    return "booked at that time" in str(answer.error["message"]) and "(starts_at)" in str(answer.error["message"])


def test_it_schedules(acme: Caller, client_id: str, member: str) -> None:
    made = book(acme, client_id, "09:00", "10:00", member, title="Boiler")
    assert made.status == 201, made.body
    assert made.data["assignee_ids"] == [member]
    assert (made.data["starts_at"], made.data["status"]) == ("2026-03-02T09:00:00Z", "scheduled")
    assert (made.data["timezone"], made.data["address"]["city"]) == ("UTC", "London")
    assert acme.get(f"/appointments/{made.data['id']}").data == made.data
    assert acme.get("/appointments?include=client&search=ada").data[0]["client"]["name"] == "Ada"
    assert acme.get(f"/clients/{client_id}?include=appointments").data["appointments"] == [made.data]
    assert acme.delete(f"/clients/{client_id}").error["details"]["referenced_by"] == {"appointments": 1}
    assert book(acme, client_id, "09:00", "10:00", address=None).data["address"] is None


def test_it_books_one_of_fifty_at_once(acme: Caller, client_id: str, member: str) -> None:
    callers = [Caller(acme.tenant, acme.key) for _ in range(50)]
    answers = at_once(50, lambda index: book(callers[index], client_id, f"09:{index:02d}", "10:30", member))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 49
    assert all(booked_twice(answer) for answer in answers if answer.status == 409)
    assert len(acme.get("/appointments?limit=100").data) == 1


def test_it_books_crowds_that_share_people_in_any_order(acme: Caller, client_id: str) -> None:
    team = [ids.encode("usr", seat(acme.tenant).pk) for _ in range(4)]
    crews = [(team[index % 4], team[(index + 1) % 4], team[(index + 2) % 4]) for index in range(20)]
    callers = [Caller(acme.tenant, acme.key) for _ in crews]
    answers = at_once(20, lambda index: book(callers[index], client_id, "09:00", "10:00", *crews[index]))
    # Of four people, no two crews of three can work at once.
    assert sorted(answer.status for answer in answers) == [201] + [409] * 19


def test_it_books_back_to_back(acme: Caller, client_id: str, member: str) -> None:
    assert book(acme, client_id, "09:00", "10:00", member).status == 201
    assert book(acme, client_id, "10:00", "11:00", member).status == 201
    assert book(acme, client_id, "08:00", "09:00", member).status == 201
    assert booked_twice(book(acme, client_id, "09:59", "10:01", member))
    assert book(acme, client_id, "09:59", "10:01").status == 201


def test_it_keeps_the_buffers_of_its_service(acme: Caller, client_id: str, member: str) -> None:
    booking = {"buffer_before_minutes": 10, "buffer_after_minutes": 20}
    boiler = service(acme, duration_minutes=60, booking=booking)
    made = book(acme, client_id, "09:00", None, member, service_id=boiler)
    assert (made.data["ends_at"], made.data["title"]) == ("2026-03-02T10:00:00Z", "Boiler check")
    assert (made.data["buffer_before_minutes"], made.data["buffer_after_minutes"]) == (10, 20)
    assert booked_twice(book(acme, client_id, "10:19", "11:00", member))
    assert booked_twice(book(acme, client_id, "08:00", "08:51", member))
    assert booked_twice(book(acme, client_id, "10:29", None, member, service_id=boiler))
    acme.patch(f"/products/{boiler}", {"booking": {"buffer_after_minutes": 0}})
    assert booked_twice(book(acme, client_id, "10:19", "11:00", member))
    assert book(acme, client_id, "10:20", "11:00", member).status == 201
    assert book(acme, client_id, "08:00", "08:50", member).status == 201


@pytest.mark.parametrize(("change", "field", "told"), [
    ({}, "ends_at", "Required where no service_id with duration_minutes tells it."),
    ({"ends_at": f"{DAY}T09:00:00Z"}, "ends_at", "Must be after starts_at"),
    ({"ends_at": "2026-03-16T09:00:01Z"}, "ends_at", "at most 14 days after it"),
    ({"starts_at": "1999-12-31T23:59:59Z"}, "starts_at", "in the years 2000 to 2199"),
    ({"ends_at": "2200-01-01T00:00:00Z"}, "ends_at", "in the years 2000 to 2199"),
    ({"timezone": "Mars/Base"}, "timezone", "'Mars/Base' is not a code of IANA's time zones"),
    ({"assignee_ids": ["usr_01h455vb4pex5vsknk084sn02q"]}, "assignee_ids.0", "No such member."),
    ({"assignee_ids": ["x"] * 21}, "assignee_ids", "no more than 20"),
    ({"assignee_ids": "x"}, "assignee_ids", "list"), ({"assignee_ids": [None]}, "assignee_ids.0", "null"),
    ({"status": "completed", "ends_at": None}, "ends_at", "null"),
])  # fmt: skip
def test_it_names_what_does_not_fit(acme: Caller, client_id: str, change: Any, field: str, told: str) -> None:
    refused = book(acme, client_id, "09:00", None, **change)
    assert refused.status == 400, refused.body
    assert told in refused.error["details"]["fields"][field][0]


def test_it_takes_services_only(acme: Caller, client_id: str) -> None:
    pipe = acme.post("/products", {"name": "Pipe", "price": 5}).data["id"]
    refused = book(acme, client_id, "09:00", "10:00", service_id=pipe)
    assert (refused.status, refused.error["details"]["field"]) == (400, "service_id")
    endless = book(acme, client_id, "09:00", None, service_id=service(acme))
    assert (endless.status, endless.error["details"]["field"]) == (400, "ends_at")
    kept = service(acme, duration_minutes=30)
    assert book(acme, client_id, "09:00", None, service_id=kept).status == 201


def test_it_refuses_another_tenants_member(acme: Caller, globex: Caller, client_id: str) -> None:
    stranger = ids.encode("usr", seat(globex.tenant).pk)
    refused = book(acme, client_id, "09:00", "10:00", stranger)
    assert refused.error["details"]["fields"] == {"assignee_ids.0": ["No such member."]}


@pytest.mark.parametrize(("zone", "local", "utc"), [
    ("Europe/Vienna", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"),
    ("Europe/Vienna", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
    ("europe/vienna", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"),
    ("Europe/Vienna", "2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"),
    ("Europe/Vienna", "2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),
    ("Europe/Vienna", "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z"),
    ("America/New_York", "2026-03-08T03:00:00", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T00:59:59.999", "2026-11-01T04:59:59Z"),
    ("America/New_York", "2026-11-01T02:00:00", "2026-11-01T07:00:00Z"),
    ("UTC", "2026-03-29T02:30:00", "2026-03-29T02:30:00Z"), ("Asia/Kolkata", "2026-03-29", "2026-03-28T18:30:00Z"),
])  # fmt: skip
def test_it_reads_the_clocks_of_a_place(acme: Caller, client_id: str, zone: str, local: str, utc: str) -> None:
    made = book(
        acme, client_id, "", None, service_id=service(acme, duration_minutes=90), timezone=zone, starts_at=local
    )
    assert made.status == 201, made.body
    assert made.data["starts_at"] == utc


@pytest.mark.parametrize(("zone", "local", "told"), [
    ("Europe/Vienna", "2026-03-29T02:00:00", "2026-03-29 02:00:00 does not exist in Europe/Vienna"),
    ("Europe/Vienna", "2026-03-29T02:59:59", "does not exist"),
    ("Europe/Vienna", "2026-10-25T02:00:00", "2026-10-25T02:00:00+02:00 or 2026-10-25T02:00:00+01:00."),
    ("Europe/Vienna", "2026-10-25T02:59:59", "comes twice in Europe/Vienna"),
    ("America/New_York", "2026-03-08T02:30:00", "does not exist in America/New_York"),
    ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T01:30:00-04:00 or 2026-11-01T01:30:00-05:00."),
    ("Pacific/Apia", "2011-12-30T12:00:00", "does not exist"), ("UTC", "0001-01-01T00:00:00", "in the years"),
    ("Pacific/Apia", "9999-12-31T23:59:59", "in the years"),
])  # fmt: skip
def test_it_refuses_what_clocks_do_not_show_once(
    acme: Caller, client_id: str, zone: str, local: str, told: str
) -> None:
    refused = book(acme, client_id, "", "23:00", timezone=zone, starts_at=local)
    assert (refused.status, refused.error["details"]["field"]) == (400, "starts_at"), refused.body
    assert told in refused.error["message"]


def test_it_counts_elapsed_time_over_the_jump(acme: Caller, client_id: str, member: str) -> None:
    zone = {"timezone": "Europe/Vienna", "service_id": service(acme, duration_minutes=120)}
    short = book(acme, client_id, "", None, member, **zone, starts_at="2026-03-29T01:30:00").data
    assert (short["starts_at"], short["ends_at"]) == ("2026-03-29T00:30:00Z", "2026-03-29T02:30:00Z")
    # 03:30 by the clock would be two hours later, had it not jumped.
    told = {**zone, "starts_at": "2026-03-29T03:30:00", "ends_at": "2026-03-29T05:30:00"}
    assert booked_twice(book(acme, client_id, "", None, member, **told))
    assert book(acme, client_id, "", None, member, **{**told, "starts_at": "2026-03-29T04:30:00"}).status == 201


def test_it_frees_the_time_of_what_is_not_done(acme: Caller, client_id: str, member: str) -> None:
    for verb, frees in (("cancel", True), ("no-show", True), ("complete", False)):
        made = book(acme, client_id, "09:00", "10:00", member)
        assert made.status == 201, made.body
        ended = acme.post(f"/appointments/{made.data['id']}/{verb}")
        assert ended.data["assignee_ids"] == [member]
        assert (book(acme, client_id, "09:00", "10:00", member, title="again").status == 201) is frees
        if frees:
            acme.post(f"/appointments/{acme.get('/appointments?limit=1').data[0]['id']}/cancel")


def test_it_moves_by_its_table(acme: Caller, client_id: str, member: str) -> None:
    made = book(acme, client_id, "09:00", "10:00", member).data
    path = f"/appointments/{made['id']}"
    for verb, status, moment in (
        ("confirm", "confirmed", "confirmed_at"), ("en-route", "en_route", "en_route_at"),
        ("start", "in_progress", "started_at"), ("complete", "completed", "completed_at"),
    ):  # fmt: skip
        assert made[moment] is None
        answer = acme.post(f"{path}/{verb}")
        assert (answer.status, answer.data["status"]) == (200, status)
        assert answer.data[moment]
    refused = acme.post(f"{path}/no-show")
    assert (refused.status, refused.error["code"]) == (409, "INVALID_TRANSITION")
    assert refused.error["details"]["allowed"] == []
    kinds = [event["type"].partition(".")[2] for event in acme.get(f"{path}/events").data]
    assert kinds == ["created", "confirmed", "en_route", "started", "completed"]


def test_it_says_why_it_was_cancelled(acme: Caller, client_id: str) -> None:
    made = [book(acme, client_id, "09:00", "10:00").data["id"] for _ in range(2)]
    gone = acme.post(f"/appointments/{made[0]}/cancel", {"reason": "The client is ill."}).data
    assert (gone["status"], gone["cancel_reason"]) == ("cancelled", "The client is ill.")
    assert acme.post(f"/appointments/{made[1]}/cancel", {}).data["cancel_reason"] is None
    assert acme.post(f"/appointments/{made[1]}/cancel").status == 409
    assert acme.post(f"/appointments/{made[1]}/reschedule").error["details"]["field"] == "body"


@pytest.mark.parametrize("verb", ["cancel", "complete", "no_show"])
def test_it_freezes_what_is_over(acme: Caller, client_id: str, member: str, verb: str) -> None:
    made = book(acme, client_id, "09:00", "10:00", member).data
    path = f"/appointments/{made['id']}"
    over = acme.post(f"{path}/{verb.replace('_', '-')}").data
    changes: tuple[dict[str, Any], ...] = (
        {"assignee_ids": []},
        {"starts_at": f"{DAY}T08:00:00Z"},
        {"timezone": "Asia/Tokyo"},
    )
    for change in changes:
        refused = acme.patch(path, change)
        assert (refused.status, refused.error["details"]["field"]) == (409, next(iter(change)))
    assert acme.post(f"{path}/reschedule", {"starts_at": f"{DAY}T11:00:00Z"}).status == 409
    assert acme.put(path, {**over, "notes": "Paid in cash."}).data["notes"] == "Paid in cash."


def test_it_remembers_each_move(acme: Caller, client_id: str, member: str) -> None:
    made = book(acme, client_id, "09:00", "10:30", member).data
    path = f"/appointments/{made['id']}"
    assert made["reschedules"] == [] and acme.post(f"{path}/confirm").status == 200
    new = {"starts_at": "2026-03-03T16:00:00", "timezone": "Europe/Vienna", "reason": "Ill."}
    moved = acme.post(f"{path}/reschedule", new).data
    assert (moved["starts_at"], moved["ends_at"]) == ("2026-03-03T15:00:00Z", "2026-03-03T16:30:00Z")
    assert (moved["status"], moved["confirmed_at"], moved["timezone"]) == ("scheduled", None, "Europe/Vienna")
    (entry,) = moved["reschedules"]
    assert entry["by"].startswith("test (kith_live_")
    assert entry == {
        "from_starts_at": "2026-03-02T09:00:00Z", "from_ends_at": "2026-03-02T10:30:00Z",
        "to_starts_at": "2026-03-03T15:00:00Z", "to_ends_at": "2026-03-03T16:30:00Z",
        "at": entry["at"], "by": entry["by"], "reason": "Ill.",
    }  # fmt: skip
    acme.patch(path, {"ends_at": "2026-03-03T17:00:00Z"})
    assert acme.patch(path, {"starts_at": moved["starts_at"], "title": "Same time"}).status == 200
    kinds = [event["type"].partition(".")[2] for event in acme.get(f"{path}/events").data]
    assert kinds == ["created", "confirmed", "rescheduled", "rescheduled", "updated"]
    read = acme.get(path).data
    assert [item["reason"] for item in read["reschedules"]] == ["Ill.", None]
    assert book(acme, client_id, "09:00", "10:30", member).status == 201
    taken = acme.post(f"{path}/reschedule", {"starts_at": f"{DAY}T10:00:00Z"})
    assert booked_twice(taken) and acme.get(path).data == read


def test_it_keeps_its_state_when_only_the_end_moves(acme: Caller, client_id: str, member: str) -> None:
    path = f"/appointments/{book(acme, client_id, '09:00', '10:00', member).data['id']}"
    acme.post(f"{path}/start")
    longer = acme.patch(path, {"ends_at": f"{DAY}T11:00:00Z"}).data
    assert (longer["status"], len(longer["reschedules"])) == ("in_progress", 1)
    assert booked_twice(book(acme, client_id, "10:30", "11:30", member))
    refused = acme.patch(path, {"starts_at": f"{DAY}T10:00:00Z"})
    assert refused.error["code"] == "INVALID_TRANSITION"


def test_it_hands_work_over(acme: Caller, client_id: str, member: str) -> None:
    others = [ids.encode("usr", seat(acme.tenant).pk) for _ in range(2)]
    first = book(acme, client_id, "09:00", "10:00", member).data
    second = book(acme, client_id, "09:30", "10:30", *others).data
    path = f"/appointments/{first['id']}"
    assert booked_twice(acme.patch(path, {"assignee_ids": [member, others[1]]}))
    assert acme.get(path).data == first
    assert acme.patch(f"/appointments/{second['id']}", {"assignee_ids": [others[0]]}).status == 200
    both = acme.patch(path, {"assignee_ids": [others[1], member, others[1]]}).data
    assert both["assignee_ids"] == [others[1], member]
    assert acme.get(f"{path}/events").data[-1]["changes"] == {"assignee_ids": [[member], [others[1], member]]}
    turned = acme.patch(path, {"assignee_ids": [member, others[1]]}).data
    assert acme.get(path).data["assignee_ids"] == turned["assignee_ids"] == [member, others[1]]
    assert acme.patch(path, {"assignee_ids": []}).data["assignee_ids"] == []
    assert book(acme, client_id, "09:00", "10:00", member, others[1]).status == 201


def test_it_takes_what_another_service_needs(acme: Caller, client_id: str, member: str) -> None:
    path = f"/appointments/{book(acme, client_id, '09:00', '10:00', member).data['id']}"
    long = service(acme, duration_minutes=180, booking={"buffer_after_minutes": 30})
    moved = acme.patch(path, {"service_id": long}).data
    assert (moved["ends_at"], moved["buffer_after_minutes"]) == ("2026-03-02T12:00:00Z", 30)
    assert booked_twice(book(acme, client_id, "12:29", "13:00", member))
    plain = acme.patch(path, {"service_id": None}).data
    assert (plain["ends_at"], plain["buffer_after_minutes"]) == ("2026-03-02T12:00:00Z", 0)
    assert book(acme, client_id, "12:00", "12:30", member).status == 201


def test_it_lists_a_calendar(acme: Caller, client_id: str, member: str) -> None:
    other = ids.encode("usr", seat(acme.tenant).pk)
    made = [book(acme, client_id, f"{hour}:00", f"{hour}:30", member, other).data["id"] for hour in (11, 10, 12)]
    alone = book(acme, client_id, "10:00", "11:00").data["id"]
    day = f"starts_at[gte]={DAY}T10:00:00Z&starts_at[lt]={DAY}T12:00:00Z&sort=starts_at"
    for query, wanted in (
        (f"{day}&assignee_ids={member}", [made[1], made[0]]),
        (f"{day}&assignee_ids[in]={member},{other}", [made[1], made[0]]),
        (f"{day}&assignee_ids[nin]={member},{other}", [alone]), (f"{day}&assignee_ids[ne]={member}", [alone]),
        (f"{day}&assignee_ids[null]=true", [alone]), (f"{day}&assignee_ids[null]=false", [made[1], made[0]]),
    ):  # fmt: skip
        found = acme.get(f"/appointments?{query}")
        assert [row["id"] for row in found.data] == wanted, query
        assert found.body["pagination"]["total"] == len(wanted)


def test_it_is_a_rule_without_the_api(acme: Caller, client_id: str) -> None:
    made = book(acme, client_id, "09:00", "10:00").data["id"]
    actor = Actor.system(acme.tenant, "shell")
    with tenant_scope(acme.tenant.id):
        appointment = Appointment.objects.of(acme.tenant).get(pk=ids.decode("apt", made))
    rules.move(appointment, "cancelled", actor=actor, reason="Snow.")
    with pytest.raises(InvalidTransition):
        rules.move(appointment, "completed", actor=actor)
    assert acme.get(f"/appointments/{made}").data["cancel_reason"] == "Snow."


def test_it_is_deleted_with_its_bookings(acme: Caller, client_id: str, member: str) -> None:
    made = book(acme, client_id, "09:00", "10:00", member).data["id"]
    assert acme.delete(f"/appointments/{made}").status == 200
    assert book(acme, client_id, "09:00", "10:00", member).status == 201


@pytest.mark.parametrize("people", [0, 2])
def test_its_demo_is_a_calendar(acme: Caller, people: int) -> None:
    team = {ids.encode("usr", seat(acme.tenant).pk) for _ in range(people)}
    acme.post("/clients", {"name": "Ada"})
    service(acme, duration_minutes=120, booking={"buffer_after_minutes": 15})
    with tenant_scope(acme.tenant.id):
        made_before: dict[type, list[Any]] = {model: list(model.objects.of(acme.tenant)) for model in (Client, Product)}
        world = World(acme.tenant, "acme", Actor.system(acme.tenant, "demo"), Random(1), made_before)
        assert len(list(make(world))) == SIZE["acme"]
    made = [row for page in (0, 100) for row in acme.get(f"/appointments?limit=100&offset={page}").data]
    assert {"completed", "scheduled", "confirmed", "cancelled"} <= {row["status"] for row in made}
    assert {member for row in made for member in row["assignee_ids"]} == team
    assert any(row["reschedules"] for row in made)
    assert all(row["cancelled_at"] is None or row["cancelled_at"] <= row["updated_at"] for row in made)
