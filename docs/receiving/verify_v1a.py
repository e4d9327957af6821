"""The same for an endpoint that signs with a key pair; it needs the package cryptography."""

import base64
import time
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from verify import Refused, signed_content


def verify_v1a(keys: Sequence[str], headers: Mapping[str, str], body: bytes, now: float | None = None) -> None:
    """Raise Refused unless the owner of one of the public keys signed this body a moment ago."""
    content = signed_content(headers, body, time.time() if now is None else now)
    given = [one[4:] for one in headers["webhook-signature"].split(" ") if one.startswith("v1a,")]
    for key in keys:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_"), validate=True))
        for one in given:
            try:
                public.verify(base64.b64decode(one, validate=True), content)
            except (InvalidSignature, ValueError):
                continue
            return
    raise Refused("no signature fits")
