"""People at the admin: a superuser, and staff with a seat in one tenant."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tenants.actor import Actor
from tenants.membership import give_seat
from tenants.models import Event, Tenant
from tenants.routing import using
from tests.conftest import Caller

ADDRESSES = (f"10.250.{a}.{b}" for a, b in itertools.product(range(256), range(1, 255)))


@dataclass
class Person:
    """Somebody logged in to the admin."""

    user: User
    client: Client

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/admin/{path}", query or None)

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"/admin/{path}", body)

    def text(self, path: str, **query: Any) -> str:
        """Return a page that must be there."""
        response = self.get(path, **query)
        assert response.status_code == 200, (path, response.status_code)
        return str(response.content.decode())


def make_person(**fields: Any) -> Person:
    """Make an account, without the seconds that a password takes, and log it in."""
    with using("admin"):
        user = User.objects.create_user(f"person-{uuid4().hex[:10]}", is_staff=True, **fields)
        client = Client(REMOTE_ADDR=next(ADDRESSES))
        client.force_login(user)
    return Person(user, client)


def seated(caller: Caller, role: str = "owner", *permissions: str) -> Person:
    """Make a person with a seat in the caller's tenant, and Django permissions by name."""
    person = make_person()
    with using("admin"):
        give_seat(user=person.user, role=role, actor=Actor.system(caller.tenant, "tests"))
        for name in permissions:
            app, _, codename = name.partition(".")
            person.user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return person


@pytest.fixture
def root() -> Person:
    return make_person(is_superuser=True)


@pytest.fixture
def seat() -> Callable[..., Person]:
    """Return what makes a person with a seat in a caller's tenant."""
    return seated


def events(tenant: Tenant, kind: str) -> list[Event]:
    """Return the tenant's events of one type, oldest first."""
    with using("admin"):
        return list(Event.every_tenant.filter(tenant=tenant, type=kind).order_by("txid"))
