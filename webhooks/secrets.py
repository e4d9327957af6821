"""Encryption at rest, for secrets that Kith itself must read again: sealed under the first key of ENCRYPTION_KEYS.

A sealed text is the id of its key, a colon and a Fernet token (AES-128-CBC with HMAC-SHA256). The id lets a missing key
be named, and tells a rotation what is left to do.
"""

from base64 import urlsafe_b64decode
from functools import lru_cache
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

__all__ = ["KEY_ID_LENGTH", "KeyMissing", "Unreadable", "key_id", "key_ids", "seal", "unseal"]

KEY_ID_LENGTH = 8
# What is opened for every delivery stays open in this process: the newest 4096 texts, some 2 MB at most.
OPENED = 4096


class Unreadable(Exception):
    """A sealed text cannot be opened. The sentence names its key, never a secret."""


class KeyMissing(Unreadable):
    """The key of a sealed text is not in the ring."""


def seal(text: str) -> str:
    """Return `text` sealed under the first key."""
    name, key = next(iter(make_ring(tuple(settings.ENCRYPTION_KEYS)).items()))
    return f"{name}:{key.encrypt(text.encode()).decode()}"


def unseal(sealed: str) -> str:
    """Return the text in `sealed`; raise KeyMissing when its key is gone, Unreadable when it is damaged."""
    return opened(tuple(settings.ENCRYPTION_KEYS), sealed)


def key_ids() -> list[str]:
    """Return the ids of the keys in the ring; new texts are sealed under the first."""
    return list(make_ring(tuple(settings.ENCRYPTION_KEYS)))


def key_id(key: str) -> str:
    """Return the public name of a key: the beginning of its SHA-256."""
    return sha256(urlsafe_b64decode(key)).hexdigest()[:KEY_ID_LENGTH]


@lru_cache(1)
def make_ring(keys: tuple[str, ...]) -> dict[str, Fernet]:
    return {key_id(key): Fernet(key) for key in keys}


@lru_cache(OPENED)
def opened(keys: tuple[str, ...], sealed: str) -> str:
    name, colon, token = sealed.partition(":")
    if not colon or len(name) != KEY_ID_LENGTH:
        raise Unreadable("A sealed text is damaged: it does not begin with the id of its key.")
    key = make_ring(keys).get(name)
    if key is None:
        raise KeyMissing(f"The key {name} is missing: put it back into ENCRYPTION_KEYS, after the first.")
    try:
        return key.decrypt(token).decode()
    except (InvalidToken, ValueError):
        # ValueError is how Fernet refuses what is not ASCII.
        raise Unreadable(f"A text sealed under the key {name} is damaged: restore it, or rotate that secret.") from None
