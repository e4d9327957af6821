"""Where a webhook may go: the addresses, the urls, the names and what is connected to in the end (F14)."""

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.webhooks.hostile import Receiver, answering, receiver
from webhooks import guard
from webhooks.guard import NOT_ALLOWED, Refused, check_url, is_allowed
from webhooks.sender import Answer, Post, Sender

# Every range of the registries at its ends, the lists of Svix and Convoy, and the metadata services of the clouds.
HOSTILE = """
    0.0.0.0 0.1.2.3 0.255.255.255
    10.0.0.0 10.0.0.1 10.1.2.3 10.254.0.0 10.255.255.255
    100.64.0.0 100.64.0.1 100.100.0.0 100.100.100.200 100.127.255.255
    127.0.0.0 127.0.0.1 127.0.0.53 127.1.2.3 127.255.255.255
    168.63.129.16 169.254.0.0 169.254.45.1 169.254.169.254 169.254.170.2 169.254.255.255
    172.16.0.0 172.16.10.65 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.170 192.0.0.192 192.0.0.255
    192.0.2.0 192.0.2.255 192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.0 192.168.10.65 192.168.255.255 192.175.48.1
    198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.65 203.0.113.6 203.0.113.255
    224.0.0.0 224.0.0.1 239.255.255.255 240.0.0.0 250.10.20.30 255.255.255.254 255.255.255.255
    :: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:0.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
    ::ffff:7f00:1 ::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8 0:0:0:ffff::1
    64:ff9b:: 64:ff9b::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b::a9fe:a9fe 64:ff9b:1::1 64:ff9b:1::127.0.0.1
    100:: 100::1 100:0:0:1::1 2001::1 2001:0:7f00:1:: 2001:1::1 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1
    2001:30::1 2001:1ff:ffff::1 2001:db8::1 2001:db8:ffff::1 2002:: 2002:7f00:1:: 2002:a9fe:a9fe::1 2002:808:808::1
    2620:4f:8000::1 3ffe::1 3fff::1 3fff:fff::1 4000::1 5f00::1 8000::1 c000::1 e000::1
    fc00::1 fd00:ec2::254 fd20:ce::254 fdff::1 fe80::1 fe80::1%eth0 fe80::1%1 febf::1 fec0::1 feff::1
    ff01::1 ff02::1 ff05::2 ff0e::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2606:4700::1111%1 ::ffff:8.8.8.8%1
    nonsense 127.1 0x7f.1 010.0.0.1 1.2.3 1.2.3.4.5
""".split()
PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0
    192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 203.0.112.255 203.0.114.0 223.255.255.255 ::ffff:8.8.8.8
    2001:200::1 2001:4860:4860::8888 2003::1 2606:4700:4700::1111 2620:fe::fe 2a00:1450:4001::1 3ffd::1 3fff:1000::1
""".split()

# What getaddrinfo, browsers and other libraries take for 127.0.0.1, ::1 and 0.0.0.0, in the place of a host.
DISGUISES = """
    127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.0.0.1 0x7F.1 0177.0.0.1 017700000001 0 0.0.0.0 0x0 127.0.0.1.
    １２７.０.０.１ ①②⑦.⓪.⓪.① 127。0。0。1 ２１３０７０６４３３ 0ｘ7f000001
    [::1] [::] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:0:0:1] [0:0:0:0:0:ffff:127.0.0.1]
    [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [2002:7f00:1::] [2001:0:7f00:1::] [::1%25lo]
    [::1%lo] [fe80::1%251] [v1.::1] [127.0.0.1] localhost LOCALHOST localhost. ⓛⓞⓒⓐⓛⓗⓞⓢⓣ ip6-localhost
    127.0.0.1%00.example.com %31%32%37.0.0.1 127.0.0.1\\@example.com user@127.0.0.1 example.com@127.0.0.1
    127.0.0.1%20 127.0.0.1..
""".split()  # noqa: RUF001  that is what they are for

CONNECTS: list[Any] = []
watched_thread = 0


def note(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and threading.get_ident() == watched_thread:
        CONNECTS.append(args[1])


sys.addaudithook(note)


@contextmanager
def connects() -> Iterator[list[Any]]:
    """Give every address that this thread connects to, as the interpreter itself tells."""
    global watched_thread  # noqa: PLW0603  hooks cannot be taken off
    CONNECTS.clear()
    watched_thread = threading.get_ident()
    try:
        yield CONNECTS
    finally:
        watched_thread = 0


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Receiver, Receiver]]:
    """Listen where nobody may connect, on ports that are not what keeps them away."""
    with receiver(answering()) as four, receiver(answering(), host="::1") as six:
        monkeypatch.setattr(guard, "PORTS", frozenset({443, 8443, four.port, six.port}))
        yield four, six


class Names:
    """A name service of which the tests write the answers; each list is one answer, the last stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: Any = None, *args: Any, **kwargs: Any) -> list[Any]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [info(address) for address in answer]


