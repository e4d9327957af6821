"""The members' pages: who gets in, what each role may do there, that a key is shown once, and of whose keys."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from apikeys.models import ApiKey
from tenants import ids
from tenants.actor import Actor
from tenants.membership import give_seat, take_seat
from tenants.models import Event, Member
from tenants.routing import using
from tests.browsers import make_member
from tests.conftest import ADDRESSES, ISSUED, Caller
from tests.test_keys_resource import KEY

PASSWORD = "a long password for tests"
KEYS, NEW = "/settings/keys/", "/settings/keys/new/"
ELSEWHERE = re.compile(r"(?:https?:)?//(?!testserver|localhost)[a-z0-9.-]+")


def client_of(user: User) -> Client:
    client = Client(REMOTE_ADDR=next(ADDRESSES))
    with using("admin"):
        client.force_login(user)
    return client


@pytest.fixture
def owner(acme: Caller) -> Client:
    return client_of(make_member(acme.tenant))


def seated(caller: Caller, role: str, *more: Caller) -> Client:
    return client_of(make_member(caller.tenant, *(other.tenant for other in more), role=role))


def filled(client: Client, path: str = NEW, **fields: Any) -> Any:
    """Send the form of a page, filled in."""
    page = client.get(path).content.decode()
    ticket = re.search(r'name="ticket" value="([^"]+)"', page)
    plain = {"name": "Shop", "environment": "live", "scopes": ["clients:read"], "expiry": "90", "networks": ""}
    answer = client.post(path, {**plain, "ticket": ticket[1] if ticket else "", **fields})
    ISSUED.extend(KEY.findall(answer.content.decode()))
    return answer


def key_of(caller: Caller) -> ApiKey:
    with using("admin"):
        return ApiKey.objects.filter(tenant=caller.tenant).order_by("created_at")[0]


def act(key: ApiKey, verb: str) -> str:
    return f"{KEYS}{key.public_id}/{verb}/"


def made(caller: Caller) -> list[ApiKey]:
    with using("admin"):
        return list(ApiKey.objects.filter(tenant__slug=caller.tenant.slug).exclude(name="test"))


# Doors.


@pytest.fixture
def name(acme: Caller, settings: Any) -> str:
    """Return the name of a member with a password."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = make_member(acme.tenant)
    with using("admin"):
        user.set_password(PASSWORD)
        user.save()
    return str(user.username)


def log_in(name: str, password: str, follow: str = "", client: Client | None = None) -> Any:
    client = client or Client(REMOTE_ADDR=next(ADDRESSES))
    return client.post("/login/", {"username": name, "password": password, "next": follow})


@pytest.mark.parametrize(
    ("follow", "place"),
    [
        ("", "/settings/"),
        (KEYS, KEYS),
        ("https://evil.example/", "/settings/"),
        ("//evil.example/", "/settings/"),
        ("javascript:alert(1)", "/settings/"),
    ],
)
def test_it_lets_members_in_and_stays_on_this_host(name: str, follow: str, place: str) -> None:
    answer = log_in(name, PASSWORD, follow)
    assert (answer.status_code, answer["Location"]) == (302, place)


def test_it_asks_for_the_log_in_and_comes_back(name: str) -> None:
    client = Client(REMOTE_ADDR=next(ADDRESSES))
    asked = client.get(KEYS)
    assert (asked.status_code, asked["Location"]) == (302, f"/login/?next={KEYS}")
    page = client.get(asked["Location"]).content.decode()
    assert f'name="next" value="{KEYS}"' in page
    log_in(name, PASSWORD, KEYS, client)
    assert client.get(KEYS).status_code == 200


