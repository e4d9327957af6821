"""The check before serving: no tenant's webhook may be let loose on the machine itself."""

from typing import Any

import pytest
from django.core.checks import run_checks

from webhooks.checks import allowed_nets


@pytest.mark.parametrize(
    "net",
    "127.0.0.1/32 127.0.0.0/8 0.0.0.0/0 0.0.0.0/32 ::1/128 ::/0 169.254.169.254/32 fe80::/64".split(),
)
def test_it_refuses_nets_with_the_machine_in_them(settings: Any, net: str) -> None:
    settings.WEBHOOK_ALLOWED_NETS = ("10.20.0.0/16", net)
    messages = [message for message in run_checks(include_deployment_checks=True) if message.id == "webhooks.E002"]
    assert messages
    assert all(net in f"{message.msg} {message.hint}" for message in messages)
    # Trying it out needs a receiver on the same machine.
    assert not [message for message in run_checks() if message.id == "webhooks.E002"]


@pytest.mark.parametrize("nets", [(), ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8", "203.0.113.0/24")])
def test_it_lets_private_nets_be(settings: Any, nets: tuple[str, ...]) -> None:
    settings.WEBHOOK_ALLOWED_NETS = nets
    assert allowed_nets() == []
