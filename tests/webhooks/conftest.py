"""What tests of webhooks lean on: endpoints at a receiver of our own, and the engine run in this process."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tenants.actor import Actor
from tenants.routing import STAFF
from tests.conftest import Caller
from tests.webhooks.receiving import Receiver, receiver
from webhooks import endpoints
from webhooks.models import Endpoint

__all__ = ["calm", "make_endpoint"]


@pytest.fixture
def loopback(settings: Any) -> None:
    """Let deliveries reach this machine."""
    settings.WEBHOOK_ALLOWED_NETS = ("127.0.0.1/32", "::1/128")


@pytest.fixture
def target(loopback: None) -> Iterator[Receiver]:
    """Run a receiver, in a house where nothing else waits to be sent."""
    calm()
    with receiver() as found:
        yield found


def calm() -> None:
    """Let what earlier tests have left be fanned out and never sent: a drain is everybody's."""
    with connections[STAFF].cursor() as cursor:
        cursor.execute("UPDATE tenants_event SET fanned_out_at = now() WHERE fanned_out_at IS NULL")
        cursor.execute("UPDATE webhooks_lane SET next_due_at = NULL WHERE next_due_at IS NOT NULL")
        cursor.execute("UPDATE webhooks_replay SET status = 'cancelled' WHERE status = 'running'")


def make_endpoint(caller: Caller, target: Receiver | str, *events: str, **fields: Any) -> Endpoint:
    """Make an endpoint at a receiver, which learns the secret."""
    url = target if isinstance(target, str) else target.url
    own = {"contract": "v1", "scopes": ["*:read"], **fields}
    endpoint = Endpoint(tenant=caller.tenant, url=url, events=list(events or ["*"]), **own)
    secret = endpoints.create(endpoint, actor=Actor.system(caller.tenant, "tests"))
    if isinstance(target, Receiver):
        target.secrets.append(secret)
    return endpoint
