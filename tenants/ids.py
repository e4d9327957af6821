"""TypeIDs: a short prefix and a base32 UUIDv7, both directions (https://github.com/jetify-com/typeid, version 0.3)."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["InvalidId", "decode", "encode", "encoder", "first_of", "new"]

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# Three digits at a time, as every list writes ids: it is worth a table of 2 MB.
TRIPLES = [first + second + third for first in ALPHABET for second in ALPHABET for third in ALPHABET]
LOW_60, LOW_30, LOW_15 = (1 << 60) - 1, (1 << 30) - 1, (1 << 15) - 1
VALUES = {char: value for value, char in enumerate(ALPHABET)}
SUFFIX_LENGTH = 26
UUID_LENGTH = 36


class InvalidId(ValueError):
    """The text is neither an id of the wanted kind nor a bare UUID."""


def new() -> UUID:
    """Return a fresh UUIDv7: unique, and later ones sort after earlier ones (to the millisecond)."""
    return uuid7()


def first_of(moment: datetime) -> UUID:
    """Return a lower bound of the ids made from `moment` on: their first 48 bits are milliseconds."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def encode(prefix: str, value: UUID) -> str:
    """Return the public form of `value`, like `cli_01h455vb4pex5vsknk084sn02q`."""
    return encoder(prefix)(value)


@lru_cache(maxsize=256)
def encoder(prefix: str) -> Callable[[UUID | str], str]:
    """Return a function that encodes a UUID, or its text as PostgreSQL's JSON gives it, with `prefix`."""

    def to_id(value: UUID | str) -> str:
        number = value.int if isinstance(value, UUID) else int(value.replace("-", ""), 16)
        # 8 bits of it make the first two digits, of which the first is never above 7; then 60 and 60.
        high, low = number >> 60 & LOW_60, number & LOW_60
        a, b, c, d = high >> 30, high & LOW_30, low >> 30, low & LOW_30
        return (
            f"{prefix}_{TRIPLES[number >> 120][1:]}{TRIPLES[a >> 15]}{TRIPLES[a & LOW_15]}{TRIPLES[b >> 15]}"
            f"{TRIPLES[b & LOW_15]}{TRIPLES[c >> 15]}{TRIPLES[c & LOW_15]}{TRIPLES[d >> 15]}{TRIPLES[d & LOW_15]}"
        )

    return to_id


def decode(prefix: str, text: str) -> UUID:
    """Return the UUID of `text`, an id with `prefix` or a bare UUID; raise InvalidId otherwise."""
    head, _, suffix = text.rpartition("_")
    if head == prefix and len(suffix) == SUFFIX_LENGTH and suffix[0] in "01234567":
        try:
            number = 0
            for char in suffix:
                number = number << 5 | VALUES[char]
            return UUID(int=number)
        except KeyError:
            pass
    elif len(text) == UUID_LENGTH:
        try:
            return UUID(text)
        except ValueError:
            pass
    raise InvalidId(f"Not an id of this kind: expected {prefix}_ and {SUFFIX_LENGTH} characters, or a UUID.")
