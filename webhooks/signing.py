"""Signatures of Standard Webhooks 1.0: `v1` is HMAC-SHA256 with a shared secret, `v1a` is Ed25519 with a key pair."""

import hmac
import secrets as random
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["new_secret", "new_signing_key", "public_jwk", "public_key", "sign"]

LENGTH = 32
SECRET, SIGNING_KEY, PUBLIC_KEY = "whsec_", "whsk_", "whpk_"
# Parsing an Ed25519 key costs as much as signing with it.
CACHED = 4096


def new_secret() -> str:
    """Return a new secret that sender and receiver share: `whsec_` and 32 random bytes in base64."""
    return f"{SECRET}{to_text(random.token_bytes(LENGTH))}"


def new_signing_key() -> str:
    """Return a new private key, for the sender alone: `whsk_` and the 32 bytes of an Ed25519 seed in base64."""
    return f"{SIGNING_KEY}{to_text(random.token_bytes(LENGTH))}"


def public_key(signing_key: str) -> str:
    """Return what receivers verify with: `whpk_` and the public key of `signing_key` in base64."""
    return f"{PUBLIC_KEY}{to_text(public_bytes(signing_key))}"


def public_jwk(signing_key: str) -> dict[str, str]:
    """Return the public key as a JSON Web Key (RFC 8037); its `kid` is the thumbprint of RFC 7638."""
    x = to_url_text(public_bytes(signing_key))
    thumbprint = to_url_text(sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": thumbprint, "use": "sig", "alg": "EdDSA"}


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature`: one signature per secret or signing key, in the order given.

    `timestamp` is in seconds; `body` must be the bytes that are sent. Raises ValueError for what is no secret.
    """
    content = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return " ".join([signer(secret)(content) for secret in secrets])


@lru_cache(CACHED)
def signer(secret: str) -> Callable[[bytes], str]:
    """Return the function that signs with `secret`; its beginning decides how."""
    for beginning, make in SIGNERS.items():
        if secret.startswith(beginning):
            return make(to_bytes(secret))
    raise ValueError("Neither a secret (whsec_) nor a signing key (whsk_).")


def shared(key: bytes) -> Callable[[bytes], str]:
    return lambda content: f"v1,{to_text(hmac.digest(key, content, 'sha256'))}"


def asymmetric(seed: bytes) -> Callable[[bytes], str]:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return lambda content: f"v1a,{to_text(key.sign(content))}"


SIGNERS = {SECRET: shared, SIGNING_KEY: asymmetric}


@lru_cache(CACHED)
def public_bytes(signing_key: str) -> bytes:
    if not signing_key.startswith(SIGNING_KEY):
        raise ValueError("Not a signing key (whsk_).")
    return Ed25519PrivateKey.from_private_bytes(to_bytes(signing_key)).public_key().public_bytes_raw()


def to_bytes(secret: str) -> bytes:
    """Decode what follows the first underscore; raise a ValueError that does not repeat it."""
    try:
        return b64decode(secret.partition("_")[2], validate=True)
    except ValueError:
        raise ValueError("A secret that is not base64.") from None


def to_text(content: bytes) -> str:
    return b64encode(content).decode()


def to_url_text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
