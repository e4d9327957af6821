"""Kith's web server for a fault: a request that asks for it with X-Die ends the process at a named point, at once."""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import wraps
from typing import Any

# It comes first, as it loads the models; the server itself does so when it has forked.
from config import serving, wsgi

# isort: split
from django.conf import settings

from apikeys import claims, credentials

wanted = ""
# Says that this process is about to serve.
(settings.KITH_HOME / f"web-{os.getpid()}.ready").touch()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(does: Callable[..., Any], *, before: str = "", after: str = "") -> Callable[..., Any]:
    """Return `does`, around which lie these points."""

    @wraps(does)
    def do(*args: Any, **own: Any) -> Any:
        if wanted and wanted == before:
            die()
        done = does(*args, **own)
        if wanted and wanted == after:
            die()
        return done

    return do


claims.take_lock = dying(claims.take_lock, before="before lock", after="after lock")
# It comes when the record and its event are written, and before the commit.
claims.store = dying(claims.store, before="after insert", after="before commit")
credentials.KeyCredential.answered = dying(credentials.KeyCredential.answered, before="after commit")  # type: ignore[method-assign]


def asked(environ: dict[str, Any], start_response: Any) -> Any:
    """Answer as Kith does, as far as it gets."""
    global wanted  # noqa: PLW0603  one request at a time
    wanted = environ.get("HTTP_X_DIE", "")
    return django(environ, start_response)


async def send_some(response: Any, headers: Any, proto: Any) -> None:
    """Send the answer, or half of it."""
    if wanted == "after half the response":
        transport = proto.response_stream(response.status_code, headers)
        await transport.send_bytes(response.content[: len(response.content) // 2])
        await asyncio.sleep(0.2)
        die()
    await send(response, headers, proto)


door: Any = serving
application = door.application
django = wsgi.application
wsgi.application = asked  # type: ignore[assignment]
send, door.send = door.send, send_some
