"""Receivers of webhooks on real ports, in a thread of their own: good ones, and those that nobody should have."""

import asyncio
import gzip
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext

__all__ = ["HOSTILE", "Receiver", "answering", "receiver"]

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\n"
DRIP = 0.5
MEGABYTE = bytes(1024 * 1024)
BOMB = gzip.compress(MEGABYTE * 256)


@dataclass
class Receiver:
    """Where it listens, how many connected, and what they sent."""

    url: str
    port: int
    connects: int = 0
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def receiver(behave: Behaviour, *, host: str = "127.0.0.1", ssl: SSLContext | None = None) -> Iterator[Receiver]:
    """Listen on a free port of `host`; whoever connects meets `behave`."""
    loop = asyncio.new_event_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    port = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    heard = Receiver(f"{'https' if ssl else 'http'}://{shown}:{port}/hook", port)

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.connects += 1
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if behave in UNREAD:
                await behave(reader, writer)
            else:
                heard.requests.append(await request(reader))
                await behave(reader, writer)
        writer.transport.abort()

    async def serve() -> asyncio.Server:
        return await asyncio.start_server(meet, sock=listener, ssl=ssl)

    server = loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        asyncio.run_coroutine_threadsafe(end(server), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        listener.close()
        loop.close()


async def end(server: asyncio.Server) -> None:
    """Cancel whoever still drips."""
    server.close()
    # Who has just come begins: what is cancelled before it has begun does not hang up.
    await asyncio.sleep(0.02)
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)


async def request(reader: asyncio.StreamReader) -> bytes:
    """Read one request whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0")
    return head + await reader.readexactly(int(length))


def answering(status: int = 200, body: bytes = b"thanks", *headers: str) -> Behaviour:
    """Make a receiver that answers at once, and properly."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


def saying(*parts: bytes) -> Behaviour:
    """Make a receiver that says `parts`, whatever they are, and hangs up."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return say


def repeating(start: bytes, part: bytes, pause: float = 0.0) -> Behaviour:
    """Make a receiver that says `start`, and then `part` for ever."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return repeat


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the request, and say nothing."""
    await asyncio.sleep(60)


async def unreading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never read what is sent."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(60)


async def interrupting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer before anything was asked."""
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close the door at once."""


async def gigabyte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send 1 GB, as announced."""
    writer.write(OK + b"Content-Length: %d\r\n\r\n" % (1024 * len(MEGABYTE)))
    for _ in range(1024):
        writer.write(MEGABYTE)
        await writer.drain()


UNREAD = (unreading, hanging_up, interrupting)
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

# Name, behaviour, and the words for it; with "" an attempt that a 2xx ends well.
HOSTILE: dict[str, tuple[Behaviour, str]] = {
    "silent": (silent, "no answer within 2 seconds"),
    "never reads": (unreading, "no answer within 2 seconds"),
    "hangs up": (hanging_up, "connection"),
    "drips the head": (repeating(OK + b"X-Drip: ", b"a", DRIP), "no answer within 2 seconds"),
    "drips headers": (repeating(OK, b"X-Drip: a\r\n", DRIP), "no answer within 2 seconds"),
    "drips the body": (repeating(OK + b"Content-Length: 1000\r\n\r\n", b"a", DRIP), "no answer within 2 seconds"),
    "drips chunks": (repeating(CHUNKED, b"1\r\na\r\n", DRIP), "no answer within 2 seconds"),
    "endless body": (repeating(OK + b"\r\n", MEGABYTE), ""),
    "endless chunks": (repeating(CHUNKED, b"100000\r\n" + MEGABYTE + b"\r\n"), ""),
    "1 GB": (gigabyte, ""),
    "gzip bomb": (saying(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB), ""),
    "10,000 headers": (saying(OK, *[b"X-%d: a\r\n" % n for n in range(10_000)], b"\r\n"), "answer is not HTTP"),
    "endless headers": (repeating(OK, b"X-Endless: a\r\n" * 1000), "answer is not HTTP"),
    "endless header": (repeating(OK + b"X-Endless: ", b"a" * 65536), "answer is not HTTP"),
    "endless status line": (repeating(b"HTTP/1.1 200 ", b"a" * 65536), "answer is not HTTP"),
    "endless 100 Continue": (repeating(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "answer too long"),
    "endless size of a chunk": (repeating(CHUNKED, b"0" * 65536), "answer too long"),
    "endless extension": (repeating(CHUNKED + b"1;", b"a" * 65536), "answer too long"),
    "endless trailer": (repeating(CHUNKED + b"0\r\nX-Endless: ", b"a" * 65536), "answer is not HTTP"),
    "endless trailers": (repeating(CHUNKED + b"0\r\n", b"X-Endless: a\r\n" * 1000), "answer is not HTTP"),
    "more than it told": (saying(OK + b"Content-Length: 5\r\n\r\n" + MEGABYTE), "answer is not HTTP"),
    "less than it told": (saying(OK + b"Content-Length: 1000\r\n\r\nshort"), "answer broke off"),
    "two lengths": (saying(OK + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello"), "answer is not HTTP"),
    "a negative length": (saying(OK + b"Content-Length: -5\r\n\r\nhello"), "answer is not HTTP"),
    "a huge length": (saying(OK + b"Content-Length: 99999999999999999999999\r\n\r\nhello"), "answer is not HTTP"),
    "a length and chunks": (saying(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello"), "answer"),
    "not HTTP": (saying(b"SSH-2.0-OpenSSH_9.6\r\n"), "answer is not HTTP"),
    "broken chunks": (saying(CHUNKED + b"zz\r\nhello\r\n"), "answer"),
}
