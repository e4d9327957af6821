"""The connections of webhooks: to addresses that were checked and no other, and shut when a receiver floods them."""

import asyncio
import socket
from ssl import SSLContext
from typing import Any

import aiohttp
from aiohttp.connector import AddrInfoType, Connection, TCPConnector

from webhooks.addresses import to_address
from webhooks.guard import ATTEMPT, NOT_ALLOWED, Attempt, GuardedResolver, Refused

__all__ = ["GuardedConnector"]


class GuardedConnector(TCPConnector):
    """Connects to addresses that were checked for this very attempt, and to no other."""

    def __init__(self, ssl_context: SSLContext | None) -> None:
        super().__init__(
            resolver=GuardedResolver(),
            use_dns_cache=False,
            force_close=True,
            limit=0,
            ssl=ssl_context or True,
            socket_factory=guarded_socket,
        )

    async def connect(  # the signature is the base's
        self,
        req: aiohttp.ClientRequest,
        traces: Any,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        attempt, host = ATTEMPT.get(), req.url.raw_host or ""
        if to_address(host):
            # The resolver is never asked about an address.
            attempt.check([host])
        connection = await super().connect(req, traces, timeout)
        transport, protocol = connection.transport, connection.protocol
        peer = transport and transport.get_extra_info("peername")
        if not transport or not peer or to_address(peer[0]) not in attempt.checked:
            connection.close()
            raise Refused(NOT_ALLOWED)
        attempt.transport = transport
        transport.set_protocol(Flooded(protocol, attempt))
        return connection


def guarded_socket(info: AddrInfoType) -> socket.socket:
    """Return a socket for an address that this attempt has checked: whatever is connected to comes through here."""
    family, kind, protocol, _, address = info
    if to_address(address[0]) not in ATTEMPT.get().checked:
        raise Refused(NOT_ALLOWED)
    return socket.socket(family, kind, protocol)


class Flooded(asyncio.Protocol):
    """Hands on what a receiver says to `protocol`, and aborts when it is more than any answer can be.

    The body of an answer is read up to a limit; but endless heads, sizes of chunks or "100 Continue" are no body, and
    would keep the machine at work until the deadline.
    """

    def __init__(self, protocol: Any, attempt: Attempt) -> None:
        self.protocol = protocol
        self.attempt = attempt

    def data_received(self, data: bytes) -> None:
        self.protocol.data_received(data)
        self.attempt.read += len(data)
        if self.attempt.is_flooded and self.attempt.transport:
            self.attempt.transport.abort()

    def eof_received(self) -> bool | None:
        kept: bool | None = self.protocol.eof_received()
        return kept

    def connection_lost(self, exc: Exception | None) -> None:
        self.protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()
