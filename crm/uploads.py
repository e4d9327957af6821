"""Uploads: a multipart body goes to disk in small pieces, before the transaction begins that waits for nobody."""

import errno
import shutil
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from tempfile import NamedTemporaryFile
from typing import Any, cast
from uuid import UUID

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import serializers

from crm.errors import Refusal, Unreadable
from crm.rest.fields import StrictChar
from tenants import ids

__all__ = [
    "LIMIT",
    "MULTIPART",
    "FileNameField",
    "Form",
    "TakesUpload",
    "Upload",
    "UploadField",
    "clean_name",
    "from_bytes",
    "full_disk_is_told",
]

LIMIT = 10 * 1024 * 1024
# What may stand around the file in its body: other fields, boundaries, headers.
AROUND = 1024 * 1024
MULTIPART = "multipart/form-data"
HOW = f"Send it as {MULTIPART}, like `curl -F file=@plan.pdf`."
LONGEST_NAME = 255
# One part in twenty of a disk stays free: a database on the same disk must not be the one that finds it full.
KEPT_FREE = 20
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# They turn the letters after them round, so that a name that ends in .exe looks as if it ended in .jpg.
TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Incoming(TemporaryUploadedFile):
    """A file on its way in, beside the place where it will live. The client's name stays out of its own."""

    upload: "Upload"

    def __init__(self) -> None:
        file = NamedTemporaryFile(suffix=".upload", dir=settings.FILES_INCOMING)  # noqa: SIM115  closed with the form
        UploadedFile.__init__(self, file, "upload", "", 0)


@dataclass
class Upload:
    """A file that has come in: its content on disk, what it says, and the key it will be stored under."""

    content: Incoming
    name: str
    size: int
    sha256: str
    key: UUID = field(default_factory=ids.new)
    # Where the same request is tried a second time, its content is in its place already.
    stored: bool = False


def from_bytes(content: bytes, name: str) -> Upload:
    """Return an upload that did not come over the wire; whoever asks for it closes its content."""
    settings.FILES_INCOMING.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = Incoming()
    file.write(content)
    file.seek(0)
    return Upload(file, clean_name(name), len(content), sha256(content).hexdigest())


@dataclass(frozen=True)
class Form:
    """A multipart body, read: texts and uploads by name."""

    fields: Mapping[str, Any]

    @property
    def mark(self) -> bytes:
        """Return what two bodies have in common that say the same: never the boundary, which each makes up."""
        said = {name: [item.name, item.sha256] if isinstance(item, Upload) else item
                for name, item in self.fields.items()}  # fmt: skip
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


class Spool(FileUploadHandler):
    """Writes a file to disk, and learns its size and its hash on the way."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.files: list[Incoming] = []

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.file = Incoming()
        self.files.append(self.file)
        self.hash, self.size = sha256(), 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.size += len(raw_data)
        if self.size <= LIMIT:
            self.hash.update(raw_data)
            self.file.write(raw_data)

    def file_complete(self, file_size: int) -> Any:
        if self.size > LIMIT:
            raise too_large()
        self.file.seek(0)
        self.file.size = self.size
        self.file.upload = Upload(self.file, clean_name(self.file_name or ""), self.size, self.hash.hexdigest())
        return self.file

    def close(self) -> None:
        """Let go of what was not stored; a full disk may refuse even to write the rest of it."""
        for file in self.files:
            with suppress(OSError):
                file.close()


def read_form(request: HttpRequest, spool: Spool) -> Form:
    """Return the request's multipart body; raise a 400, 413, 415 or 507 that says what is wrong with it."""
    if request.content_type != MULTIPART:
        raise Unreadable(415, f"This takes no {request.content_type or 'body without a type'}. {HOW}",
                         code="UNSUPPORTED_MEDIA_TYPE")  # fmt: skip
    if int(request.META.get("CONTENT_LENGTH") or 0) > LIMIT + AROUND:
        raise too_large()
    check_space()
    request.upload_handlers = [spool]
    try:
        with full_disk_is_told():
            texts, files = request.POST, request.FILES
    except (MultiPartParserError, UnreadablePostError) as error:
        raise Unreadable(400, f"The body cannot be read as {MULTIPART}: {error}") from error
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as error:
        raise Unreadable(413, "The body has too many parts, or texts of more than 1 MB.",
                         code="PAYLOAD_TOO_LARGE") from error  # fmt: skip
    names = [name for part in (texts, files) for name, values in part.lists() for _ in values]
    form = Form({**texts.dict(), **{name: cast(Any, content).upload for name, content in files.items()}})
    if len(names) > len(form.fields):
        doubled = next(name for name in names if names.count(name) > 1)
        raise Unreadable(400, f"{doubled[:100]!r} is given more than once: each request takes one file.")
    return form


