"""One POST to a real receiver on a real port: what is sent, what is made of the answer, and what never happens."""

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.webhooks.certificates import Authority
from tests.webhooks.hostile import Receiver, answering, interrupting, receiver, saying, silent, unreading
from webhooks.sender import Answer, Post, Sender

OURS = {"Content-Type": "application/json", "User-Agent": "Kith-Webhooks/1", "webhook-id": "evt_1"}


@pytest.fixture(autouse=True)
def allowed(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETS = ("127.0.0.1/32",)


@pytest.fixture
def good() -> Iterator[Receiver]:
    with receiver(answering()) as there:
        yield there


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def send(
    url: str,
    body: bytes = b"{}",
    headers: Mapping[str, str] = OURS,
    deadline: float = 5.0,
    trusted: ssl.SSLContext | None = None,
) -> Answer:
    async def sending() -> Answer:
        async with Sender(deadline, ssl_context=trusted) as sender:
            return await sender.post(Post(url, headers, body))

    return asyncio.run(sending())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_it_sends_the_very_bytes_and_headers(good: Receiver) -> None:
    answer = send(f"{good.url}?a=%2F&b=%C3%BC", b'{"name": "\xc3\x9c"}')
    head, _, body = good.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /hook?a=%2F&b=%C3%BC HTTP/1.1",
        f"Host: 127.0.0.1:{good.port}".encode(),
        b"Content-Type: application/json",
        b"User-Agent: Kith-Webhooks/1",
        b"webhook-id: evt_1",
        b"Accept-Encoding: identity",
        b"Content-Length: 14",
        b"Connection: close",
    ]
    assert body == b'{"name": "\xc3\x9c"}'
    assert (answer.status, answer.body, answer.failure, answer.ok) == (200, b"thanks", "", True)
    assert 0 <= answer.duration_ms < 2000


