"""A receiver for trying webhooks on one's own machine: it answers, checks the signature, and tells what came."""

import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Lock
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["UNCHECKED", "Behaviour", "Delivery", "Server", "check_secret", "find_fault"]

TOLERANCE_SECONDS = 300
MAX_BYTES = 4 * 1024**2
NEEDED = ("webhook-id", "webhook-timestamp", "webhook-signature")
SECRET, PUBLIC_KEY = "whsec_", "whpk_"
UNCHECKED = "no secret to verify with"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request as it came in. `fault` says why its signature does not hold, `first_at` when it was taken before."""

    at: datetime
    headers: Mapping[str, str]
    body: bytes
    fault: str
    first_at: datetime | None
    answered: int

    @property
    def event(self) -> dict[str, Any]:
        """The event in the body; empty where it is none."""
        try:
            event = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return event if isinstance(event, dict) else {}

    @property
    def record(self) -> str:
        """The id of the record that changed, where the event tells it."""
        data = self.event.get("data")
        return str(data.get("id", "")) if isinstance(data, dict) else ""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the receiver answers: with which status, how late, and whether each time or each nth time only."""

    status: int = 200
    delay: float = 0
    fail_every: int = 0

    def __str__(self) -> str:
        often = f"one delivery in {self.fail_every}" if self.fail_every else "each delivery"
        late = f"; every answer comes after {self.delay:g} s" if self.delay else ""
        return f"{often} is answered {self.bad}{late}"

    @property
    def bad(self) -> int:
        """The status of the answers that are chosen by `fail_every`."""
        return 500 if self.fail_every and self.status == 200 else self.status

    def answer_to(self, number: int) -> int:
        """Return the status for the delivery of this number, counted from 1."""
        return 200 if self.fail_every and number % self.fail_every else self.bad


@dataclass(slots=True)
class Server:
    """Listens, and hands each delivery to `tell`, one at a time."""

    address: tuple[str, int]
    secrets: Sequence[str]
    tell: Callable[[Delivery], None]
    behaviour: Behaviour = field(default_factory=Behaviour)
    first: dict[str, datetime] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def open(self) -> ThreadingHTTPServer:
        """Take the port, so that `serve_forever` can be called; raises OSError where it is taken."""
        handler = type("Bound", (Handler,), {"server_of": self})
        http = ThreadingHTTPServer(self.address, handler)
        http.daemon_threads = True  # an answer that is held back must not hold up the end
        return http

    def receive(self, headers: Mapping[str, str], body: bytes, answered: int) -> None:
        """Judge one delivery, and tell of it."""
        with self.lock:
            now = datetime.now(UTC)
            first_at = self.first.get(headers.get("webhook-id", ""))
            fault = find_fault(self.secrets, headers, body, now.timestamp())
            # A forged or failed one must not make the next a duplicate.
            if fault in ("", UNCHECKED) and 200 <= answered < 300:
                self.first.setdefault(headers["webhook-id"], now)
            self.tell(Delivery(now, headers, body, fault, first_at, answered))


class Handler(BaseHTTPRequestHandler):
    """Answers before anything else is done, as a receiver should."""

    server_of: Server
    timeout = 30

    def do_POST(self) -> None:
        """Take a delivery."""
        server = self.server_of
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BYTES:
            self.answer(413 if length.isdecimal() else 411)
            return
        body = self.rfile.read(int(length))
        status = server.behaviour.answer_to(next(server.numbers))
        time.sleep(server.behaviour.delay)
        self.answer(status)
        server.receive({name.lower(): value for name, value in self.headers.items()}, body, status)

    def do_GET(self) -> None:
        """Say what this is to whoever looks with a browser."""
        self.answer(405, b"This is manage.py listen: it takes webhooks, by POST.\n")

    def answer(self, status: int, text: bytes = b"") -> None:
        """Send an answer whole; whoever has gone meanwhile misses it."""
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(text)
            self.wfile.flush()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the delivery says it all."""


def find_fault(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Return why the signature does not hold by any of the secrets; an empty text where it does."""
    missing = [name for name in NEEDED if not headers.get(name)]
    if missing:
        return f"no header {missing[0]}"
    timestamp = headers["webhook-timestamp"]
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return "webhook-timestamp is no number of seconds"
    if abs(age := now - int(timestamp)) > TOLERANCE_SECONDS:
        return f"webhook-timestamp is {abs(age):.0f} s {'old' if age > 0 else 'ahead'}, more than {TOLERANCE_SECONDS} s"
    if not secrets:
        return UNCHECKED
    content = f"{headers['webhook-id']}.{timestamp}.".encode() + body
    given = headers["webhook-signature"].split(" ")
    if any(is_signed(secret, one, content) for secret in secrets for one in given):
        return ""
    return "no signature fits: another secret made it, or the body was changed"


def is_signed(secret: str, signature: str, content: bytes) -> bool:
    """Say whether a signature of the secret's own kind fits."""
    key = key_of(secret)
    if secret.startswith(PUBLIC_KEY):
        return signature.startswith("v1a,") and is_signed_by(key, signature.removeprefix("v1a,"), content)
    expected = b"v1," + b64encode(hmac.digest(key, content, "sha256"))
    return hmac.compare_digest(expected, signature.encode())


def is_signed_by(key: bytes, signature: str, content: bytes) -> bool:
    """Say whether the owner of a public key made a signature."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(b64decode(signature, validate=True), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_secret(text: str) -> str:
    """Return a secret that can be verified with; raises ValueError with a sentence for others."""
    try:
        length = len(key_of(text))
    except ValueError:
        length = 0
    if text.startswith(SECRET) and length >= 24:
        return text
    if text.startswith(PUBLIC_KEY) and length == 32:
        return text
    raise ValueError("a secret is whsec_… or a public key whpk_…, whole, as Kith shows it")


def key_of(secret: str) -> bytes:
    return b64decode(secret.partition("_")[2], validate=True)
