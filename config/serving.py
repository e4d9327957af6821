"""The door through which the web server reaches Kith.

Each request runs as under WSGI: from beginning to end, one at a time, on one thread with one database connection. Only
what would hold that thread up for others is asynchronous: receiving a body, sending an answer, waiting for news.
"""

import asyncio
import signal
from asyncio.events import _get_running_loop, _set_running_loop
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

# Typed, but not as something to import.
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

import config.metrics.folder  # noqa: F401  before anything that counts
from config.metrics.requests import IN_FLIGHT
from config.ready import DRAINING
from config.receiving import receive, to_environ
from config.waiting import WaitingRoom
from crm.wakeups import CAN_WAIT, WAITED, Wait, wait_of

__all__ = ["application"]

T = TypeVar("T")
Headers = list[tuple[str, str]]


def outside(act: Callable[..., T], *arguments: Any) -> T:
    """Call what blocks. It finds no running event loop, as under WSGI: to Django and its database that matters."""
    loop = _get_running_loop()
    _set_running_loop(None)
    try:
        return act(*arguments)
    finally:
        _set_running_loop(loop)


class Application:
    """Kith, as granian calls it through RSGI."""

    room: WaitingRoom
    draining = False

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Get ready to serve in this process.

        Django, which takes its time, is loaded here: before this, a request to end would reach what granian has
        forked this process from, and be lost.
        """
        self.django = import_module("config.wsgi").application
        self.room = WaitingRoom()
        self.room.close_on(signal.SIGINT, loop=loop)
        # In the place of granian's own answer to it, which is to stop accepting at once.
        loop.add_signal_handler(signal.SIGTERM, self.drain, loop)

    def drain(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say that this process will end, go on for as long as a balancer needs to notice, then let granian end it."""
        self.draining = True
        self.room.close()
        loop.call_later(settings.DRAIN_SECONDS, signal.raise_signal, signal.SIGINT)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Serve one request; a client that goes away meanwhile ends it."""
        environ = to_environ(scope)
        IN_FLIGHT.inc()
        try:
            body, length = await receive(environ, proto)
            with closing(body):
                if length:
                    environ["CONTENT_LENGTH"] = str(length)
                environ["wsgi.input"] = body
                await self.serve(environ, proto)
        except TimeoutError:
            proto.response_empty(408, [("Connection", "close")])
        except ProtocolClosed:
            return
        finally:
            IN_FLIGHT.dec()

    async def serve(self, environ: dict[str, Any], proto: Any) -> None:
        if self.draining:
            environ[DRAINING] = True
        environ[CAN_WAIT] = self.room.has_room
        response, headers = await self.ask(environ)
        if first := wait_of(response):
            response, headers = await self.wait(first, environ, response, proto)
        if response is not None:
            if self.draining:
                # The next request must not come over a connection that is about to be closed.
                headers = [*headers, ("Connection", "close")]
            await send(response, headers, proto)

    async def wait(self, first: Wait, environ: dict[str, Any], response: Any, proto: Any) -> tuple[Any, Headers]:
        """Ask the view again at each wake-up, and return its answer; None for a client that has left.

        The request is the same one all along, with one id. Each look decides anew who calls and what they may see.
        """
        environ["HTTP_X_REQUEST_ID"] = response["X-Request-ID"]
        headers: Headers = []
        with self.room.seat(first.tenant_id, first.seconds, proto.client_disconnect()) as seat:
            while (wait := wait_of(response)) is not None:
                outside(response.close)
                environ[WAITED] = wait
                if seat is not None:
                    await self.room.next_look(seat, wait.tenant_id, coming=wait.coming)
                    if seat.gone:
                        return None, []
                environ[CAN_WAIT] = seat is not None and not seat.is_last
                async with self.room.turn:
                    response, headers = await self.ask(environ)
        return response, headers

    async def ask(self, environ: dict[str, Any]) -> tuple[Any, Headers]:
        """Return Django's answer to a request.

        It runs as a callback of the loop and in no task of its own: there a view may run another loop, in each Python.
        """
        found: list[Headers] = []
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()

        def answer() -> None:
            try:
                done.set_result(outside(self.django, environ, lambda status, headers: found.append(headers)))
            except Exception as error:  # noqa: BLE001  it goes on where the answer is awaited
                done.set_exception(error)

        loop.call_soon(answer)
        return await done, found[0]


async def send(response: Any, headers: Headers, proto: Any) -> None:
    """Send an answer. A file on disk is the web server's to read, as fast as its client takes it."""
    try:
        if not response.streaming:
            proto.response_bytes(response.status_code, headers, response.content)
        elif path := find_path(response):
            proto.response_file(response.status_code, headers, path)
        else:
            transport = proto.response_stream(response.status_code, headers)
            pieces = iter(response)
            while (piece := outside(next, pieces, None)) is not None:
                await transport.send_bytes(piece)
    finally:
        outside(response.close)


def find_path(response: Any) -> str | None:
    """Return the path of a file that is sent from its beginning to its end; None for any other answer."""
    file: Any = getattr(response, "file_to_stream", None)
    name = getattr(file, "name", None)
    whole = isinstance(name, str) and Path(name).is_absolute() and file.tell() == 0
    return name if whole else None


application = Application()
