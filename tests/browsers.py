"""Members in a browser, who call the API with their session, and a contract that takes sessions as a document does."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from django.contrib.auth.models import User
from django.test import Client

from crm.registry import RESOURCES
from crm.rest.contract import Contract, TextErrors
from crm.rest.pages import NumberedPages
from crm.rest.router import mount
from tenants.actor import Actor
from tenants.membership import give_seat
from tenants.models import Tenant
from tenants.routing import using
from tests.conftest import ADDRESSES, Caller

__all__ = ["DASHBOARD", "Browser", "able", "browse", "fresh", "make_browser", "make_member", "urlpatterns"]

# A member may call so often in an hour, and a little less is enough.
PATIENCE = 90

TOKEN = "t" * 32
DASHBOARD = Contract(
    name="dashboard",
    title="Dashboard",
    mounts=("dashboard/v1/",),
    words={"client": "customer", "clients": "customers"},
    camel=True,
    credentials=("key", "session"),
    paging=NumberedPages(),
    errors=TextErrors(),
    windows=("hour", "day"),
    limits={"session": {"hour": 100}},
    update_methods=("patch",),
    deleted_message=True,
)
urlpatterns = mount(DASHBOARD, RESOURCES)


@dataclass
class Browser(Caller):
    """A member who is logged in; every request carries the cookie, and the token against forged ones."""

    user: Any = None
    asked: int = 0

    def shown(self) -> dict[str, str]:
        self.asked += 1
        return {"X-CSRFToken": TOKEN}


def make_member(*tenants: Tenant, role: str = "owner", **fields: Any) -> User:
    """Make an account with a seat in each of the tenants, without the seconds that a password takes."""
    with using("admin"):
        user = User.objects.create_user(f"member-{uuid4().hex[:10]}", **fields)
        for tenant in tenants:
            give_seat(user=user, role=role, actor=Actor.system(tenant, "tests"))
    return user


def make_browser(caller: Caller, role: str = "owner", *more: Caller, base: str = "") -> Browser:
    """Log a new member of the caller's tenant in, who has a seat in the tenants of `more`, too."""
    user = make_member(caller.tenant, *(other.tenant for other in more), role=role)
    return browse(user, caller.tenant, base or caller.base)


def browse(user: User, tenant: Tenant, base: str) -> Browser:
    """Log somebody in."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False, REMOTE_ADDR=next(ADDRESSES))
    with using("admin"):
        client.force_login(user)
    client.cookies["csrftoken"] = TOKEN
    return Browser(tenant, "", base, {}, client, user)


def fresh(browser: Browser | None, caller: Caller, role: str = "owner") -> Browser:
    """Return the browser, or one of a new member when its own has asked enough."""
    if browser is None or browser.asked >= PATIENCE:
        browser = make_browser(caller, role)
        browser.client.defaults["REMOTE_ADDR"] = caller.client.defaults["REMOTE_ADDR"]
    return browser


members: WeakKeyDictionary[Client, Browser] = WeakKeyDictionary()


def able(caller: Caller, view: Any) -> Caller:
    """Return who can call a view for the caller's tenant: the caller, or a member where a key opens nothing."""
    if "key" in view.credentials:
        return caller
    members[caller.client] = fresh(members.get(caller.client), caller)
    members[caller.client].base = caller.base
    return members[caller.client]
