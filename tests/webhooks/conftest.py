"""What tests of webhooks lean on: endpoints at a receiver of our own, and the engine run in this process."""

from collections.abc import Iterator
from typing import Any

import pytest

from tenants.actor import Actor
from tests.conftest import Caller
from tests.webhooks.receiving import Receiver, receiver
from webhooks import endpoints
from webhooks.models import Endpoint

__all__ = ["make_endpoint"]


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    """Let deliveries reach this machine."""
    settings.WEBHOOK_ALLOWED_NETS = ("127.0.0.1/32", "::1/128")


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def make_endpoint(caller: Caller, target: Receiver | str, *events: str, **fields: Any) -> Endpoint:
    """Make an endpoint at a receiver, which learns the secret."""
    url = target if isinstance(target, str) else target.url
    own = {"contract": "v1", "scopes": ["*:read"], **fields}
    endpoint = Endpoint(tenant=caller.tenant, url=url, events=list(events or ["*"]), **own)
    secret = endpoints.create(endpoint, actor=Actor.system(caller.tenant, "tests"))
    if isinstance(target, Receiver):
        target.secrets.append(secret)
    return endpoint
