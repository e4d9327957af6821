"""A WSGI call without a server: what a request costs inside Kith."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

__all__ = ["Caller"]


@dataclass(frozen=True)
class Caller:
    """Calls an application with a key."""

    application: Callable[..., Any]
    key: str

    def __call__(self, method: str, target: str, body: bytes = b"") -> bytes:
        """Return the answer's body; raise AssertionError for one that is not 2xx, as it would void the figure."""
        path, _, query = target.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": f"Bearer {self.key}",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
        }
        started: list[str] = []
        answer = b"".join(self.application(environ, lambda status, headers: started.append(status)))
        assert started[0].startswith("2"), f"{method} {target}: {started[0]} {answer[:200]!r}"
        return answer
