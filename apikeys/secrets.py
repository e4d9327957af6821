"""What a key looks like, how it is made, and what is kept of it (the form follows GitHub's token format)."""

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from zlib import crc32

__all__ = ["PATTERN", "Secret", "digest", "is_wellformed", "make_secret"]

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PATTERN = re.compile(r"kith_(?:live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}", re.ASCII)
ID_LENGTH, SECRET_LENGTH, CHECK_LENGTH = 8, 32, 6


@dataclass(frozen=True)
class Secret:
    """A new key: the plaintext, to be shown once, and the parts that are stored."""

    plaintext: str
    prefix: str
    last4: str
    digest: bytes


def make_secret(environment: str) -> Secret:
    """Return a new key for `environment` (live or test) with 190 random bits."""
    prefix = f"kith_{environment}_{random_text(ID_LENGTH)}"
    body = f"{prefix}_{random_text(SECRET_LENGTH)}"
    plaintext = body + checksum(body)
    return Secret(plaintext, prefix, plaintext[-4:], digest(plaintext))


def digest(plaintext: str) -> bytes:
    """Return the SHA-256 of a whole key: 190 random bits need neither salt nor a slow hash."""
    return sha256(plaintext.encode()).digest()


def is_wellformed(plaintext: str) -> bool:
    """Tell a key from a typo, before any database is asked."""
    if not PATTERN.fullmatch(plaintext):
        return False
    return checksum(plaintext[:-CHECK_LENGTH]) == plaintext[-CHECK_LENGTH:]


def checksum(body: str) -> str:
    """Return the CRC32 of `body` as six base62 digits: no security, but certainty for secret scanners."""
    number, digits = crc32(body.encode()), ""
    for _ in range(CHECK_LENGTH):
        number, rest = divmod(number, 62)
        digits = ALPHABET[rest] + digits
    return digits


def random_text(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
