"""The headers that an endpoint may add to its deliveries: none that carries a meaning of ours, none that smuggles."""

import re
from collections.abc import Mapping

from webhooks.guard import Refused

__all__ = ["OURS", "check_headers"]

OURS = frozenset(
    """accept-encoding connection content-encoding content-length content-type cookie date expect forwarded host
    keep-alive proxy-authorization proxy-connection te trailer transfer-encoding upgrade user-agent via""".split()
)
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
MOST = 20
SIZE = 4096


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise Refused, naming the header, unless an endpoint may have `headers` sent along."""
    if len(headers) > MOST:
        raise Refused(f"There are {len(headers)} headers, and at most {MOST} may be sent along. Leave some out.")
    seen: set[str] = set()
    for name, value in headers.items():
        check_header(name, value)
        if name.lower() in seen:
            raise Refused(f"The header {name} is given twice. Names of headers do not differ by capitals: keep one.")
        seen.add(name.lower())
    if sum(len(name) + len(value) + 4 for name, value in headers.items()) > SIZE:
        longest = max(headers, key=lambda name: len(name) + len(headers[name]))
        raise Refused(f"The headers are longer than {SIZE:,} bytes together. Shorten {longest}.")


def check_header(name: str, value: str) -> None:
    if not NAME.fullmatch(name):
        raise Refused(f"{name[:100]!a} is not a valid name of a header. Use letters, digits and hyphens.")
    if is_ours(name):
        raise Refused(f"The header {name} is set by Kith and cannot be changed. Choose another name, like X-{name}.")
    if not VALUE.fullmatch(value):
        raise Refused(f"The value of the header {name} must be one line of visible ASCII characters. Correct it.")


def is_ours(name: str) -> bool:
    """Tell whether a header is one that only Kith sets."""
    return name.lower() in OURS or name.lower().startswith("webhook-")
