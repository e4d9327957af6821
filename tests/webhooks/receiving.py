"""A receiver of our own: a real HTTP server that keeps what it gets, verifies it independently, and may misbehave."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import orjson
from standardwebhooks import Webhook, WebhookVerificationError

__all__ = ["Got", "Receiver", "receiver", "serving"]

R = TypeVar("R", bound="Receiver")


@dataclass
class Got:
    """One request, as it came."""

    headers: dict[str, str]
    body: bytes
    path: str
    at: float
    verified: bool | None
    peer: int = 0

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """What has come, and how to answer: `answers(got)` gives the status, headers or a delay before that."""

    url: str = ""
    secrets: list[str] = field(default_factory=list)
    answers: Callable[[Got], tuple[int, dict[str, str]]] = lambda got: (204, {})
    got: list[Got] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, path: str, headers: dict[str, str], body: bytes, peer: int = 0) -> tuple[int, dict[str, str]]:
        got = Got(headers, body, path, time.time(), self.verify_by(self.secrets, headers, body), peer)
        with self.lock:
            self.got.append(got)
        return self.answers(got)

    def verify_by(self, secrets: Sequence[str], headers: dict[str, str], body: bytes) -> bool | None:
        """Tell what the independent library says; None where no secret is known."""
        for secret in secrets:
            try:
                Webhook(secret).verify(body, headers)
            except WebhookVerificationError:
                continue
            return True
        return False if secrets else None

    @property
    def ids(self) -> list[str]:
        return [got.id for got in self.got]

    def wait(self, count: int, seconds: float = 10) -> list[Got]:
        """Wait until `count` requests have come; return them all."""
        end = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < end, f"{len(self.got)} of {count} came"
            time.sleep(0.01)
        return self.got


class Server(ThreadingHTTPServer):
    """Takes many connections at once, and says nothing of those that break off."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a receiver on a free port of 127.0.0.1."""
    with serving(Receiver()) as found:
        yield found


@contextmanager
def serving(found: R) -> Iterator[R]:
    """Let a receiver listen on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, headers = found.take(self.path, headers, body, self.client_address[1])
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with Server(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
