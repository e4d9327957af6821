"""The pages of webhooks: how endpoints do, what was sent, and what staff may do about it."""

import html
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants import ids
from tenants.models import Event
from tenants.routing import using
from tests.admin.conftest import Person, events
from tests.conftest import Caller
from tests.webhooks.traffic import attempt, delivered, delivery, endpoint_of, job_of, lane, make
from webhooks.figures import days, hours
from webhooks.health import WORDS
from webhooks.models import Delivery, Endpoint, EndpointSecret, Replay

LIST, LOG = "webhooks/endpoint/", "webhooks/delivery/"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{40,}")
ACTIONS = ("test", "replay", "rotate", "reveal", "switch")
FORM = {"url": "https://192.0.2.10/hooks", "events": ["invoice.*"], "signing": "v1", "headers": "", "description": ""}


@pytest.fixture(autouse=True)
def reachable(settings: Any) -> None:
    """Let addresses of a network for documents be used: nobody has to be asked for a name."""
    settings.WEBHOOK_ALLOWED_NETS = ("192.0.2.0/24",)


@pytest.fixture
def endpoint(acme: Caller) -> Endpoint:
    return make(acme.tenant)


def page(endpoint: Endpoint, name: str = "change") -> str:
    return f"{LIST}{endpoint.pk}/{name}/"


def fresh(endpoint: Endpoint) -> Endpoint:
    with using("admin"):
        return Endpoint.every_tenant.get(pk=endpoint.pk)


def happened(caller: Caller, count: int = 1) -> list[Event]:
    """Make clients, and return their events, fanned out."""
    for n in range(count):
        caller.post("/clients", {"name": f"Ada {n}"})
    with using("admin"):
        rows = Event.every_tenant.filter(tenant=caller.tenant, type="client.created")
        rows.update(fanned_out_at=timezone.now())
        return list(rows.order_by("txid"))


# Looking.


@pytest.mark.parametrize("who", ["root", "owner", "staff", "viewer"])
def test_every_page_opens(root: Person, seat: Any, acme: Caller, endpoint: Endpoint, who: str) -> None:
    person = root if who == "root" else seat(acme, who)
    sent = delivered(endpoint)
    attempt(sent, answer="it broke", answer_headers={"server": "nginx"})
    for path in (
        LIST,
        LOG,
        page(endpoint),
        f"{LOG}{sent.pk}/change/",
        f"webhooks/replay/{job_of(endpoint).pk}/change/",
    ):
        assert person.get(path).status_code == 200, path
    for name in ACTIONS:
        allowed = who in ("root", "owner") or (who == "staff" and name not in ("rotate", "reveal"))
        assert person.get(page(endpoint, name)).status_code == (200 if allowed else 403), name


def test_it_says_where_nothing_is_yet(seat: Any, acme: Caller) -> None:
    person = seat(acme)
    assert "No endpoint yet" in person.text(LIST) and "Nothing was sent yet" in person.text(LOG)
    assert "Nothing was replayed yet" in person.text("webhooks/replay/")
    assert "No endpoint yet" in person.text("")
    assert "Nothing was sent to it yet" in person.text(page(make(acme.tenant)))


HEALTHS: dict[str, dict[str, Any]] = {
    "healthy": {"last_success_at": timezone.now()},
    "failing": {"failing_since": timezone.now() - timedelta(hours=7), "failures": 9},
    "circuit open": {"failing_since": timezone.now(), "open_until": timezone.now() + timedelta(hours=1)},
    "nothing sent yet": {},
}


@pytest.mark.parametrize("word", WORDS)
def test_it_shows_and_filters_by_health(seat: Any, acme: Caller, endpoint: Endpoint, word: str) -> None:
    person = seat(acme)
    if word == "switched off":
        person.post(page(endpoint, "switch"))
        assert f"By {person.user.username} on " in person.text(page(endpoint))
    else:
        lane(endpoint, **HEALTHS[word])
    found = person.text(LIST)
    assert f">{word}<" in found and ("for 7 hours" in html.unescape(found).replace("\xa0", " ")) == (word == "failing")
    assert f">{word}<" in person.text(page(endpoint))
    for other in WORDS:
        assert (str(endpoint.pk) in person.text(LIST, health=other)) == (other == word), other