def info(address: str) -> Any:
    if ":" in address:
        plain, _, zone = address.partition("%")
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (plain, 0, 0, 1 if zone else 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Names]:
    def name(*answers: list[str]) -> Names:
        names = Names(*answers)
        monkeypatch.setattr(socket, "getaddrinfo", names)
        return names

    return name


def send(*urls: str, deadline: float = 5.0) -> list[Answer]:
    async def sending() -> list[Answer]:
        async with Sender(deadline) as sender:
            return [await sender.post(Post(url, {}, b"{}")) for url in urls]

    return asyncio.run(sending())


@pytest.mark.parametrize("address", HOSTILE)
def test_it_allows_no_address_of_special_purpose(address: str) -> None:
    assert not is_allowed(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_it_allows_public_addresses(address: str) -> None:
    assert is_allowed(address)


def test_it_allows_what_the_operator_opened(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETS = ("10.20.0.0/16", "fd12::/32")
    assert all(map(is_allowed, ["10.20.0.1", "::ffff:10.20.0.1", "fd12::1"]))
    assert not any(map(is_allowed, ["10.21.0.1", "::10.20.0.1", "64:ff9b::10.20.0.1", "fd13::1", "127.0.0.1"]))


def test_it_connects_to_none_of_them(canaries: tuple[Receiver, Receiver], tally: dict[str, str]) -> None:
    four, six = canaries
    hosts = [f"[{address}]" if ":" in address else address for address in HOSTILE] + DISGUISES
    urls = [
        f"{scheme}://{host}:{port}/" for scheme in ("https", "http") for host in hosts for port in (four.port, six.port)
    ]
    with connects() as made:
        answers = send(*urls)
    # "nonsense" and the like are names that nobody has.
    assert {answer.failure for answer in answers} <= {"address not allowed", "name not found"}
    assert made == []
    assert (four.connects, six.connects) == (0, 0)
    tally["hostile addresses"] = (
        f"{len(hosts)} hosts in {len(urls)} urls, {len(made)} connects, {four.connects + six.connects} at the canaries"
    )


def test_its_canaries_sing_when_they_are_reached(canaries: tuple[Receiver, Receiver], settings: Any) -> None:
    four, six = canaries
    settings.WEBHOOK_ALLOWED_NETS = ("127.0.0.1/32", "::1/128")
    with connects() as made:
        assert [answer.ok for answer in send(four.url, six.url)] == [True, True]
    assert [address[0] for address in made] == ["127.0.0.1", "::1"]
    assert (four.connects, six.connects) == (1, 1)


@pytest.mark.parametrize("address", HOSTILE[: HOSTILE.index("nonsense")])
def test_it_connects_to_no_name_that_leads_there(
    canaries: tuple[Receiver, Receiver], named: Callable[..., Names], address: str
) -> None:
    names = named([address])
    with connects() as made:
        [answer] = send(f"https://receiver.test:{canaries[0].port}/")
    assert answer.failure == "address not allowed" and answer.slow_retry
    assert (made, names.asked) == ([], ["receiver.test"])


@pytest.mark.parametrize(
    "answer",
    [["127.0.0.1", "8.8.8.8"], ["8.8.8.8", "127.0.0.1"], ["8.8.8.8"] * 30 + ["::1"], ["::ffff:7f00:1", "1.1.1.1"]],
)
def test_it_takes_a_mixed_answer_for_an_attack(
    canaries: tuple[Receiver, Receiver], named: Callable[..., Names], answer: list[str]
) -> None:
    names = named(answer)
    url = f"https://receiver.test:{canaries[0].port}/"
    with connects() as made:
        assert send(url)[0].failure == "address not allowed"
    assert (made, names.asked) == ([], ["receiver.test"])
    with pytest.raises(Refused, match="This address is not allowed"):
        check_url(url)


def test_it_is_not_fooled_by_an_answer_that_changes(
    canaries: tuple[Receiver, Receiver], named: Callable[..., Names]
) -> None:
    four, _ = canaries
    names = named(["93.184.216.34"], ["127.0.0.1"])
    url = f"https://receiver.test:{four.port}/"
    assert check_url(url) == url
    with connects() as made:
        assert [answer.failure for answer in send(url, url)] == ["address not allowed"] * 2
    # Once when it was saved, and once for each attempt: nothing is remembered.
    assert names.asked == ["receiver.test"] * 3
    assert (made, four.connects) == ([], 0)


def test_it_connects_to_the_address_that_it_checked(
    canaries: tuple[Receiver, Receiver], named: Callable[..., Names], settings: Any
) -> None:
    four, _ = canaries
    settings.WEBHOOK_ALLOWED_NETS = ("127.0.0.1/32",)
    names = named(["127.0.0.1"], ["::1"])
    with connects() as made:
        first, second = send(*[f"http://receiver.test:{four.port}/"] * 2)
    assert (first.ok, second.failure) == (True, "address not allowed")
    # Asked once for each attempt, and nothing is remembered of what a name once was.
    assert names.asked == ["receiver.test"] * 2
    assert made == [("127.0.0.1", four.port)]
    assert b"Host: receiver.test:" in four.requests[0]


def test_it_says_nothing_to_a_peer_that_it_did_not_check(
    canaries: tuple[Receiver, Receiver], named: Callable[..., Names], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    four, _ = canaries
    settings.WEBHOOK_ALLOWED_NETS = ("127.0.0.2/32",)
    connect = asyncio.selector_events.BaseSelectorEventLoop.sock_connect

    async def elsewhere(loop: Any, sock: socket.socket, address: Any) -> None:
        await connect(loop, sock, ("127.0.0.1", four.port))

    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", elsewhere)
    [answer] = send(f"http://127.0.0.2:{four.port}/")
    assert answer.failure == "address not allowed"
    assert four.requests == []


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "localhost", "127.0.0.1"])
def test_its_resolver_looks_at_the_answer_not_at_the_text(host: str) -> None:
    async def resolve() -> None:
        guard.ATTEMPT.set(guard.Attempt(""))
        await guard.GuardedResolver().resolve(host, 443)

    with pytest.raises(Refused, match="This address is not allowed"):
        asyncio.run(resolve())


def test_a_name_service_that_hangs_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    hung = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [hung.wait(20)][:0])
    try:
        start = time.monotonic()
        assert check_url("https://receiver.test/") == "https://receiver.test/"
        assert 1.9 < time.monotonic() - start < 2.5
        [answer] = send("https://receiver.test/", deadline=0.5)
        assert (answer.failure, answer.duration_ms < 1000) == ("no answer within 0.5 seconds", True)
    finally:
        hung.set()