def test_it_limits_tries_with_the_admins_own_counts(name: str) -> None:
    address = next(ADDRESSES)
    client = Client(REMOTE_ADDR=address)
    answers = [log_in(f"guess-{n}", "wrong", client=client).status_code for n in range(3)]
    answers += [client.post("/admin/login/", {"username": "x", "password": "y"}).status_code for _ in range(3)]
    assert answers == [200] * 5 + [429]
    refused = log_in(name, PASSWORD, client=client)
    assert refused.status_code == 429 and int(refused["Retry-After"]) > 0
    assert "Too many tries" in refused.content.decode()


def test_it_writes_log_ins_into_the_tenants_log(acme: Caller, name: str) -> None:
    log_in(name, "wrong")
    log_in(name, PASSWORD)
    with using("admin"):
        kinds = set(Event.every_tenant.filter(tenant=acme.tenant, resource="member").values_list("type", flat=True))
    assert kinds == {"member.created", "member.login_failed", "member.logged_in"}


def test_it_refuses_a_log_in_from_another_site(name: str) -> None:
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=next(ADDRESSES))
    assert log_in(name, PASSWORD, client=client).status_code == 403


def test_it_lets_people_out(owner: Client) -> None:
    assert owner.get("/logout/").status_code == 405
    assert owner.post("/logout/")["Location"] == "/login/"
    assert owner.get(KEYS).status_code == 302


def test_it_forgets_people_half_an_hour_after_their_last_click(owner: Client) -> None:
    started = timezone.now()
    for minutes, status in ((20, 200), (40, 200), (71, 302)):
        with time_machine.travel(started + timedelta(minutes=minutes)):
            assert owner.get(KEYS).status_code == status, minutes


def test_it_is_no_way_into_the_admin(owner: Client) -> None:
    assert owner.get("/admin/")["Location"].startswith("/admin/login/")


# Pages.


def test_a_page_is_kept_to_this_host(owner: Client, acme: Caller) -> None:
    pages = ["/login/", "/settings/", KEYS, NEW, act(key_of(acme), "rotate"), act(key_of(acme), "revoke")]
    for answer in [*map(owner.get, pages), filled(owner)]:
        text = answer.content.decode()
        assert answer.status_code == 200
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "script-src 'self';" in answer["Content-Security-Policy"]
        assert "no-store" in answer["Cache-Control"]
        assert re.findall(r"<script(?![^>]* src=)|\son[a-z]+=|\sstyle=", text) == []
        assert ELSEWHERE.findall(text.replace("http://localhost", "")) == []
        assert 'href="#content">Skip to content</a>' in text and 'id="content"' in text


def test_it_labels_every_field(owner: Client) -> None:
    for path in ("/login/", NEW):
        text = owner.get(path).content.decode()
        for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", text):
            if 'type="hidden"' not in tag:
                known = re.search(r' id="([^"]+)"', tag)
                assert known and f'for="{known[1]}"' in text, tag


def test_it_lists_keys_masked(owner: Client, acme: Caller) -> None:
    text = owner.get(KEYS).content.decode()
    assert key_of(acme).masked in text and not KEY.search(text)
    assert "Create API key" in text


def test_it_says_how_to_begin(acme: Caller) -> None:
    with using("admin"):
        ApiKey.objects.filter(tenant=acme.tenant).delete()
    assert "No API key yet" in seated(acme, "admin").get(KEYS).content.decode()
    assert "Create API key" not in seated(acme, "viewer").get(KEYS).content.decode()


def test_it_shows_a_new_key_once(owner: Client, acme: Caller) -> None:
    answer = filled(owner)
    (plaintext,) = set(KEY.findall(answer.content.decode()))
    assert answer["Cache-Control"].startswith("no-store, private")
    assert f"Authorization: Bearer {plaintext}" in answer.content.decode()
    acme.key = plaintext
    assert (acme.get("/clients").status, acme.get("/products").status) == (200, 403)
    (key,) = made(acme)
    assert key.created_by_id and key.expires_at
    assert not KEY.search(owner.get(KEYS).content.decode())