def test_it_counts_the_last_day(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    for status in ("delivered", "delivered", "exhausted", "pending"):
        sent = delivery(endpoint, status=status)
        attempt(sent, state="succeeded" if status == "delivered" else "failed")
    attempt(delivery(endpoint, status="pending", at=timezone.now() - timedelta(hours=30)), state="started")
    delivery(endpoint, status="delivered", at=timezone.now() - timedelta(hours=30))
    with using("admin"):
        day = days([endpoint])[endpoint.pk]
    assert (day.made, day.delivered, day.exhausted, day.pending) == (4, 2, 1, 2)
    assert (day.attempts, day.succeeded, day.rate) == (4, 2, 0.5)
    assert ">4</a>" in seat(acme).text(LIST) and "50 %" in seat(acme).text(LIST)


def test_it_draws_each_hour(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    now = timezone.now()
    for duration in range(1, 101):
        attempt(delivery(endpoint, status="delivered", at=now), duration_ms=duration * 10, at=now)
    delivery(endpoint, status="skipped", at=now - timedelta(hours=30))
    with using("admin"):
        *_, last = hours(endpoint)
        two_days = hours(endpoint, 48)
    assert last.counts == {"delivered": 100, "pending": 0, "exhausted": 0, "skipped": 0}
    assert last.p95 and 940 <= last.p95 <= 960
    assert sum(hour.counts["skipped"] for hour in two_days) == 1 and len(two_days) == 48
    shown = seat(acme).text(page(endpoint))
    drawn = [json.loads(html.unescape(found)) for found in re.findall(r'data-value="([^"]+)"', shown)]
    assert [len(chart["labels"]) for chart in drawn] == [24, 24]
    assert [series["label"] for series in drawn[0]["datasets"]] == ["delivered", "pending", "exhausted", "skipped"]
    assert shown.count("The numbers as a table") == 2
    assert "101 in 48 hours" in seat(acme).text(page(endpoint), hours="48")


def test_it_finds_deliveries(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    person, (one, other) = seat(acme), happened(acme, 2)
    sent = [delivery(endpoint, event, status="exhausted", attempts=10) for event in (one, other)]

    def found(**query: str) -> list[bool]:
        text = person.text(LOG, **query)
        return [f"{row.pk}/change/" in text for row in sent]

    assert found() == [True, True]
    assert found(q=ids.encode("evt", one.pk)) == [True, False]
    assert found(q=one.public_id) == [True, False]
    assert found(q=ids.encode("dlv", sent[1].pk)) == [False, True]
    assert found(q="nonsense") == [False, False]
    assert found(status__exact="exhausted") == [True, True] and found(status__exact="pending") == [False, False]
    assert found(endpoint=str(endpoint.pk)) == [True, True] and found(endpoint=str(one.pk)) == [False, False]
    assert found(what="client.created") == [True, True] and found(what="client.updated") == [False, False]


def test_it_shows_every_attempt(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    (event,) = happened(acme)
    sent = delivery(endpoint, event, status="pending", attempts=2)
    attempt(sent, number=1, answer="<b>no</b>", answer_headers={"retry-after": "30"})
    attempt(sent, number=2, status_code=None, failure="no answer within 15 s", duration_ms=15000)
    shown = seat(acme).text(f"{LOG}{sent.pk}/change/")
    assert "retry-after: 30" in shown and "&lt;b&gt;no" in shown and "<b>no" not in shown
    assert "no answer within 15 s" in shown and "15000 ms" in shown
    assert f"/admin/tenants/event/{event.pk}/change/" in shown and ids.encode("evt", event.pk) in shown


def test_its_log_outlives_an_endpoint(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    person, sent = seat(acme), delivered(endpoint)
    assert person.post(page(endpoint, "delete"), post="yes").status_code == 302
    assert len(events(acme.tenant, "webhook.deleted")) == 1
    assert "an endpoint that is gone" in person.text(f"{LOG}{sent.pk}/change/")
    assert person.get(f"{LOG}{sent.pk}/replay/").status_code == 404


# Doing.


def add(person: Person, caller: Caller, **fields: Any) -> Any:
    return person.post(f"{LIST}add/?tenant={caller.tenant.pk}", **{**FORM, **fields})


def test_it_asks_for_the_side_first(seat: Any, acme: Caller) -> None:
    assert "on which side" in seat(acme).text(f"{LIST}add/")
    assert "invoice.marked_uncollectible" in seat(acme).text(f"{LIST}add/", tenant=acme.tenant.pk)


def test_it_makes_an_endpoint_and_shows_its_secret_once(seat: Any, acme: Caller) -> None:
    person = seat(acme, "staff")
    answer = add(person, acme, events=["invoice.paid", "invoice.*", "client.created"], headers="X-Team: zq81")
    (secret,) = set(SECRET.findall(answer.content.decode()))
    assert answer["Cache-Control"].startswith("no-store, private")
    made = endpoint_of(acme.tenant)
    assert made.events == ["invoice.*", "client.created"] and made.url == FORM["url"]
    assert (made.maker_label, made.scopes) == (person.user.username, ["*:read", "*:write"])
    assert events(acme.tenant, "webhook.created")[0].actor_id == str(person.user.pk)
    for path in (LIST, page(made), ""):
        assert secret not in person.text(path), path
    assert "X-Team: ***" in person.text(page(made)) and "zq81" not in person.text(page(made))


def test_a_superuser_makes_one_that_reads_everything(root: Person, acme: Caller) -> None:
    add(root, acme, events=["*", "invoice.paid"], signing="v1a")
    made = endpoint_of(acme.tenant)
    assert (made.scopes, made.events) == (["*:read"], ["*"])
    key = str(made.public_key)
    assert key in root.text(page(made)) and f'<code id="kith-plaintext">{key}<' in root.text(page(made, "reveal"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"url": "https://10.0.0.1/"}, "not allowed"),
        ({"url": "ftp://example.com"}, "whole one"),
        ({"events": []}, "Tick at least one"),
        ({"events": ["zebra.born"]}, "not one of the available choices"),
        ({"headers": "nonsense"}, "is no header"),
        ({"headers": "webhook-id: 1"}, "set by Kith"),
        ({"headers": "X-Team: ***"}, "no value yet"),
    ],
)
def test_it_refuses_with_a_reason(seat: Any, acme: Caller, fields: dict[str, Any], message: str) -> None:
    answer = add(seat(acme), acme, **fields)
    assert answer.status_code == 200 and message in html.unescape(answer.content.decode())
    with using("admin"):
        assert not Endpoint.every_tenant.filter(tenant=acme.tenant).exists()


def test_it_makes_none_elsewhere(seat: Any, acme: Caller, globex: Caller) -> None:
    for person in (seat(acme), seat(globex, "viewer")):
        add(person, globex)
    with using("admin"):
        assert not Endpoint.every_tenant.filter(tenant=globex.tenant).exists()


def test_it_changes_an_endpoint_and_who_its_maker_is(seat: Any, acme: Caller) -> None:
    endpoint = make(acme.tenant, scopes=["clients:read"])
    person, same = seat(acme, "staff"), {**FORM, "url": "https://192.0.2.1/"}
    person.post(page(endpoint), **same)
    changed = fresh(endpoint)
    assert (changed.url, changed.maker_label) == (same["url"], person.user.username)
    other = seat(acme)
    other.post(page(endpoint), **same, ordered="on")
    assert fresh(endpoint).ordered and fresh(endpoint).maker_label == person.user.username
    assert len(events(acme.tenant, "webhook.updated")) == 2
    assert seat(acme, "viewer").post(page(endpoint), **FORM).status_code == 403


def test_it_sends_a_test(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    person = seat(acme)
    person.text(page(endpoint, "test"))
    with using("admin"):
        assert not Delivery.every_tenant.filter(endpoint_id=endpoint.pk).exists()
    answer = person.post(page(endpoint, "test"))
    with using("admin"):
        sent = Delivery.every_tenant.get(endpoint_id=endpoint.pk)
    assert sent.type == "ping" and answer["Location"].endswith(f"{LOG}{sent.pk}/change/")


def test_it_switches_off_and_on(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    person, waiting = seat(acme), delivery(endpoint, status="pending")
    person.post(page(endpoint, "switch"))
    assert not fresh(endpoint).active
    assert "switched off" in html.unescape(person.client.get(f"/admin/{page(endpoint)}").content.decode())
    person.post(page(endpoint, "test"))
    person.post(page(endpoint, "switch"), waiting="skip")
    assert fresh(endpoint).active
    with using("admin"):
        assert Delivery.every_tenant.get(endpoint_id=endpoint.pk).status == "skipped"
    assert waiting.status == "pending"
    for kind in ("webhook.disabled", "webhook.enabled"):
        assert [event.actor_id for event in events(acme.tenant, kind)] == [str(person.user.pk)]


def test_it_rotates_with_grace(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    person = seat(acme, "admin")
    answer = person.post(page(endpoint, "rotate"), grace="3600")
    (secret,) = set(SECRET.findall(answer.content.decode()))
    assert "signs along for an hour" in answer.content.decode() and secret not in person.text(page(endpoint))
    assert "An old secret signs along until" in person.text(page(endpoint))
    with using("admin"):
        assert EndpointSecret.every_tenant.filter(endpoint=endpoint).count() == 2
    person.post(page(endpoint, "rotate"), grace="0")
    with using("admin"):
        assert EndpointSecret.every_tenant.filter(endpoint=endpoint).count() == 1
    assert [event.data["grace_seconds"] for event in events(acme.tenant, "webhook.secret_rotated")] == [3600, 0]
    assert person.post(page(endpoint, "rotate"), grace="999999").status_code == 200


def test_it_reveals_after_asking_and_writes_it_down(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    person = seat(acme, "admin")
    assert not SECRET.search(person.text(page(endpoint, "reveal")))
    answer = person.post(page(endpoint, "reveal"))
    assert SECRET.search(answer.content.decode()) and answer["Cache-Control"].startswith("no-store, private")
    assert events(acme.tenant, "webhook.secret_revealed")[0].actor_id == str(person.user.pk)
    assert seat(acme, "staff").post(page(endpoint, "reveal")).status_code == 403


WINDOW = {"since": "2020-01-01T00:00", "until": "2099-01-01T00:00", "events": ""}


def test_it_previews_a_window_and_replays_it(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    person, (arrived, *_) = seat(acme), happened(acme, 3)
    delivery(endpoint, arrived, status="delivered")
    wanted = {**WINDOW, "events": "client.created"}
    asked = person.post(page(endpoint, "replay"), **wanted, only_failed="on").content.decode()
    assert "2 events would be sent again" in asked and "<td>2</td>" in asked
    assert "3 events would be sent again" in person.post(page(endpoint, "replay"), **wanted).content.decode()
    with using("admin"):
        assert not Replay.every_tenant.filter(endpoint=endpoint).exists()
    answer = person.post(page(endpoint, "replay"), **wanted, only_failed="on", sure="yes")
    with using("admin"):
        job = Replay.every_tenant.get(endpoint=endpoint)
    assert (job.total, job.only_failed, job.events) == (2, True, ["client.created"])
    assert answer["Location"].endswith(f"webhooks/replay/{job.pk}/change/")
    assert "0 of 2" in person.text(f"webhooks/replay/{job.pk}/change/") and "0 of 2" in person.text(page(endpoint))
    assert len(events(acme.tenant, "webhook.replay_started")) == 1


def test_it_cancels_a_replay(seat: Any, acme: Caller, globex: Caller, endpoint: Endpoint) -> None:
    job, foreign = job_of(endpoint), job_of(make(globex.tenant))
    person, place = seat(acme, "staff"), "webhooks/replay/{}/cancel/"
    assert "nothing more" in person.text(place.format(job.pk))
    person.post(place.format(job.pk))
    assert person.post(place.format(foreign.pk)).status_code == 404
    assert seat(acme, "viewer").post(place.format(job.pk)).status_code == 403
    with using("admin"):
        assert [Replay.every_tenant.get(pk=row.pk).status for row in (job, foreign)] == ["cancelled", "running"]


def test_it_says_why_a_window_is_empty_or_wrong(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    person = seat(acme)
    nothing = person.post(page(endpoint, "replay"), **{**WINDOW, "events": "quote.sent"}).content.decode()
    assert "no event would be sent" in nothing and "again</button>" not in nothing
    wrong = person.post(page(endpoint, "replay"), **{**WINDOW, "until": "2019-01-01T00:00"}).content.decode()
    assert "later than the beginning" in wrong


def test_it_replays_one_delivery(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    person, (event,) = seat(acme), happened(acme)
    sent = delivery(endpoint, event, status="exhausted", attempts=10)
    assert "same webhook-id" in person.text(f"{LOG}{sent.pk}/replay/")
    answer = person.post(f"{LOG}{sent.pk}/replay/")
    with using("admin"):
        again = Delivery.every_tenant.get(event_id=event.pk, replay_no=1)
    assert answer["Location"].endswith(f"{LOG}{again.pk}/change/") and again.status == "pending"
    assert len(events(acme.tenant, "webhook.delivery_replayed")) == 1
    test = delivered(endpoint)
    assert person.post(f"{LOG}{test.pk}/replay/")["Location"].endswith(f"{LOG}{test.pk}/change/")
    assert "a test never" in person.text(f"{LOG}{test.pk}/change/")
    assert seat(acme, "viewer").post(f"{LOG}{sent.pk}/replay/").status_code == 403


@pytest.mark.parametrize("name", ACTIONS)
def test_it_does_nothing_elsewhere(seat: Any, acme: Caller, globex: Caller, name: str) -> None:
    person, foreign = seat(acme), make(globex.tenant)
    assert person.post(page(foreign, name), sure="yes", grace="0", **WINDOW).status_code == 404
    assert fresh(foreign).active
    sent = delivered(foreign)
    assert person.post(f"{LOG}{sent.pk}/replay/").status_code == 404


# Home and menu.


def test_the_home_says_what_is_failing(seat: Any, acme: Caller, endpoint: Endpoint) -> None:
    person = seat(acme)
    assert "Every endpoint of webhooks answers" in person.text("")
    lane(endpoint, failing_since=timezone.now() - timedelta(days=2))
    attempt(delivery(endpoint, status="pending"))
    attempt(delivery(endpoint, status="pending"), at=timezone.now() - timedelta(days=1, seconds=5))
    shown = html.unescape(person.text("")).replace("\xa0", " ")
    assert f"/admin/{page(endpoint)}" in shown and "for 2 days" in shown
    assert "<span>Deliveries failed today</span><strong>1</strong>" in shown


def test_the_menu_counts_what_is_failing(seat: Any, acme: Caller, globex: Caller) -> None:
    def badge(person: Person) -> str:
        found = re.search(r"Webhooks\s*</span>(.*?)</a>", person.text("tenants/event/"), re.DOTALL)
        assert found
        return re.sub(r"<[^>]+>|\s", "", found[1])

    person = seat(acme)
    assert badge(person) == ""
    lane(make(acme.tenant), failing_since=timezone.now())
    make(acme.tenant, active=False, disabled_reason="no success for 120 hours")
    make(acme.tenant, active=False)
    assert (badge(person), badge(seat(globex))) == ("2", "")
