"""Logging in: limited by address and by name, with Redis and without, and written down."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from tenants.routing import using
from tests.admin.conftest import events
from tests.conftest import Caller

PASSWORD = "a long password for tests"
ADDRESSES = (f"10.251.{a}.{b}" for a, b in itertools.product(range(256), range(1, 255)))


def log_in(name: str, password: str, address: str | None = None) -> Any:
    client = Client(REMOTE_ADDR=address or next(ADDRESSES))
    return client.post("/admin/login/?next=/admin/", {"username": name, "password": password})


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def name() -> str:
    """Return the name of somebody who may log in."""
    name = f"person-{uuid4().hex[:10]}"
    with using("admin"):
        User.objects.create_user(name, password=PASSWORD, is_staff=True)
    return name


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Let the cache look for Redis where none is."""
    dead = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/1"}}
    monkeypatch.setattr(caches, "settings", dead)
    caches["default"] = caches.create_connection("default")
    yield
    del caches["default"]


def test_it_lets_people_in(name: str) -> None:
    answer = log_in(name, PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_it_takes_five_tries_a_minute_from_an_address() -> None:
    address = next(ADDRESSES)
    answers = [log_in(f"guess-{n}", "wrong", address).status_code for n in range(7)]
    assert answers == [200] * 5 + [429] * 2


def test_it_takes_ten_tries_an_hour_for_a_name(name: str) -> None:
    answers = [log_in(name, "wrong").status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]
    right = log_in(name, PASSWORD)
    assert right.status_code == 429 and int(right["Retry-After"]) > 0
    assert "Too many tries" in right.content.decode()


def test_it_limits_and_lets_in_without_redis(name: str, no_redis: None) -> None:
    address = next(ADDRESSES)
    assert log_in(name, PASSWORD).status_code == 302
    answers = [log_in(name, "wrong", address).status_code for _ in range(6)]
    assert answers[0] == 200 and answers[-1] == 429


def test_it_works_without_redis(seat: Any, acme: Caller, no_redis: None) -> None:
    person = seat(acme)
    for path in ("", "crm/client/", "search/?s=client"):
        assert person.get(path).status_code == 200, path


def test_it_writes_log_ins_into_the_tenants_log(seat: Any, acme: Caller) -> None:
    person = seat(acme)
    person.user.set_password(PASSWORD)
    with using("admin"):
        person.user.save()
    log_in(person.user.username, "wrong")
    log_in(person.user.username, PASSWORD)
    (failed,) = events(acme.tenant, "member.login_failed")
    (done,) = events(acme.tenant, "member.logged_in")
    assert (failed.actor_kind, done.actor_kind) == ("system", "user")
    assert done.actor_id == str(person.user.pk) and done.address and done.audience == "audit"


def test_it_writes_no_unknown_name_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    log_in("my secret password", "x")
    assert "my secret password" not in caplog.text and "(unknown)" in caplog.text


def test_it_forgets_people_half_an_hour_after_their_last_click(name: str) -> None:
    client = Client(REMOTE_ADDR=next(ADDRESSES))
    started = timezone.now()
    client.post("/admin/login/?next=/admin/", {"username": name, "password": PASSWORD})
    for minutes, status in ((20, 200), (40, 200), (71, 302)):
        with time_machine.travel(started + timedelta(minutes=minutes)):
            assert client.get("/admin/").status_code == status, minutes
