"""Masks secrets in log records: by the name of a field, and by their shape inside any text."""

import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

MASK = "[redacted]"
SHORT = 80
HIDDEN = re.compile(
    r"authorization|cookie|x[-_]api[-_]key|password|secret|webhook[-_]signature|signing[-_]key|encryption[-_]key",
    re.IGNORECASE,
)
SHAPES = (
    (re.compile(r"kith_(live|test)_[0-9A-Za-z_]+"), rf"kith_\1_{MASK}"),
    (re.compile(r"(whsec|whsk)_[0-9A-Za-z+/=_%-]+"), rf"\1_{MASK}"),
    # All signatures of a webhook: commas and blanks are theirs.
    (re.compile(r"\bv1a?,[0-9A-Za-z+/=]{40,}(?: v1a?,[0-9A-Za-z+/=]{40,})*"), MASK),
    # What is sealed, and the 32 bytes of a key that seals.
    (re.compile(r"gAAAA[0-9A-Za-z_-]{30,}={0,2}"), MASK),
    (re.compile(r"(?<![0-9A-Za-z_-])[0-9A-Za-z_-]{43}=(?!=)"), MASK),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/'\"]+@", re.IGNORECASE), rf"\1:{MASK}@"),
    (re.compile(r"\b(password)=('[^']*'|[^\s&]+)", re.IGNORECASE), rf"\1={MASK}"),
    (
        re.compile(
            r"((?:HTTP_)?(?:proxy-)?(?:authorization|x[-_]api[-_]key|(?:set-)?cookie|webhook[-_]signature)['\"]?\s*[:=]\s*)"
            r"(?!\s*\[redacted\])(?:'[^'\n]*'|\"[^\"\n]*\"|[^\n,}\]]+)",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
)


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask a whole record, in the form structlog wants a processor to have."""
    for name, value in event.items():
        event[name] = mask(value) if name == "exception" else mask_field(name, value)
    return event


def mask_field(name: str, value: Any) -> Any:
    """Mask one value: wholly when its name says it is a secret, else by what is in it."""
    if HIDDEN.search(name) and value:
        return MASK
    if isinstance(value, str | bytes):
        return one_line(mask(value if isinstance(value, str) else value.decode("utf-8", "replace")))
    if isinstance(value, Mapping):
        return {key: mask_field(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_field("", item) for item in value]
    return value if isinstance(value, int | float | None) else one_line(mask(str(value)))


def mask(text: str) -> str:
    """Replace everything in a text that has the shape of a secret."""
    # The same routes, names and words stand in each request's line.
    return masked(text) if len(text) > SHORT else masked_short(text)


def masked(text: str) -> str:
    """Return what mask() does, worked out anew."""
    for shape, replacement in SHAPES:
        text = shape.sub(replacement, text)
    return text


masked_short = lru_cache(maxsize=2048)(masked)


def one_line(text: str) -> str:
    """Escape line ends, so that nobody can write a false log line through a name or a header."""
    return text.replace("\r", "\\r").replace("\n", "\\n")