def too_large() -> Unreadable:
    return Unreadable(413, f"The file is larger than {LIMIT // 2**20} MB.", code="PAYLOAD_TOO_LARGE")


def check_space() -> None:
    """Raise a 507 while too little of the disk is free, before anything is written."""
    settings.FILES_INCOMING.mkdir(mode=0o700, parents=True, exist_ok=True)
    usage = shutil.disk_usage(settings.FILES_INCOMING)
    if usage.free < usage.total / KEPT_FREE:
        raise no_space()


def no_space() -> Unreadable:
    return Unreadable(507, "The server has no space for more files. Its operator has to make some.",
                      code="INSUFFICIENT_STORAGE")  # fmt: skip


@contextmanager
def full_disk_is_told() -> Iterator[None]:
    """Turn the disk's refusal to take more into a 507."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise no_space() from error
        raise


def clean_name(name: str) -> str:
    """Return a file's name as it can be shown and given back: one part of a path, of characters that can be seen."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    seen = "".join(char for char in last if unicodedata.category(char) not in ("Cc", "Cs") and char not in TURNS)
    seen = " ".join(seen.split())
    if seen.strip(".") == "":
        return ""
    stem, dot, ending = seen.rpartition(".")
    return (
        seen if len(seen) <= LONGEST_NAME else f"{stem[: LONGEST_NAME - len(ending) - 1]}{dot}{ending}"[:LONGEST_NAME]
    )


class UploadField(serializers.Field[Upload, Any, Any, Any]):
    """The content of a file, as a part of a multipart body."""

    default_error_messages = {"invalid": f"Must be a file. {HOW}", "empty": "The file is empty."}

    def to_internal_value(self, data: Any) -> Upload:
        if not isinstance(data, Upload):
            self.fail("invalid")
        if data.size == 0:
            self.fail("empty")
        return data


class FileNameField(StrictChar):
    """The name of a file: one part of a path, of characters that can be seen."""

    default_error_messages = {"name": "Must be a file's name, without slashes and characters that cannot be seen."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": LONGEST_NAME, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        name = clean_name(text)
        if not name or name != " ".join(unicodedata.normalize("NFC", text).split()):
            self.fail("name")
        return name


class TakesUpload:
    """What a viewset inherits whose records are made of a multipart body: `form` is that body, or what it lacks."""

    form: Form | Refusal | None = None
    action_map: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Read the body, answer, and let go of it."""
        if self.action_map.get((request.method or "").lower()) == "create":
            with closing(Spool(request)) as spool:
                try:
                    self.form = read_form(request, spool)
                except Refusal as refusal:
                    # Told later, to those who may know: who calls is asked first.
                    self.form = refusal
                return super().dispatch(request, *args, **kwargs)  # type: ignore[misc,no-any-return]
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc,no-any-return]

    @property
    def fields(self) -> Mapping[str, Any]:
        """The fields of the body; raises what was wrong with it."""
        if isinstance(self.form, Refusal):
            raise self.form
        assert self.form is not None
        return self.form.fields

    def content(self) -> bytes:
        """Return what the body says, for the fingerprint of an Idempotency-Key."""
        if self.form is None:
            return super().content()  # type: ignore[misc,no-any-return]
        return self.form.mark if isinstance(self.form, Form) else b""
