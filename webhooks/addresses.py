"""Which addresses a webhook may reach: a list of our own, as that of Python differs from release to release."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

__all__ = ["Address", "is_allowed", "is_in_allowed_nets", "to_address"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The special-purpose registry of IANA for IPv4, whole, and what clouds hide behind public numbers.
REFUSED_V4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, reachable from each of its machines alone
        "169.254.0.0/16",  # link-local; the metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT relays
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)

# Everything that is reachable by all lies in here. Outside: loopback, IPv4-compatible, NAT64 (64:ff9b::/96 and
# 64:ff9b:1::/48), discard-only (100::/64), SRv6 (5f00::/16), unique local, link-local, site-local, multicast.
GLOBAL_V6 = IPv6Network("2000::/3")
REFUSED_V6 = tuple(
    IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID and its second version, benchmarks, anycasts
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the 6bone, given back
        "3fff::/20",  # documentation
    )
)


@lru_cache(maxsize=1024)
def to_address(text: str) -> Address | None:
    """Return the address that `text` is, or None for a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_allowed(address: str | Address) -> bool:
    """Tell whether a webhook may be sent to `address`; WEBHOOK_ALLOWED_NETS opens what would be refused."""
    plain = unwrapped(address)
    return plain is not None and (lies_in(plain, allowed_nets()) or is_public(plain))


def is_in_allowed_nets(address: str | Address) -> bool:
    """Tell whether `address` lies in a net that the operator opened: there neither certificates nor ports matter."""
    plain = unwrapped(address)
    return plain is not None and lies_in(plain, allowed_nets())


def unwrapped(address: str | Address) -> Address | None:
    """Return the address that is meant: of IPv4 in IPv6 the IPv4 inside, of one with a zone or of a mere text none."""
    plain = to_address(address) if isinstance(address, str) else address
    if isinstance(plain, IPv6Address):
        return None if plain.scope_id else plain.ipv4_mapped or plain
    return plain


def is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not lies_in(address, REFUSED_V4)
    return address in GLOBAL_V6 and not lies_in(address, REFUSED_V6)


def lies_in(address: Address, nets: tuple[Network, ...]) -> bool:
    return any(address in net for net in nets)


def allowed_nets() -> tuple[Network, ...]:
    return parsed(tuple(settings.WEBHOOK_ALLOWED_NETS))


@lru_cache(maxsize=8)
def parsed(nets: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(net, strict=False) for net in nets)
