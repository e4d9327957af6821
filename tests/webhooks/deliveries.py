"""Deliveries, genuine and wrong, signed by the library of Standard Webhooks: what a receiver must tell apart."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

NOW = 1_800_000_000
BODY = '{"id": "evt_01", "type": "client.updated", "data": {"name": "Zoë 🔧"}}'.encode()
SECRET, OLD, FOREIGN = (f"whsec_{b64encode(bytes([number]) * 32).decode()}" for number in (1, 2, 3))
PAIR, OTHER_PAIR = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (4, 5))
WIDE = "".join(chr(ord(digit) + 0xFEE0) for digit in str(NOW))  # digits, but none of ASCII
TIME, HEADER, NONE_FITS, BAD_SECRET = (
    "the timestamp is not about now",
    "a header is missing",
    "no signature fits",
    "cut off",
)


def signature(secret: str = SECRET, *, body: bytes = BODY, event: str = "evt_01", sent: int = NOW) -> str:
    """Sign as the library of Standard Webhooks does."""
    return Webhook(secret).sign(event, datetime.fromtimestamp(sent, UTC), body.decode())


def signature_v1a(pair: Ed25519PrivateKey = PAIR, *, body: bytes = BODY, event: str = "evt_01", sent: int = NOW) -> str:
    return f"v1a,{b64encode(pair.sign(f'{event}.{sent}.'.encode() + body)).decode()}"


def public(pair: Ed25519PrivateKey) -> str:
    return f"whpk_{b64encode(pair.public_key().public_bytes_raw()).decode()}"


def case(
    name: str, expected: str, *, sign: Callable[..., str] = signature, **changed: Any
) -> tuple[str, dict[str, Any], str]:
    """Describe one request: signed rightly, but for what is `changed`."""
    sent = changed.get("sent", NOW)
    headers = {"webhook-id": "evt_01", "webhook-timestamp": str(sent), "webhook-signature": sign(sent=sent)}
    headers = {name: text for name, text in {**headers, **changed.get("headers", {})}.items() if text is not None}
    asymmetric = sign is signature_v1a
    secrets = changed.get("secrets", [public(PAIR)] if asymmetric else [SECRET])
    body = b64encode(changed.get("body", BODY)).decode()
    return name, {"asymmetric": asymmetric, "secrets": secrets, "headers": headers, "body": body, "now": NOW}, expected


def bare(header: str) -> str:
    """Return a signature without its version."""
    return header.partition(",")[2]


def signed(text: str) -> dict[str, Any]:
    return {"headers": {"webhook-signature": text}}


def timed(text: str) -> dict[str, Any]:
    return {"headers": {"webhook-timestamp": text}}


GOOD, GOOD_V1A = signature(), signature_v1a()
# What both ways of signing must tell apart.
COMMON = [
    entry
    for sign, good, foreign, secrets in (
        (signature, GOOD, signature(FOREIGN), [FOREIGN, SECRET]),
        (signature_v1a, GOOD_V1A, signature_v1a(OTHER_PAIR), [public(OTHER_PAIR), public(PAIR)]),
    )
    for entry in (
        case("genuine", "ok", sign=sign),
        case("299 seconds old", "ok", sign=sign, sent=NOW - 299),
        case("300 seconds old", "ok", sign=sign, sent=NOW - 300),
        case("301 seconds old", TIME, sign=sign, sent=NOW - 301),
        case("299 seconds ahead", "ok", sign=sign, sent=NOW + 299),
        case("301 seconds ahead", TIME, sign=sign, sent=NOW + 301),
        case("a changed body", NONE_FITS, sign=sign, body=BODY.replace(b"01", b"02")),
        case("a body with a blank more", NONE_FITS, sign=sign, body=BODY + b" "),
        case("a body written anew", NONE_FITS, sign=sign, body=json.dumps(json.loads(BODY)).encode()),
        case("no body", NONE_FITS, sign=sign, body=b""),
        case("a body that is no text", NONE_FITS, sign=sign, body=b"\xff\x00\xfe"),
        case("another id", NONE_FITS, sign=sign, headers={"webhook-id": "evt_02"}),
        case("another time, still about now", NONE_FITS, sign=sign, **timed(str(NOW + 1))),
        case("signed by another", NONE_FITS, sign=sign, **signed(foreign)),
        case("two signatures, ours last", "ok", sign=sign, **signed(f"{foreign} {good}")),
        case("two signatures, ours first", "ok", sign=sign, **signed(f"{good} {foreign}")),
        case("garbage beside ours", "ok", sign=sign, **signed(f"v9,= v1 v1, v1a, , {good}")),
        case("two secrets, ours last", "ok", sign=sign, secrets=secrets),
        case("no secret", NONE_FITS, sign=sign, secrets=[]),
        case("no id", HEADER, sign=sign, headers={"webhook-id": None}),
        case("an empty id", HEADER, sign=sign, headers={"webhook-id": ""}),
        case("no time", HEADER, sign=sign, headers={"webhook-timestamp": None}),
        case("no signature", HEADER, sign=sign, headers={"webhook-signature": None}),
        case("an empty signature", HEADER, sign=sign, **signed("")),
        *(
            case(f"the signature {text[:30]!r}", NONE_FITS, sign=sign, **signed(text))
            for text in (
                " ", "garbage", "v1", "v1,", "v1a,", "v1,!!!!", "v1a,!!!!", "v1,é", "v1a,é", bare(good),
                "v2," + bare(good), good[:-4], good.upper(), good.replace(",", ", "), "v1," + "A" * 9000,
                "v1a," + "A" * 86 + "==", "v1a," + "A" * 43 + "=", " ".join(["v1,AAAA"] * 500),
            )
        ),
        *(
            case(f"the time {text!r}", TIME, sign=sign, **timed(text))
            for text in (
                "abc", "0", "-1", f"-{NOW}", f"+{NOW}", f" {NOW}", f"{NOW} ", f"{NOW}\n", f"{NOW}.0", f"{NOW}e0", "NaN",
                f"{NOW}000", "9" * 40, hex(NOW), f"{NOW:_}", WIDE,
            )
        ),
    )
]  # fmt: skip
CASES = [
    *COMMON,
    case("a rotation, the sender still on the old secret", "ok", secrets=[SECRET, OLD], **signed(signature(OLD))),
    case("a rotation, signed with both", "ok", secrets=[OLD], **signed(f"{GOOD} {signature(OLD)}")),
    case("a secret without its beginning", "ok", secrets=[SECRET.removeprefix("whsec_")]),
    case("an empty secret, and a signature made with it", BAD_SECRET, secrets=["whsec_"]),
    case("a secret that is cut off", BAD_SECRET, secrets=["whsec_AAAA"]),
    case("a signature of the other kind", NONE_FITS, **signed(GOOD_V1A)),
    case("a letter more", NONE_FITS, **signed(GOOD + "A")),
    case("one of each kind", "ok", **signed(f"{GOOD_V1A} {GOOD}")),
    case("v1a: a signature of the other kind", NONE_FITS, sign=signature_v1a, **signed(GOOD)),
    case("v1a: one of each kind", "ok", sign=signature_v1a, **signed(f"{GOOD} {GOOD_V1A}")),
    case("v1a: our signature called v1", NONE_FITS, sign=signature_v1a, **signed(GOOD_V1A.replace("v1a", "v1"))),
]
