"""A migrated database with the demo in it, and a caller with a key that no limit holds."""

from io import StringIO
from typing import Any

import django

from benchmarks.calls import Caller

django.setup()

from django.core.management import call_command  # noqa: E402  Django first
from django.core.wsgi import get_wsgi_application  # noqa: E402

from apikeys.issuing import issue  # noqa: E402
from config.preparing import migrate  # noqa: E402
from tenants.actor import Actor  # noqa: E402
from tenants.models import Tenant  # noqa: E402
from tenants.routing import using  # noqa: E402

__all__ = ["open_house"]


def open_house() -> Caller:
    """Return a caller of the demo tenant acme."""
    with using("owner"):
        migrate(lambda _: None)
    call_command("demo", stdout=StringIO())
    with using("admin"):
        tenant = Tenant.objects.get(slug="acme", environment="live")
        own: dict[str, Any] = {"per_minute": 10_000_000, "per_day": 10_000_000}
        key = issue(tenant=tenant, name="bench", scopes=["admin"], actor=Actor.system(tenant, "bench"), **own)[1]
    return Caller(get_wsgi_application(), key)