def test_it_makes_one_key_of_a_form_sent_twice(owner: Client, acme: Caller) -> None:
    ticket = re.search(r'name="ticket" value="([^"]+)"', owner.get(NEW).content.decode())
    assert ticket
    assert filled(owner, ticket=ticket[1]).status_code == 200
    again = filled(owner, ticket=ticket[1])
    assert again["Location"] == KEYS
    assert "cannot be shown again" in owner.get(KEYS).content.decode()
    assert len(made(acme)) == 1


def test_it_writes_who_issued(acme: Caller) -> None:
    user = make_member(acme.tenant)
    filled(client_of(user), environment="test", networks="203.0.113.7")
    (key,) = made(acme)
    with using("admin"):
        event = Event.every_tenant.get(tenant=key.tenant, type="api_key.created")
    assert (event.actor_kind, event.actor_id) == ("user", str(user.pk))
    assert (key.environment, key.allowed_networks) == ("test", ["203.0.113.7/32"])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"networks": "300.1.1.1"}, "is no network"),
        ({"expiry": "custom"}, "not over"),
        ({"scopes": []}, "can do nothing"),
        ({"scopes": ["zebras:read"]}, "not one of the available choices"),
        ({"scopes": ["admin"]}, "Tick this too"),
        ({"name": " "}, "required"),
    ],
)
def test_it_refuses_with_a_reason(owner: Client, acme: Caller, fields: dict[str, Any], message: str) -> None:
    answer = filled(owner, **fields)
    assert answer.status_code == 200 and message in answer.content.decode()
    assert 'role="alert"' in answer.content.decode() and made(acme) == []


def test_it_offers_and_grants_what_the_maker_holds(acme: Caller) -> None:
    admin = seated(acme, "admin")
    assert not re.search(r'value="(?:\w+:)?admin"', admin.get(NEW).content.decode())
    for scopes in (["admin"], ["clients:admin"]):
        answer = filled(admin, scopes=scopes, sure="on")
        assert answer.status_code == 200 and made(acme) == []
    filled(seated(acme, "owner"), scopes=["admin"], sure="on")
    assert made(acme)[0].scopes == ["*:admin"]


def test_it_lets_nobody_renew_what_they_may_not_grant(acme: Caller) -> None:
    assert key_of(acme).scopes == ["*:admin"]
    answer = seated(acme, "admin").post(act(key_of(acme), "rotate"), {"grace": "0"})
    assert answer.status_code == 403 and "may do more than you" in answer.content.decode()
    assert acme.get("/clients").status == 200


@pytest.mark.parametrize("role", ["staff", "viewer"])
def test_it_says_who_can(acme: Caller, role: str) -> None:
    boss = make_member(acme.tenant, role="owner", first_name="Olga", last_name="Owner")
    client = seated(acme, role)
    listed = client.get(KEYS).content.decode()
    assert "Owners and admins create and revoke keys: ask Olga Owner" in listed and key_of(acme).masked in listed
    assert NEW not in listed and boss.username not in listed
    for path in (NEW, act(key_of(acme), "rotate"), act(key_of(acme), "revoke")):
        for answer in (client.get(path), client.post(path, {"grace": "0"})):
            assert answer.status_code == 403 and "Owners and admins" in answer.content.decode()
    assert acme.get("/clients").status == 200 and made(acme) == []


def test_it_rotates_with_grace_and_once(owner: Client, acme: Caller) -> None:
    key = key_of(acme)
    assert "shown once" in owner.get(act(key, "rotate")).content.decode()
    answer = owner.post(act(key, "rotate"), {"grace": "24"})
    (fresh,) = set(KEY.findall(answer.content.decode()))
    ISSUED.append(fresh)
    assert Caller(acme.tenant, fresh).get("/clients").status == acme.get("/clients").status == 200
    owner.post(act(key, "rotate"), {"grace": "24"})
    assert "has a successor already" in owner.get(KEYS).content.decode()


