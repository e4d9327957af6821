"""Multipart bodies, as programs and browsers send them."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from crm.uploads import UploadField

__all__ = ["Form", "Part", "as_form"]

Part = tuple[str, str | None, bytes]


class Form:
    """Parts, each with its name, its file name (None: a text) and its content."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.boundary = uuid4().hex
        self.parts = list(parts)

    @property
    def media(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def content(self) -> bytes:
        lines = []
        for name, filename, content in self.parts:
            named = "" if filename is None else f'; filename="{filename}"'
            head = f'--{self.boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
            lines += [head.encode("utf-8", "surrogatepass"), content, b"\r\n"]
        return b"".join([*lines, f"--{self.boundary}--\r\n".encode()])


def as_form(body: Any, serializer: Any) -> Any:
    """Return a JSON body, or the bytes of one, as a form for `serializer`; what is no object stays as it is."""
    if isinstance(body, bytes):
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            return body
        return as_form(parsed, serializer) if isinstance(parsed, dict) else body
    if not isinstance(body, dict):
        return body
    files = {name for name, field in serializer().fields.items() if isinstance(field, UploadField)}
    return Form(
        (name, "file.txt" if name in files else None, as_text(value).encode("utf-8", "surrogatepass"))
        for name, value in body.items()
    )


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
