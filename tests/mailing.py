"""Clients who agreed, campaigns to them, and a mail server of our own to see what arrives."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event as Flag
from typing import Any

from aiosmtpd.controller import Controller
from django.conf import settings as house

from crm.tasks import deliver_campaign
from tenants import ids
from tests.conftest import Caller

__all__ = [
    "TEXT", "Receiver", "deliver", "link_in", "make_campaign", "make_client", "make_list", "make_members", "receiving",
    "say", "types_of",
]  # fmt: skip

TEXT = {"name": "News", "subject": "News for {{ client.name }}", "body": "Hello {{ client.name }},\nwinter is near."}


def make_client(caller: Caller, called: str, **fields: Any) -> str:
    body = {"name": called, "email": f"{called.lower()}@example.com", **fields}
    return str(caller.post("/clients", body).data["id"])


def say(caller: Caller, client: str, state: str = "granted", **fields: Any) -> Any:
    said = {"client_id": client, "channel": "email", "state": state, **fields}
    return caller.post("/marketing/consents", said)


def make_members(caller: Caller, count: int) -> list[str]:
    """Make clients who agreed to e-mail."""
    clients = [make_client(caller, f"Member{index}") for index in range(count)]
    for client in clients:
        say(caller, client)
    return clients


def make_list(caller: Caller, clients: list[str], name: str = "All") -> str:
    made = str(caller.post("/marketing/lists", {"name": name}).data["id"])
    if clients:
        assert caller.post(f"/marketing/lists/{made}/add", {"client_ids": clients}).status == 200
    return made


def make_campaign(caller: Caller, clients: list[str], **fields: Any) -> str:
    body = {**TEXT, "list_id": make_list(caller, clients), **fields}
    made = caller.post("/marketing/campaigns", body)
    assert made.status == 201, made.body
    return f"/marketing/campaigns/{made.data['id']}"


def deliver(caller: Caller, campaign: str) -> None:
    """Do what the worker does when it is poked."""
    deliver_campaign(str(caller.tenant.pk), str(ids.decode("cam", campaign.rpartition("/")[2])))


def types_of(caller: Caller, record: str) -> list[str]:
    return [event["type"] for event in caller.get(f"{record}/events").data]


def link_in(message: Any) -> str:
    """Return the path of a mail's way out."""
    header = (message.extra_headers if hasattr(message, "extra_headers") else message)["List-Unsubscribe"]
    return str(header).strip("<> ").removeprefix(house.PUBLIC_URL)


class Receiver:
    """An SMTP server that keeps what it gets, refuses what it is told to, and may hang instead of its `hangs_at`th."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refused: dict[str, str] = {}
        self.hangs_at: int | None = None
        self.hanging = Flag()
        self.port = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802  its name there
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  its name there
        if len(self.mails) == self.hangs_at:
            self.hangs_at = None
            self.hanging.set()
            await asyncio.sleep(60)
        found: Any = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(found)
        return "250 OK"


@contextmanager
def receiving(settings: Any) -> Iterator[Receiver]:
    """Run the receiver on a port of its own, and let the settings send there."""
    receiver = Receiver()
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(receiver, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    receiver.port = port
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", port, False
    yield receiver
    controller.stop()