def test_it_asks_and_revokes(owner: Client, acme: Caller) -> None:
    key = key_of(acme)
    assert "never works again" in owner.get(act(key, "revoke")).content.decode()
    assert acme.get("/clients").status == 200
    assert owner.post(act(key, "revoke"))["Location"] == KEYS
    page = owner.get(KEYS).content.decode()
    assert "is revoked" in page and key.masked not in page
    assert key.masked in owner.get(f"{KEYS}?revoked=yes").content.decode()
    assert acme.get("/clients").status == 401


# Whose.


def test_it_knows_no_key_of_others(owner: Client, globex: Caller) -> None:
    foreign, unknown = key_of(globex).public_id, ids.encode("key", ids.new())
    assert key_of(globex).masked not in owner.get(f"{KEYS}?revoked=yes").content.decode()
    for key_id in (foreign, unknown, "nonsense"):
        for verb in ("rotate", "revoke"):
            path = f"{KEYS}{key_id}/{verb}/"
            assert (owner.get(path).status_code, owner.post(path, {"grace": "0"}).status_code) == (404, 404)
    for name in (globex.tenant.slug, "no-such-tenant"):
        for path in (KEYS, NEW, "/settings/"):
            assert owner.get(path, {"organization": name}).status_code == 404
    assert globex.get("/clients").status == 200


def test_it_switches_between_own_tenants(acme: Caller, globex: Caller) -> None:
    user = make_member(acme.tenant, role="viewer")
    with using("admin"):
        give_seat(user=user, role="admin", actor=Actor.system(globex.tenant, "tests"))
    client = client_of(user)
    there = f"?organization={globex.tenant.slug}"
    page = client.get(KEYS + there).content.decode()
    assert key_of(globex).masked in page and key_of(acme).masked not in page
    assert f'value="{acme.tenant.slug}"' in page and f"{NEW}{there}" in page
    filled(client, NEW + there)
    assert [key.tenant for key in made(globex)] == [globex.tenant]
    assert client.get(f"{NEW}?organization={acme.tenant.slug}").status_code == 403
    assert client.get(act(key_of(acme), "revoke") + there).status_code == 404


def test_it_has_nothing_for_superusers_without_a_seat(acme: Caller) -> None:
    root = client_of(make_member(is_staff=True, is_superuser=True))
    for path in ("/settings/", KEYS, NEW, act(key_of(acme), "revoke")):
        answer = root.get(path)
        assert answer.status_code == 403 and "No organization yet" in answer.content.decode()
    assert root.get(KEYS, {"organization": acme.tenant.slug}).status_code == 404


def test_it_ends_with_the_seat(acme: Caller) -> None:
    user = make_member(acme.tenant)
    client = client_of(user)
    assert client.get(KEYS).status_code == 200
    with using("admin"):
        actor = Actor.system(acme.tenant, "tests")
        give_seat(user=make_member(), role="owner", actor=actor)
        take_seat(Member.every_tenant.get(user=user), actor=actor)
    assert client.get(KEYS).status_code == 403


def test_it_shows_the_landing_page(owner: Client, acme: Caller) -> None:
    text = owner.get("/settings/").content.decode()
    assert f"owner of {acme.tenant.name}" in text and f'href="{KEYS}"' in text


def test_it_shows_long_lists_by_pages(owner: Client, acme: Caller) -> None:
    with using("admin"):
        rows = [
            ApiKey(
                tenant=acme.tenant, name=f"Many {n}", environment="live", digest=uuid4().bytes * 2, scopes=["*:read"],
                prefix=f"kith_live_{uuid4().hex[:8]}", last4="0000",
            )
            for n in range(60)
        ]  # fmt: skip
        ApiKey.objects.bulk_create(rows)
    assert "Page 1 of 2" in owner.get(KEYS).content.decode()
    assert "Page 2 of 2" in owner.get(KEYS, {"page": "2"}).content.decode()
