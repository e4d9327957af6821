"""Bodies in, JSON and forms, read strictly; answers out, as orjson writes them."""

import json
import math
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import orjson
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParser as Parts
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from crm.errors import Unreadable

__all__ = [
    "MAX_BYTES", "MAX_DEPTH", "FormParser", "JSONRenderer", "MultipartParser", "StrictJSONParser", "answer", "dumps",
    "parse_json", "spelled", "tagged",
]  # fmt: skip

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
# Above 2^53 JavaScript and most JSON readers lose digits without a word.
MAX_INTEGER = 2**53
OPENERS, CLOSERS = frozenset(b"[{"), frozenset(b"]}")
OTHERS = bytes({*range(256)} - {*b'[]{}"'})


class StrictJSONParser(BaseParser):
    """DRF parser for application/json."""

    media_type = "application/json"

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the body; raise a 400 or 413 that says what is wrong with it."""
        body = stream.body if hasattr(stream, "body") else stream.read(self.max_bytes + 1)
        if len(body) > self.max_bytes:
            raise Unreadable(413, f"The body is larger than {spelled(self.max_bytes)}.", code="PAYLOAD_TOO_LARGE")
        return self.read(body, media_type or self.media_type)

    def read(self, body: bytes, media_type: str) -> Any:
        """Return what the bytes say."""
        return parse_json(body)


class FormParser(StrictJSONParser):
    """DRF parser for what browsers send of a form: texts by name, a list of them where a name occurs again."""

    media_type = "application/x-www-form-urlencoded"

    def read(self, body: bytes, media_type: str) -> Any:
        """Return the form's fields."""
        return plain(QueryDict(body, encoding="utf-8"))


class NoFiles(FileUploadHandler):
    """Refuses a form with a file in it."""

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        """Refuse the file before it is read."""
        raise Unreadable(400, f"No files are taken here: leave out {field_name[:100]}.")


class MultipartParser(FormParser):
    """The same for forms that are sent in parts; files among them are refused."""

    media_type = "multipart/form-data"

    def read(self, body: bytes, media_type: str) -> Any:
        """Return the form's fields."""
        meta = {"CONTENT_TYPE": media_type, "CONTENT_LENGTH": len(body)}
        try:
            return plain(Parts(meta, BytesIO(body), [NoFiles()], "utf-8").parse()[0])
        except MultiPartParserError as error:
            raise Unreadable(400, f"The form cannot be read: {error}") from error


def plain(fields: Any) -> dict[str, Any]:
    """Return a form's fields, checked like any text that is to be stored."""
    found = {name: values[0] if len(values) == 1 else values for name, values in fields.lists()}
    check_text(found)
    return found


def spelled(size: int) -> str:
    """Return a number of bytes for people: 1 MB, 64 KB."""
    return f"{size // 1024**2} MB" if size >= 1024**2 else f"{size // 1024} KB"


def parse_json(raw: bytes) -> Any:
    """Return the value of `raw`; raise a 400 for what is not UTF-8 JSON or cannot be stored."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(400, f"The body is not UTF-8: byte {error.start} cannot be read.") from error
    check_depth(raw)
    try:
        value = json.loads(
            text, object_pairs_hook=unique_pairs, parse_float=finite, parse_int=small, parse_constant=no_constant
        )
    except json.JSONDecodeError as error:
        raise Unreadable(
            400, f"The body is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    check_text(value)
    return value


def check_depth(raw: bytes) -> None:
    """Refuse deep nesting before the parser, which is recursive, sees it."""
    depth, quoted, escaped = 0, False, False
    if sum(raw.count(opener) for opener in (b"[", b"{")) <= MAX_DEPTH:
        return
    for byte in marks_of(raw):
        if quoted:
            quoted, escaped = escaped or byte != 0x22, byte == 0x5C and not escaped
        elif byte == 0x22:
            quoted = True
        elif byte in OPENERS:
            depth += 1
            if depth > MAX_DEPTH:
                raise Unreadable(400, f"The JSON is nested deeper than {MAX_DEPTH} levels.")
        elif byte in CLOSERS:
            depth -= 1


def marks_of(raw: bytes) -> bytes:
    """Return what can open, close or quote, in its order: a loop over every byte of a long body takes its time."""
    return raw if b"\\" in raw else raw.translate(None, OTHERS)


def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise Unreadable(400, f"The key {doubled[:100]!r} occurs twice in one object.")
    return found


def finite(text: str) -> float:
    number = float(text)
    # PostgreSQL gives 1e22 back as a whole number, so the same bound holds for it.
    if not math.isfinite(number) or abs(number) > MAX_INTEGER:
        raise Unreadable(400, f"The number {text[:30]} is beyond 2^53: send it as a string.")
    return number


def small(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise Unreadable(400, f"The number {text[:30]} is beyond 2^53: send it as a string.")
    return int(text)


def no_constant(text: str) -> Any:
    raise Unreadable(400, f"{text} is not JSON.")


def check_text(value: Any, path: str = "") -> None:
    """Refuse NUL and lone surrogates in any string or key: PostgreSQL stores neither."""
    if isinstance(value, str):
        if "\x00" in value or has_surrogate(value):
            where = f" in {path.lstrip('.')}" if path else ""
            raise Unreadable(
                400, f"The text{where} holds a character that cannot be stored (NUL or half of a surrogate pair)."
            )
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(name, path)
            check_text(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_text(item, f"{path}.{index}")


def has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


def dumps(body: Any) -> bytes:
    """Return `body` as JSON: times as ISO 8601 UTC with Z; decimals must be texts by then."""
    return orjson.dumps(body, option=OPTIONS)


def answer(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return an answer of the API, already rendered."""
    return HttpResponse(dumps(body), status=status, headers=headers, content_type="application/json")


def tagged(response: HttpResponseBase, etag: str, known: str | None) -> HttpResponseBase:
    """Return the response with its ETag, or a 304 when the caller has the one that is `known`."""
    if known and {"*", etag} & {item.strip().removeprefix("W/") for item in known.split(",")}:
        response = HttpResponse(status=304)
        del response["Content-Type"]
    response["ETag"] = etag
    return response


class JSONRenderer(BaseRenderer):
    """For DRF's own machinery, which asks each view for one; answers of the API do not pass it."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else dumps(data)