def test_fifty_names_that_hang_hold_up_no_other(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    hung = threading.Event()

    def look_up(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        if host.startswith("hangs"):
            hung.wait(20)
        return [info("127.0.0.1")]

    async def send_all() -> list[Answer]:
        async with Sender(1) as sender:
            urls = [*(f"https://hangs-{n}.test/" for n in range(50)), f"http://good.test:{there.port}/"]
            return await asyncio.gather(*(sender.post(Post(url, {}, b"{}")) for url in urls))

    settings.WEBHOOK_ALLOWED_NETS = ("127.0.0.1/32",)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        with receiver(answering()) as there:
            *bad, good = asyncio.run(send_all())
        assert good.ok and good.duration_ms < 800
        assert {answer.failure for answer in bad} == {"no answer within 1 seconds"}
    finally:
        hung.set()


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://Example.com", "https://example.com/"),
        ("HTTPS://example.com.:443/a", "https://example.com/a"),
        ("https://example.com:8443/a?b=c&d=%2F", "https://example.com:8443/a?b=c&d=%2F"),
        ("https://bücher.example/größe?ß", "https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe?%C3%9F"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://[2606:4700:4700:0:0:0:0:1111]:8443/", "https://[2606:4700:4700::1111]:8443/"),
        ("https://8.8.8.8:443", "https://8.8.8.8/"),
        ("https://my_service.example/", "https://my_service.example/"),
        ("https://example.com?a=b", "https://example.com/?a=b"),
    ],
)
def test_it_writes_a_good_url_in_one_way(named: Callable[..., Names], url: str, plain: str) -> None:
    named(["93.184.216.34"])
    assert check_url(url) == plain
    assert check_url(plain) == plain


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://example.com/", "must start with https://"),
        ("http://8.8.8.8/", "must start with https://"),
        ("https://example.com:22/", "port 443 or 8443"),
        ("https://example.com:80/", "port 443 or 8443"),
        ("https://example.com:0/", "cannot be read"),
        ("https://example.com:65536/", "cannot be read"),
        ("https://example.com:https/", "cannot be read"),
        ("https://example.com:/", "cannot be read"),
        ("ftp://example.com/", "must be a whole one"),
        ("example.com/hook", "must be a whole one"),
        ("//example.com/hook", "must be a whole one"),
        ("https:example.com", "must be a whole one"),
        ("https:///hook", "must be a whole one"),
        ("", "must be a whole one"),
        ("https://ada@example.com/", "a user or a password"),
        ("https://ada:secret@example.com/", "a user or a password"),
        ("https://@example.com/", "a user or a password"),
        ("https://example.com/#top", "a fragment"),
        ("https://example.com/#", "a fragment"),
        ("https://example.com/a b", "a space"),
        ("https://example.com/\ta", "a space"),
        ("https://example.com/a\r\nX: b", "a space"),
        ("https://exam\0ple.com/", "a space"),
        ("https://example.com\\@127.0.0.1/", "a space"),
        ("https://example\u200b.com/", "a space"),
        ("https://example\u3000.com/", "a space"),
        (f"https://example.com/{'a' * 2048}", "longer than 2,048"),
        (f"https://example.com/{'ü' * 400}", "longer than 2,048"),
        ("https://[example.com]/", "IPv6 address stands in brackets"),
        ("https://[127.0.0.1]/", "IPv6 address stands in brackets"),
        ("https://[::1/", "IPv6 address stands in brackets"),
        ("https://[2606:4700::1%25eth0]/", "cannot be read"),
        ("https://[v1.a]/", "cannot be read"),
        ("https://2606:4700::1/", "cannot be read"),
        ("https://exa%6dple.com/", "not a valid name"),
        ("https://-example.com/", "not a valid name"),
        ("https://exa..mple.com/", "not a valid name"),
        (f"https://{'a' * 64}.com/", "not a valid name"),
        (f"https://{'a.' * 130}com/", "not a valid name"),
        ("https://./", "not a valid name"),
        ("https://2130706433/", "looks like a number"),
        ("https://0x7f000001/", "looks like a number"),
        ("https://127.1/", "looks like a number"),
        ("https://8.8.8/", "looks like a number"),
        ("https://example.1/", "looks like a number"),
    ],
)
def test_it_says_what_is_wrong_with_a_bad_url(named: Callable[..., Names], url: str, sentence: str) -> None:
    named(["93.184.216.34"])
    with pytest.raises(Refused, match=sentence):
        check_url(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "[::1]", "10.9.8.7", "[fd00::1]", "192.0.2.1", "localhost"]
)
def test_it_says_the_same_of_every_private_address(host: str) -> None:
    with pytest.raises(Refused) as refused:
        check_url(f"https://{host}/")
    assert str(refused.value) == NOT_ALLOWED


def test_it_accepts_a_name_that_is_not_known_now() -> None:
    assert check_url("https://receiver.invalid/hook") == "https://receiver.invalid/hook"


def test_it_needs_no_certificate_inside_the_nets_of_the_operator(named: Callable[..., Names], settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETS = ("10.20.0.0/16",)
    assert check_url("http://10.20.0.1:8000/") == "http://10.20.0.1:8000/"
    named(["10.20.0.1", "10.20.0.2"])
    assert check_url("http://receiver.internal:3000/") == "http://receiver.internal:3000/"
    assert check_url("https://receiver.internal:22/") == "https://receiver.internal:22/"
    for answer in (["10.20.0.1", "8.8.8.8"], ["8.8.8.8"], []):
        named(answer)
        with pytest.raises(Refused, match="must start with https"):
            check_url("http://receiver.internal/")