@pytest.mark.parametrize(
    "name", "Host Content-Length transfer-encoding Connection Accept-Encoding Expect Cookie Trailer TE Upgrade".split()
)
def test_it_lets_nobody_set_the_machinery(good: Receiver, name: str) -> None:
    assert send(good.url, headers={**OURS, name: "smuggled"}).ok
    assert b"smuggled" not in good.requests[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_it_follows_no_redirect(good: Receiver, status: int) -> None:
    with receiver(answering(status, b"", f"Location: {good.url}")) as there:
        answer = send(there.url)
    assert (answer.status, answer.failure, answer.ok) == (status, "redirects are not followed", False)
    assert (there.connects, good.connects) == (1, 0)


@pytest.mark.parametrize("status", [400, 410, 429, 500, 503])
def test_it_hands_on_other_statuses_without_words(status: int) -> None:
    with receiver(answering(status, b"no")) as there:
        answer = send(there.url)
    assert (answer.status, answer.failure, answer.ok, answer.slow_retry) == (status, "", False, False)


def test_it_remembers_no_cookie_and_keeps_no_connection() -> None:
    async def twice() -> None:
        async with Sender() as sender:
            for _ in range(2):
                assert (await sender.post(Post(there.url, OURS, b"{}"))).ok

    with receiver(answering(200, b"", "Set-Cookie: seen=1", "Connection: keep-alive")) as there:
        asyncio.run(twice())
    assert there.connects == 2
    assert b"seen" not in b"".join(there.requests).lower()


def test_it_ignores_what_the_environment_says(
    good: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, authority: Authority
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password lovelace\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with receiver(answering()) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        assert send(good.url).ok
    assert (good.connects, proxy.connects) == (1, 0)
    assert b"authorization" not in good.requests[0].lower()


def test_it_accepts_a_good_certificate(authority: Authority) -> None:
    with receiver(answering(), ssl=authority.receiver("127.0.0.1")) as there:
        assert send(there.url, trusted=authority.trusting()).ok
        # Without that authority it is as bad as any.
        assert send(there.url).failure == "certificate not valid"


@pytest.mark.parametrize("fault", ["self-signed", "of another name", "expired"])
def test_it_refuses_a_bad_certificate(authority: Authority, fault: str) -> None:
    context = {
        "self-signed": lambda: authority.receiver("127.0.0.1", itself=True),
        "of another name": lambda: authority.receiver("receiver.test"),
        "expired": lambda: authority.receiver("127.0.0.1", age=timedelta(days=9)),
    }[fault]()
    with receiver(answering(), ssl=context) as there:
        answer = send(there.url, trusted=authority.trusting())
    assert (answer.status, answer.failure, answer.slow_retry) == (None, "certificate not valid", True)
    assert not there.requests


def test_it_names_the_host_in_the_handshake(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    context, named = authority.receiver("receiver.test"), []
    context.sni_callback = lambda connection, name, _: named.append(name)
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: [(2, 1, 6, "", ("127.0.0.1", 0))])
    with receiver(answering(), ssl=context) as there:
        answer = send(there.url.replace("127.0.0.1", "receiver.test"), trusted=authority.trusting())
    assert answer.ok, answer
    assert named == ["receiver.test"]
    assert f"Host: receiver.test:{there.port}".encode() in there.requests[0]


def test_it_gives_up_on_a_stalled_handshake(authority: Authority) -> None:
    # It accepts, and says nothing.
    with receiver(unreading) as there:
        answer = send(there.url.replace("http", "https"), deadline=1)
    assert answer.failure == "no answer within 1 seconds"
    assert answer.duration_ms < 2000


def test_it_tells_plain_http_from_tls() -> None:
    with receiver(interrupting) as there:
        assert send(there.url.replace("http", "https")).failure == "no TLS connection"


def test_it_says_that_nobody_listens() -> None:
    answer = send(f"http://127.0.0.1:{free_port()}/")
    assert (answer.status, answer.failure, answer.ok) == (None, "connection refused", False)


def test_it_says_that_a_name_is_not_found() -> None:
    answer = send("https://receiver.invalid/hook")
    assert (answer.failure, answer.slow_retry) == ("name not found", False)


@pytest.mark.parametrize(
    "url",
    ["http://8.8.8.8/", "https://8.8.8.8:22/", "https://10.0.0.1/", "ftp://127.0.0.1/", "", "https://[::1/", "//x"],
)
def test_it_sends_nothing_to_a_url_that_is_refused(url: str) -> None:
    answer = send(url)
    assert (answer.failure, answer.slow_retry, answer.status) == ("address not allowed", True, None)


@pytest.mark.parametrize("headers", [{"X-A": "a\r\nX-B: b"}, {"X-A\r\nX-B": "b"}, {"X-A": "a\0b"}])
def test_it_answers_even_what_nobody_should_ask(good: Receiver, headers: dict[str, str]) -> None:
    answer = send(good.url, headers=headers)
    assert not answer.ok or b"X-B" not in good.requests[0]
    assert answer.ok or answer.failure == "could not be sent"


@pytest.mark.parametrize(
    ("value", "wait"), [("120", 120), ("0", 0), ("", None), ("-5", None), ("soon", None), ("9" * 400, None)]
)
def test_it_reads_how_long_to_wait(value: str, wait: float | None) -> None:
    with receiver(answering(503, b"", f"Retry-After: {value}")) as there:
        assert send(there.url).retry_after == wait


@pytest.mark.parametrize(("ahead", "low", "high"), [(300, 290, 300), (-300, 0, 0)])
def test_it_reads_until_when_to_wait(ahead: int, low: float, high: float) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=ahead)
    with receiver(answering(429, b"", f"Retry-After: {moment:%a, %d %b %Y %H:%M:%S} GMT")) as there:
        wait = send(there.url).retry_after
    assert wait is not None and low <= wait <= high


def test_it_shows_few_headers_and_those_clean() -> None:
    shown = ["Content-Type: text/plain", "X-Request-Id: 7", f"Server: {'s' * 900}"]
    hidden = ["Set-Cookie: a=b", "X-Secret: c"]
    with receiver(answering(200, b"", *shown, *hidden)) as there:
        assert send(there.url).headers == {"content-type": "text/plain", "x-request-id": "7", "server": "s" * 500}
    with receiver(saying(b"HTTP/1.1 200 OK\r\nServer: \xff\xfe\xc2\x85ok\r\nContent-Length: 0\r\n\r\n")) as there:
        assert send(there.url).headers == {"server": "ok"}


def test_it_ends_when_it_is_told_to() -> None:
    async def cancelled() -> None:
        async with Sender() as sender:
            task = asyncio.create_task(sender.post(Post(there.url, OURS, b"{}")))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with receiver(silent) as there:
        asyncio.run(cancelled())
    assert there.connects == 1


# Both ends are in this process, and shaking a hundred hands would take most of the deadline on a busy machine.
@pytest.mark.parametrize(("count", "secure"), [(99, False), (30, True)])
def test_it_sends_many_at_once_and_leaves_nothing_behind(authority: Authority, count: int, secure: bool) -> None:
    async def send_all() -> list[Answer]:
        async with Sender(3, ssl_context=authority.trusting()) as sender:
            urls = [bad.url, good.url, mute.url]
            before = psutil.Process(os.getpid()).num_fds()
            answers = await asyncio.gather(
                *(sender.post(Post(urls[n % 3], OURS, b"x" * 500_000)) for n in range(count))
            )
            await asyncio.sleep(0.1)
            # The receivers live in this process too, and hold the other end of what is still open.
            assert psutil.Process(os.getpid()).num_fds() - before <= count * 2 / 3
            assert len(asyncio.all_tasks()) == 1
            return answers

    context = authority.receiver("127.0.0.1") if secure else None
    with (
        receiver(unreading, ssl=context) as bad,
        receiver(answering(), ssl=context) as good,
        receiver(silent, ssl=context) as mute,
    ):
        answers = asyncio.run(send_all())
    assert {answer.failure for answer in answers[1::3]} == {""}
    assert not any(answer.ok for n, answer in enumerate(answers) if n % 3 != 1)
    assert max(answer.duration_ms for answer in answers) < 4000
