"""A migrated database with the demo in it, and a caller with a key that no limit holds."""

from io import StringIO
from typing import Any

import django

from benchmarks.calls import Caller

django.setup()

from django.contrib.auth.models import User  # noqa: E402  Django first
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.test import Client  # noqa: E402

from apikeys.issuing import issue  # noqa: E402
from config.preparing import migrate  # noqa: E402
from tenants.actor import Actor  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tenants.routing import using  # noqa: E402
from webhooks import endpoints  # noqa: E402
from webhooks.models import Endpoint  # noqa: E402

__all__ = ["log_in", "make_caller", "make_endpoint", "make_key", "migrated", "open_house"]


def migrated() -> None:
    """Bring the database up to date."""
    with using("owner"):
        migrate(lambda _: None)


def open_house() -> Caller:
    """Return a caller of the demo tenant acme."""
    migrated()
    call_command("demo", stdout=StringIO())
    with using("admin"):
        return make_caller(Tenant.objects.get(slug="acme", environment="live"))


def make_caller(tenant: Tenant) -> Caller:
    """Return a caller in this process."""
    return Caller(get_wsgi_application(), make_key(tenant))


def make_key(tenant: Tenant) -> str:
    """Return a key of a tenant that no limit holds."""
    own: dict[str, Any] = {"per_minute": 10_000_000, "per_hour": 10_000_000, "per_day": 10_000_000}
    with using("admin"):
        return issue(tenant=tenant, name="bench", scopes=["admin"], actor=Actor.system(tenant, "bench"), **own)[1]


def make_endpoint(tenant: Tenant, url: str, *events: str) -> Endpoint:
    """Make an endpoint that hears everything, or only `events`."""
    endpoint = Endpoint(tenant=tenant, url=url, events=list(events or ["*"]), contract="v1", scopes=["*:read"])
    endpoints.create(endpoint, actor=Actor.system(tenant, "bench"))
    return endpoint


def log_in() -> dict[str, str]:
    """Return the cookies of a superuser who has logged in."""
    browser = Client()
    with using("admin"):
        browser.force_login(User.objects.create_superuser("bench"))
    return {name: morsel.value for name, morsel in browser.cookies.items()}
