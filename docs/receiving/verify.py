"""Says whether a webhook is genuine, with Python alone."""

import base64
import hmac
import re
import time
from collections.abc import Mapping, Sequence

TOLERANCE_SECONDS = 300


class Refused(Exception):
    """This is no webhook from Kith, or an old one sent again."""


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float | None = None) -> None:
    """Raise Refused unless one of the secrets signed this body a moment ago."""
    content = signed_content(headers, body, time.time() if now is None else now)
    given = headers["webhook-signature"].encode().split(b" ")
    for secret in secrets:
        expected = b"v1," + base64.b64encode(hmac.digest(key_of(secret), content, "sha256"))
        if any(hmac.compare_digest(expected, one) for one in given):
            return
    raise Refused("no signature fits")


def signed_content(headers: Mapping[str, str], body: bytes, now: float) -> bytes:
    """Return what was signed; raise Refused where a header is missing, or the time is not about now."""
    event_id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
    if not event_id or not timestamp or not headers.get("webhook-signature"):
        raise Refused("a header is missing")
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise Refused("the timestamp is not about now")
    return f"{event_id}.{timestamp}.".encode() + body


def key_of(secret: str) -> bytes:
    """Return the bytes of a secret; an empty one would let everybody sign."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    if len(key) < 24:
        raise ValueError("the webhook secret is empty or cut off")
    return key
