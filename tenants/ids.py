"""TypeIDs: a short prefix and a base32 UUIDv7, both directions (https://github.com/jetify-com/typeid, version 0.3)."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["InvalidId", "decode", "encode", "encoder", "first_of", "new"]

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# Two digits at a time: every list writes ids, and five times faster is worth a table.
PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
SHIFTS = range(120, -1, -10)
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
    number = value.int
    return f"{prefix}_{''.join([PAIRS[number >> shift & 1023] for shift in SHIFTS])}"


def encoder(prefix: str) -> Callable[[UUID | str], str]:
    """Return a function that encodes a UUID, or its text as PostgreSQL's JSON gives it, with `prefix`."""

    def to_id(value: UUID | str) -> str:
        return encode(prefix, value if isinstance(value, UUID) else UUID(value))

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
