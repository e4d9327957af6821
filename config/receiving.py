"""What comes in over the wire, as WSGI hands it on: the request's head, and its body once all of it is here."""

import sys
from asyncio import Semaphore, timeout
from collections.abc import Mapping
from io import BytesIO, RawIOBase
from tempfile import TemporaryFile
from typing import IO, Any

from crm.uploads import AROUND, LIMIT

__all__ = ["receive", "to_environ"]

# Longer bodies go to disk, and those longer than anything that is taken are not read at all.
IN_MEMORY, LONGEST = 64 * 1024, LIMIT + AROUND
# So many of them may come in at once, each within so many seconds: what lies on disk meanwhile has a bound.
AT_ONCE, PATIENCE = Semaphore(32), 120
BASIC = {
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "granian",
    "wsgi.errors": sys.stderr,
    "wsgi.version": (1, 0),
    "wsgi.multiprocess": True,
    "wsgi.multithread": False,
    "wsgi.run_once": False,
}
OWN = ("CONTENT_TYPE", "CONTENT_LENGTH")


def to_environ(scope: Any) -> dict[str, Any]:
    """Return the head of a request.

    A header whose name holds `_` is left out: it would pass for the one with `-`, which proxies look after.
    """
    host, _, port = scope.server.rpartition(":")
    environ = {
        **BASIC,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": as_latin(scope.path),
        "QUERY_STRING": as_latin(scope.query_string),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.url_scheme": scope.scheme,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key in OWN:
            environ[key] = value
            continue
        key = f"HTTP_{key}"
        environ[key] = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}" if key in environ else value
    # In HTTP/2 the host is no header.
    if "HTTP_HOST" not in environ and scope.authority:
        environ["HTTP_HOST"] = scope.authority
    return environ


def as_latin(text: str) -> str:
    """Return the bytes of a text as WSGI wants them: a letter each."""
    return text if text.isascii() else text.encode().decode("latin-1")


class Unwritten(RawIOBase):
    """A body for which there was no space: reading it says so."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def read(self, size: int = -1) -> bytes:
        raise self.error


Body = IO[bytes] | Unwritten


async def receive(environ: Mapping[str, Any], proto: Any) -> tuple[Body, int]:
    """Return the whole body, and its length; raise TimeoutError for a long one that does not come to its end.

    One that is too long is not read: its length alone tells Django so.
    """
    stated = int(environ.get("CONTENT_LENGTH", -1))
    if stated < 0 and "HTTP_TRANSFER_ENCODING" not in environ and environ["SERVER_PROTOCOL"] < "HTTP/2":
        return BytesIO(), 0
    if stated > LONGEST:
        return BytesIO(), stated
    if 0 <= stated <= IN_MEMORY:
        return BytesIO(await proto()), stated
    async with AT_ONCE, timeout(PATIENCE):
        return await spool(proto)


async def spool(proto: Any) -> tuple[Body, int]:
    """Write a body to a file without a name, which is gone as soon as it is closed."""
    length = 0
    try:
        file = TemporaryFile()  # noqa: SIM115  closed with the request
        async for piece in proto:
            length += len(piece)
            if length > LONGEST:
                break
            file.write(piece)
        file.seek(0)
    except OSError as error:
        return Unwritten(error), length
    return file, length
