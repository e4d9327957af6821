"""The members' pages of webhooks: what each role may see and do there, and that a secret is shown once."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants import ids
from tenants.models import Event
from tenants.routing import using
from tests.browsers import make_member
from tests.conftest import Caller
from tests.test_settings_pages import ELSEWHERE, client_of, seated
from tests.webhooks.traffic import attempt, delivered, delivery, endpoint_of, lane, make
from webhooks.models import Delivery, Endpoint, EndpointSecret, Replay

HOOKS = "/settings/webhooks/"
NEW = f"{HOOKS}new/"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{40,}")
ACTIONS = ("edit", "test", "switch", "replay", "rotate", "reveal", "delete")
FORM: dict[str, Any] = {
    "url": "https://192.0.2.10/hooks", "description": "Shop", "environment": "live", "events": ["invoice.*"],
    "signing": "v1", "headers": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def reachable(settings: Any) -> None:
    """Let addresses of a network for documents be used: nobody has to be asked for a name."""
    settings.WEBHOOK_ALLOWED_NETS = ("192.0.2.0/24",)


@pytest.fixture
def owner(acme: Caller) -> Client:
    return client_of(make_member(acme.tenant))


@pytest.fixture
def endpoint(acme: Caller) -> Endpoint:
    return make(acme.tenant)


def page(endpoint: Endpoint, name: str = "") -> str:
    return f"{HOOKS}{ids.encode('whk', endpoint.pk)}/{name and f'{name}/'}"


def sent_page(sent: Delivery, name: str = "") -> str:
    return f"{HOOKS}deliveries/{ids.encode('dlv', sent.pk)}/{name and f'{name}/'}"


def text(client: Client, path: str, **query: Any) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200, (path, answer.status_code)
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def fresh(endpoint: Endpoint) -> Endpoint:
    with using("admin"):
        return Endpoint.every_tenant.get(pk=endpoint.pk)


def kinds(caller: Caller) -> list[str]:
    with using("admin"):
        rows = Event.every_tenant.filter(tenant=caller.tenant, resource="webhook").order_by("txid")
        return list(rows.values_list("type", flat=True))


def happened(caller: Caller) -> Event:
    caller.post("/clients", {"name": "Ada"})
    with using("admin"):
        rows = Event.every_tenant.filter(tenant=caller.tenant, type="client.created")
        rows.update(fanned_out_at=timezone.now())
        return rows.order_by("-txid")[0]


# Looking.


def test_a_page_is_kept_to_this_host(owner: Client, acme: Caller, endpoint: Endpoint) -> None:
    sent = delivery(endpoint, happened(acme), status="pending", attempts=1)
    attempt(sent, answer="<script>alert(1)</script>", answer_headers={"server": "nginx"})
    paths = [HOOKS, NEW, page(endpoint), page(endpoint, "deliveries"), sent_page(sent)]
    paths += [page(endpoint, name) for name in ACTIONS]
    answers = [*map(owner.get, paths), owner.post(NEW, FORM), owner.post(page(endpoint, "replay"), WINDOW)]
    for answer in answers:
        found = answer.content.decode()
        assert answer.status_code == 200
        assert "default-src 'none'" in answer["Content-Security-Policy"] and "no-store" in answer["Cache-Control"]
        assert re.findall(r"<script(?![^>]* src=)|\son[a-z]+=|\sstyle=", found) == []
        shown = found.replace(endpoint.url, "").replace(FORM["url"], "").replace("https://shop.example.com", "")
        assert ELSEWHERE.findall(shown.replace("http://localhost", "")) == []


def test_it_labels_every_field(owner: Client, endpoint: Endpoint) -> None:
    for path in (NEW, *(page(endpoint, name) for name in ("edit", "replay", "rotate", "deliveries"))):
        found = owner.get(path).content.decode()
        for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", found):
            if 'type="hidden"' not in tag:
                known = re.search(r' id="([^"]+)"', tag)
                assert known and f'for="{known[1]}"' in found, tag


def test_it_says_how_to_begin(acme: Caller) -> None:
    for role, invited in (("staff", True), ("viewer", False)):
        found = text(seated(acme, role), HOOKS)
        assert "No endpoint yet" in found and ("Add endpoint" in found) == invited
    assert "Nothing was sent to it yet" in text(seated(acme, "viewer"), page(make(acme.tenant)))


def test_it_lists_both_sides_with_their_health(owner: Client, acme: Caller, endpoint: Endpoint) -> None:
    sandbox = make(acme.tenant.sandbox, url="https://staging.example/hooks")
    lane(endpoint, failing_since=timezone.now() - timedelta(hours=3))
    attempt(delivery(endpoint, status="pending", attempts=1))
    found = text(owner, HOOKS)
    assert endpoint.url in found and sandbox.url in found and ">test<" in found
    assert "failing" in found and "for 3 hours" in found and "nothing sent yet" in found and "0 %" in found
    assert text(owner, page(sandbox)) and HOOKS in text(owner, "/settings/")


def test_it_draws_and_tells_each_hour(owner: Client, endpoint: Endpoint) -> None:
    for status in ("delivered", "delivered", "exhausted"):
        delivery(endpoint, status=status)
    found = text(owner, page(endpoint))
    assert found.count("<rect ") == 2 and "2 delivered</title>" in found
    assert 'height="66.67"' in found and found.count('<th scope="row">') >= 24
    switched = text(client_of(make_member(endpoint.tenant, role="viewer")), page(endpoint))
    assert "Send a test" not in switched


def test_it_shows_the_log_and_every_attempt(owner: Client, acme: Caller, endpoint: Endpoint) -> None:
    sent = delivery(endpoint, happened(acme), status="pending", attempts=1)
    attempt(sent, answer="the database is locked", answer_headers={"retry-after": "30"})
    log = page(endpoint, "deliveries")
    assert sent_page(sent) in text(owner, log) and sent_page(sent) in text(owner, log, status="pending")
    assert "No delivery is exhausted" in text(owner, log, status="exhausted")
    found = text(owner, sent_page(sent))
    assert "the database is locked" in found and "retry-after: 30" in found and "120 ms" in found
    assert ids.encode("evt", sent.event_id) in found


def test_it_shows_the_log_by_pages(owner: Client, endpoint: Endpoint) -> None:
    for _ in range(51):
        delivered(endpoint)
    assert "Page 1 of 2" in text(owner, page(endpoint, "deliveries"))
    assert "Page 2 of 2" in text(owner, page(endpoint, "deliveries"), page="2")


# Doing.


def test_it_makes_an_endpoint_and_shows_its_secret_once(acme: Caller) -> None:
    staff = seated(acme, "staff")
    answer = staff.post(NEW, {**FORM, "environment": "test", "headers": "X-Team: zq81", "ordered": "on"})
    (secret,) = set(SECRET.findall(answer.content.decode()))
    assert answer["Cache-Control"].startswith("no-store, private")
    made = endpoint_of(acme.tenant.sandbox)
    assert (made.url, made.events, made.ordered) == (FORM["url"], ["invoice.*"], True)
    assert made.scopes == ["*:read", "*:write"]
    for path in (HOOKS, page(made), page(made, "edit")):
        assert secret not in text(staff, path) and "zq81" not in text(staff, path), path
    assert "X-Team: ***" in text(staff, page(made))


def test_a_key_pair_shows_its_public_half(owner: Client, acme: Caller) -> None:
    answer = owner.post(NEW, {**FORM, "signing": "v1a"}).content.decode()
    made = endpoint_of(acme.tenant)
    assert made.public_key and made.public_key in html.unescape(answer) and "whsk_" not in answer
    assert made.public_key in text(owner, page(made)) and "Reveal" not in text(owner, page(made))
    assert owner.post(page(made, "reveal"))["Location"] == page(made)


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"url": "https://10.0.0.1/"}, "not allowed"), ({"events": []}, "Tick at least one"), ({"url": ""}, "required")],
)
def test_it_refuses_with_a_reason(owner: Client, acme: Caller, fields: dict[str, Any], message: str) -> None:
    answer = owner.post(NEW, {**FORM, **fields})
    assert answer.status_code == 200 and message in answer.content.decode() and kinds(acme) == []


def test_it_changes_an_endpoint(owner: Client, acme: Caller, endpoint: Endpoint) -> None:
    assert endpoint.url in text(owner, page(endpoint, "edit"))
    answer = owner.post(page(endpoint, "edit"), {**FORM, "events": ["*"]})
    assert answer["Location"] == page(endpoint)
    assert (fresh(endpoint).url, fresh(endpoint).scopes) == (FORM["url"], ["*:admin"])
    assert kinds(acme) == ["webhook.created", "webhook.updated"]


def test_it_keeps_what_the_form_does_not_know(owner: Client, acme: Caller) -> None:
    endpoint = make(acme.tenant, "zebra.*")
    assert "zebra.*" in text(owner, page(endpoint, "edit"))
    owner.post(page(endpoint, "edit"), {**FORM, "events": ["zebra.*", "client.*"]})
    assert sorted(fresh(endpoint).events) == ["client.*", "zebra.*"]


def test_it_sends_a_test_but_not_too_often(owner: Client, endpoint: Endpoint) -> None:
    places = [owner.post(page(endpoint, "test"))["Location"] for _ in range(11)]
    assert all("/deliveries/" in place for place in places[:10]) and places[10] == page(endpoint)
    assert "10 times in a minute" in text(owner, places[10])
    assert "ping" in text(owner, places[0]) and "None yet" in text(owner, places[0])


def test_it_switches_off_and_on(owner: Client, acme: Caller, endpoint: Endpoint) -> None:
    delivery(endpoint, status="pending")
    owner.post(page(endpoint, "switch"))
    assert not fresh(endpoint).active and "switched off" in text(owner, page(endpoint))
    owner.post(page(endpoint, "test"))
    assert "switch it on first" in text(owner, page(endpoint))
    owner.post(page(endpoint, "switch"), {"waiting": "resume"})
    assert fresh(endpoint).active
    assert kinds(acme) == ["webhook.created", "webhook.disabled", "webhook.enabled"]
    with using("admin"):
        assert Delivery.every_tenant.get(endpoint_id=endpoint.pk).status == "pending"


def test_it_rotates_and_reveals(acme: Caller, endpoint: Endpoint) -> None:
    admin = seated(acme, "admin")
    first = SECRET.findall(admin.post(page(endpoint, "reveal")).content.decode())[0]
    answer = admin.post(page(endpoint, "rotate"), {"grace": "86400"}).content.decode()
    assert "signs along for a day" in answer
    assert SECRET.findall(answer)[0] != first and first not in text(admin, page(endpoint))
    with using("admin"):
        assert EndpointSecret.every_tenant.filter(endpoint=endpoint).count() == 2
    assert kinds(acme) == ["webhook.created", "webhook.secret_revealed", "webhook.secret_rotated"]


def test_it_deletes(owner: Client, acme: Caller, endpoint: Endpoint) -> None:
    sent = delivered(endpoint)
    assert owner.post(page(endpoint, "delete"))["Location"] == HOOKS
    assert owner.get(page(endpoint)).status_code == 404
    assert "an endpoint that is gone" in text(owner, sent_page(sent))
    assert kinds(acme)[-1] == "webhook.deleted"


WINDOW = {"since": "2020-01-01T00:00", "until": "2099-01-01T00:00", "only_failed": "on", "events": "client.created"}


def test_it_previews_a_window_and_replays_it(owner: Client, acme: Caller, endpoint: Endpoint) -> None:
    happened(acme)
    delivery(endpoint, happened(acme), status="delivered")
    asked = owner.post(page(endpoint, "replay"), WINDOW).content.decode()
    assert "1 event would be sent again" in asked and "Send 1 again" in asked
    every = owner.post(page(endpoint, "replay"), {**WINDOW, "only_failed": ""}).content.decode()
    assert "2 events would be sent again" in every
    owner.post(page(endpoint, "replay"), {**WINDOW, "sure": "yes"})
    with using("admin"):
        assert Replay.every_tenant.get(endpoint=endpoint).total == 1
    assert "0 of 1 on their way again" in text(owner, page(endpoint))


def test_it_replays_one_delivery(owner: Client, acme: Caller, endpoint: Endpoint) -> None:
    sent = delivery(endpoint, happened(acme), status="exhausted", attempts=10)
    place = owner.post(sent_page(sent, "replay"))["Location"]
    assert place != sent_page(sent) and "replay 1" in text(owner, place)
    assert owner.get(sent_page(sent, "replay"))["Location"] == sent_page(sent)
    with using("admin"):
        assert Delivery.every_tenant.filter(event_id=sent.event_id).count() == 2


# Who, and whose.

MAY = {
    "viewer": set(),
    "staff": {"edit", "test", "switch", "replay"},
    "admin": set(ACTIONS),
    "owner": set(ACTIONS),
}


@pytest.mark.parametrize("role", MAY)
def test_roles_decide(acme: Caller, endpoint: Endpoint, role: str) -> None:
    client, sent = seated(acme, role), delivery(endpoint, happened(acme), status="exhausted")
    found = text(client, page(endpoint))
    for name in ACTIONS:
        status = client.get(page(endpoint, name)).status_code
        assert status == (200 if name in MAY[role] else 403), name
        assert (page(endpoint, name) in found) == (name in MAY[role]), name
    if role == "viewer":
        for path, body in ((NEW, FORM), (page(endpoint, "switch"), {}), (sent_page(sent, "replay"), {})):
            assert client.get(path).status_code == client.post(path, body).status_code == 403, path
        assert fresh(endpoint).active
    assert client.get(HOOKS).status_code == client.get(sent_page(sent)).status_code == 200


def test_it_shows_nothing_of_other_tenants(owner: Client, globex: Caller) -> None:
    foreign = make(globex.tenant, url="https://globex.example/hooks")
    sent = delivered(foreign)
    assert foreign.url not in text(owner, HOOKS)
    paths = [page(foreign), page(foreign, "deliveries"), sent_page(sent), *(page(foreign, name) for name in ACTIONS)]
    for path in (*paths, f"{HOOKS}whk_nonsense/", f"{HOOKS}deliveries/nonsense/"):
        assert owner.get(path).status_code == 404, path
    for path in (*(page(foreign, name) for name in ACTIONS), sent_page(sent, "replay")):
        assert owner.post(path, {**FORM, **WINDOW, "sure": "yes", "grace": "0"}).status_code == 404, path
    assert fresh(foreign).active and fresh(foreign).url == foreign.url


def test_it_asks_for_the_log_in(endpoint: Endpoint) -> None:
    for path in (HOOKS, NEW, page(endpoint)):
        assert Client().get(path)["Location"] == f"/login/?next={path}"


def test_it_keeps_to_the_chosen_organization(acme: Caller, globex: Caller) -> None:
    client, there = seated(acme, "owner", globex), f"?organization={globex.tenant.slug}"
    foreign = make(globex.tenant, url="https://globex.example/hooks")
    assert foreign.url in text(client, HOOKS + there) and foreign.url not in text(client, HOOKS)
    assert f"{page(foreign)}{there}" in text(client, HOOKS + there)
    assert client.post(page(foreign, "switch") + there)["Location"] == page(foreign) + there
    assert client.get(page(foreign)).status_code == 404
