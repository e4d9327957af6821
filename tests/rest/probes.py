"""What people, programs and attackers send where a value belongs: JSON fragments, by name, as bytes."""

import json

__all__ = ["PROBES", "as_text"]

PROBES: dict[str, bytes] = {
    # Texts that cannot be stored, or not as they look.
    "NUL": rb'"a\u0000b"',
    "NUL in a key": rb'{"a\u0000": 1}',
    "high surrogate": rb'"\ud800"',
    "low surrogate": rb'"a\udc00"',
    "surrogate in a key": rb'{"\ud800": 1}',
    "bad UTF-8": b'"\xff\xfe"',
    "overlong UTF-8": b'"\xc0\x80"',
    "byte order mark": b'"\xef\xbb\xbfa"',
    "control characters": rb'"\u0001\u001f\u007f\u0085"',
    "line ends": rb'"a\r\n\u2028b"',
    "emoji": '"👩‍👩‍👧‍👦🇦🇹"'.encode(),
    "right to left": rb'"\u202eevil\u2066"',
    "combining marks": b'"a' + "\u0301".encode() * 300 + b'"',
    "spaces": rb'" \t\u00a0\u3000 "',
    "empty text": b'""',
    "huge text": b'"' + b"x" * 70_000 + b'"',
    "SQL": b'"\'; DROP TABLE crm_client; -- \\\\%_"',
    "HTML": b'"<script>alert(1)</script>&amp;"',
    "templates": b'"{{7*7}} ${7*7} %s %(a)s {0} {name}"',
    "a path": b'"../../etc/passwd"',
    # Numbers.
    "1e400": b"1e400",
    "-1e400": b"-1e400",
    "1e-400": b"1e-400",
    "1e308": b"1e308",
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "5,000 digits": b"9" * 5000,
    "2^63": b"9223372036854775808",
    "-2^63": b"-9223372036854775809",
    "negative zero": b"-0.0",
    "a fraction": b"0.1000000000000000055511151231257827",
    "minus one": b"-1",
    "text 1e5": b'"1e5"',
    "text 1e-400": b'"1e-400"',
    "text -1e999999999": b'"-1e999999999"',
    "text of zeros": b'"0.' + b"0" * 500 + b'"',
    "text NaN": b'"NaN"',
    "other digits": '"١٢٣"'.encode(),
    # Structures.
    "100,000 brackets": b"[" * 100_000,
    "5,000 deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "31 deep": b'{"a":' * 31 + b"1" + b"}" * 31,
    "doubled keys": b'{"a": 1, "a": 2}',
    "an empty list": b"[]",
    "a mixed list": b'[1, "a", null, {}, []]',
    "a long list": b"[" + b",".join([b"0"] * 20_000) + b"]",
    "an object": b'{"id": "x", "$eq": 1}',
    "a long key": b'{"' + b"k" * 60_000 + b'": 1}',
    "null": b"null",
    "true": b"true",
    "text true": b'"true"',
    # Times.
    "year 0": b'"0000-01-01"',
    "year 10000": b'"10000-01-01T00:00:00Z"',
    "the last moment": b'"9999-12-31T23:59:59.999999-23:59"',
    "the first moment": b'"0001-01-01T00:00:00+23:59"',
    "the last day": b'"9999-12-31"',
    "30 February": b'"2026-02-30"',
    "25 o'clock": b'"2026-01-31T25:61:61Z"',
    "an odd zone": b'"2026-01-31T12:00:00+99:99"',
    "a leap second": b'"2016-12-31T23:59:60Z"',
    "a week": b'"2026-W05-6"',
    # Ids.
    "another kind of id": b'"evt_01h455vb4pex5vsknk084sn02q"',
    "an id beyond 128 bits": b'"cli_zzzzzzzzzzzzzzzzzzzzzzzzzz"',
    "a UUID of nothing": b'"00000000-0000-0000-0000-000000000000"',
    "a UUID spelled oddly": b'"{00000000-0000-0000-0000-0000000000}"',
}


def as_text(fragment: bytes) -> bytes:
    """Return a fragment as a query or a path would hold it: a text without quotes and escapes, all else as it is."""
    try:
        value = json.loads(fragment)
    except (ValueError, RecursionError):
        return fragment.strip(b'"')
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else fragment
