"""Which addresses a webhook may be sent to: asked when it is saved, and again by every single attempt."""

import re
import socket
from asyncio import Transport, timeout, wrap_future
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from urllib.parse import quote, urlsplit

import idna
from aiohttp.abc import AbstractResolver, ResolveResult

from webhooks.addresses import Address, is_allowed, is_in_allowed_nets, to_address
from webhooks.names import look_up

__all__ = [
    "ATTEMPT",
    "NOT_ALLOWED",
    "Attempt",
    "GuardedResolver",
    "Refused",
    "Target",
    "check_url",
    "is_allowed",
    "read_url",
]

# One text for everything that is private or reserved: whoever asks learns nothing of the network Kith stands in.
NOT_ALLOWED = (
    "This address is not allowed. Use one that is reachable from the internet, or let the operator of this "
    "installation add its network to WEBHOOK_ALLOWED_NETS."
)
LENGTH = 2048
PORTS = frozenset({443, 8443})
STANDARD = {"http": 80, "https": 443}
NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
NETLOC = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?")
TRIED = 8
FLOOD = 512 * 1024


class Refused(ValueError):
    """The address is not one that a webhook may be sent to; the text says what is wrong and the way out."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a url leads, as far as its text tells."""

    url: str
    host: str
    port: int
    address: Address | None
    private_only: str  # why this may be used inside the operator's own nets alone, or ""


def check_url(url: str) -> str:
    """Return `url` in its normal form, or raise Refused; a name that cannot be found at the moment is accepted."""
    target = read_url(url)
    if target.address:
        check_addresses([target.address])
        check_addresses([target.address], private_only=target.private_only)
    else:
        addresses = found(target.host)
        if addresses or target.private_only:
            check_addresses(addresses, private_only=target.private_only)
    return target.url


def check_addresses(addresses: Sequence[Address | str], *, private_only: str = "") -> None:
    """Raise Refused unless every one of `addresses` may be reached: a mixed answer is an attack."""
    if private_only and not (addresses and all(map(is_in_allowed_nets, addresses))):
        raise Refused(private_only)
    if not all(map(is_allowed, addresses)):
        raise Refused(NOT_ALLOWED)


def read_url(url: str) -> Target:
    """Return where `url` leads, without asking anybody; raise Refused if its text breaks a rule."""
    if len(url) > LENGTH:
        raise Refused(f"The address is longer than {LENGTH:,} characters. Use a shorter one.")
    if not url.isprintable() or " " in url or "\\" in url:
        raise Refused("The address contains a space, a backslash or a control character. Take it out, or encode it.")
    if "#" in url:
        raise Refused("The address has a fragment, which is never sent. Leave out everything from the # on.")
    scheme, netloc, path, query = split(url)
    host, address, port = read_netloc(netloc, STANDARD[scheme])
    shown = f"[{host}]" if isinstance(address, IPv6Address) else host
    where = shown if port == STANDARD[scheme] else f"{shown}:{port}"
    plain = f"{scheme}://{where}{encoded(path) or '/'}{'?' if query else ''}{encoded(query)}"
    if len(plain) > LENGTH:
        raise Refused(f"The address is longer than {LENGTH:,} characters once it is encoded. Use a shorter one.")
    return Target(plain, host, port, address, private_only(scheme, port))


def private_only(scheme: str, port: int) -> str:
    """Return why an address of this scheme and port may be used inside the operator's own nets alone, or ""."""
    if scheme != "https":
        return "The address must start with https://. Plain http is for networks in WEBHOOK_ALLOWED_NETS alone."
    return "" if port in PORTS else "The address must use port 443 or 8443. Leave the port out, or use one of them."


def split(url: str) -> tuple[str, str, str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Refused("The host of the address cannot be read. Only an IPv6 address stands in brackets.") from None
    if parts.scheme not in STANDARD or not parts.netloc:
        raise Refused("The address must be a whole one, like https://example.com/webhooks.")
    if "@" in parts.netloc:
        raise Refused("The address contains a user or a password. Send them in a header of your own instead.")
    return parts.scheme, parts.netloc, parts.path, parts.query


def read_netloc(netloc: str, standard: int) -> tuple[str, Address | None, int]:
    match = NETLOC.fullmatch(netloc)
    if not match or not 0 < int(match["port"] or standard) < 65536:
        raise Refused("The host or the port of the address cannot be read. Write it like https://example.com:8443/.")
    port = int(match["port"] or standard)
    if match["v6"]:
        address = to_address(match["v6"])
        if not isinstance(address, IPv6Address):
            raise Refused("Only an IPv6 address stands in brackets. Take them away, or correct the address inside.")
        return str(address), address, port
    host = to_host(match["name"])
    address = to_address(host)
    # Forms like 127.1, 0x7f000001 and 2130706433 are read in a different way by each library that meets them.
    if address is None and NUMBER.fullmatch(host):
        raise Refused("The host looks like a number. Write an IPv4 address as four plain numbers, like 192.0.2.10.")
    return host, address, port


def to_host(name: str) -> str:
    """Return a host's name as the name service knows it: in ASCII, in small letters, without the dot at its end."""
    try:
        host = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode().lower()
    except idna.IDNAError:
        host = ""
    host = host.removesuffix(".")
    if not NAME.fullmatch(host):
        raise Refused("The host of the address is not a valid name. Write it like https://example.com/webhooks.")
    return host


def encoded(text: str) -> str:
    return quote(text, safe="%/:=&?~+!$,;'@()*[]")


def found(host: str) -> list[str]:
    """Return the addresses of `host`, or none if the name service has no answer within two seconds."""
    answer = look_up(host)
    try:
        return answer.result(timeout=2)
    except OSError:
        # A time that is out is an OSError as well.
        answer.cancel()
        return []


@dataclass(slots=True)
class Attempt:
    """What one attempt may reach, what it was allowed, and the connection that came of it."""

    private_only: str
    checked: set[Address] = field(default_factory=set)
    transport: Transport | None = None
    read: int = 0

    @property
    def is_flooded(self) -> bool:
        """Tell whether the receiver said more than an answer's head and as much of its body as is read can be."""
        return self.read > FLOOD

    def check(self, addresses: Sequence[str]) -> None:
        """Raise Refused unless every one of `addresses` may be reached; remember them."""
        check_addresses(addresses, private_only=self.private_only)
        self.checked.update(filter(None, map(to_address, addresses)))


# What is being attempted by the task that runs: aiohttp carries it to the resolver and to the making of the socket.
ATTEMPT: ContextVar[Attempt] = ContextVar("ATTEMPT")


class GuardedResolver(AbstractResolver):
    """Resolves a name once for each attempt, and hands over addresses only if every one of them may be reached."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            async with timeout(5):
                addresses = await wrap_future(look_up(host))
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "no answer") from None
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        ATTEMPT.get().check(addresses)
        return [result(host, address, port) for address in addresses[:TRIED]]

    async def close(self) -> None:
        """Hold nothing, so that nothing is to be closed."""


def result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=socket.IPPROTO_TCP, flags=flags)
