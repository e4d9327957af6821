"""One POST to a receiver that may be slow, lying or hostile, over within one deadline."""

import logging
import re
from asyncio import timeout
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from ssl import SSLContext
from time import monotonic
from types import TracebackType
from typing import Self

import aiohttp
from django.utils import timezone
from yarl import URL

from webhooks.connector import GuardedConnector
from webhooks.guard import ATTEMPT, Attempt, Refused, Target, read_url

__all__ = ["Answer", "Post", "Sender"]

log = logging.getLogger(__name__)

CONNECT = 5.0
READ = 64 * 1024
KEPT = 16 * 1024
SHOWN = frozenset({"content-type", "date", "location", "request-id", "retry-after", "server", "x-request-id"})
# The machinery of HTTP: nobody's to set but the client's that speaks it.
MACHINERY = frozenset(
    {"accept-encoding", "connection", "content-length", "cookie", "expect", "host", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)
SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Post:
    """What is to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it, fit for the eyes of the endpoint's owner."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)  # their names in small letters
    body: bytes = b""
    duration_ms: int = 0
    failure: str = ""
    retry_after: float | None = None
    slow_retry: bool = False  # what is wrong will not mend itself in a minute

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300 and not self.failure


class Sender:
    """Sends posts, up to a hundred at once, each within `deadline` seconds from the name's look-up to the last byte."""

    def __init__(self, deadline: float = 15.0, *, ssl_context: SSLContext | None = None) -> None:
        self.deadline = deadline
        self.ssl_context = ssl_context

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession(
            connector=GuardedConnector(self.ssl_context),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("accept", "content-type", "user-agent"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def post(self, post: Post) -> Answer:
        """Send `post` and return what came of it; whatever goes wrong is an answer, never an exception."""
        start, body, answer = monotonic(), bytearray(), Answer()
        try:
            with attempted(post.url) as target:
                sending = self.session.post(
                    URL(target.url, encoded=True), data=post.body, headers=sent(post.headers), allow_redirects=False
                )
                async with timeout(self.deadline), sending as response:
                    answer = heard(response)
                    await read(response, into=body)
        except Exception as error:  # noqa: BLE001  whatever it is, it is the answer
            failure, slow = self.failure_of(error)
            answer = replace(answer, failure=failure, slow_retry=slow)
        return replace(answer, body=bytes(body[:KEPT]), duration_ms=round((monotonic() - start) * 1000))

    def failure_of(self, error: Exception) -> tuple[str, bool]:
        """Return the words for `error`, and whether the next attempt should take its time."""
        for kind, failure, slow in FAILURES:
            if isinstance(error, kind):
                return failure.format(deadline=self.deadline), slow
        log.error("A webhook could not be sent", exc_info=error)
        return "could not be sent", False


class TooLong(Exception):
    """The receiver said more than any answer can be."""


# The first that fits is said. Whether a private address exists, refuses or filters is never told.
FAILURES: tuple[tuple[type[Exception], str, bool], ...] = (
    (TooLong, "answer too long", False),
    (Refused, "address not allowed", True),
    (aiohttp.ClientConnectorCertificateError, "certificate not valid", True),
    (aiohttp.ClientConnectorSSLError, "no TLS connection", False),
    (aiohttp.ClientConnectorDNSError, "name not found", False),
    (aiohttp.ServerTimeoutError, f"no connection within {CONNECT:g} seconds", False),
    (TimeoutError, "no answer within {deadline:g} seconds", False),
    (aiohttp.ClientConnectorError, "connection refused", False),
    (aiohttp.ServerDisconnectedError, "connection closed without an answer", False),
    (aiohttp.ClientOSError, "connection broke off", False),
    (aiohttp.ClientPayloadError, "answer broke off", False),
    (aiohttp.ClientResponseError, "answer is not HTTP", False),
)


@contextmanager
def attempted(url: str) -> Iterator[Target]:
    """Let one attempt reach what `url` names, and leave nothing of its connection behind."""
    target = read_url(url)
    attempt = Attempt(target.private_only)
    token = ATTEMPT.set(attempt)
    try:
        yield target
    except aiohttp.ClientError:
        if attempt.is_flooded:
            raise TooLong from None
        raise
    finally:
        ATTEMPT.reset(token)
        if attempt.transport:
            # Closing would wait until a receiver that never reads has read the rest.
            attempt.transport.abort()


def sent(headers: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in headers.items() if name.lower() not in MACHINERY}
    return {**kept, "Accept-Encoding": "identity"}


def heard(response: aiohttp.ClientResponse) -> Answer:
    """Return what the head of an answer says."""
    return Answer(
        status=response.status,
        headers={name.lower(): shown(value) for name, value in response.headers.items() if name.lower() in SHOWN},
        failure="redirects are not followed" if 300 <= response.status < 400 else "",
        retry_after=seconds(response.headers.get("Retry-After", "")),
    )


def shown(value: str) -> str:
    """Return a header's value as it can be stored and shown: a text of no more than 500 printable characters."""
    return "".join(filter(str.isprintable, value))[:500]


def seconds(retry_after: str) -> float | None:
    """Return how many seconds a Retry-After asks to wait, in either of its forms, or None if it says nothing."""
    if SECONDS.fullmatch(retry_after):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    wait = moment.replace(tzinfo=moment.tzinfo or UTC) - timezone.now()
    return max(0.0, wait.total_seconds())


async def read(response: aiohttp.ClientResponse, *, into: bytearray) -> None:
    """Read an answer's body until it ends or is more than anybody should send."""
    async for chunk in response.content.iter_any():
        into += chunk
        if len(into) >= READ:
            return
