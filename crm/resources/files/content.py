"""What a file is, by its content: a short list of types that can do no harm where they are opened, and nothing else."""

import re
from typing import IO

import filetype

__all__ = ["ALLOWED", "safe_name", "type_of"]

OFFICE = "application/vnd.openxmlformats-officedocument"
# Each type with the endings that its files may be given; the first is put behind any other.
ALLOWED: dict[str, tuple[str, ...]] = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "text/plain": (".txt", ".text", ".md", ".log"),
    "text/csv": (".csv",),
    f"{OFFICE}.wordprocessingml.document": (".docx",),
    f"{OFFICE}.spreadsheetml.sheet": (".xlsx",),
    "application/vnd.oasis.opendocument.text": (".odt",),
}
HEAD, PIECE = 64 * 1024, 64 * 1024
ZIP = "application/zip"
# The names in the headers of a zip tell what it is; nothing is unpacked.
PARTS = re.compile(rb"PK\x03\x04.{26}(word|xl)/", re.DOTALL)
INSIDE = {b"word": f"{OFFICE}.wordprocessingml.document", b"xl": f"{OFFICE}.spreadsheetml.sheet"}
# No text has these, in whichever encoding of one byte a letter it is.
UNPRINTABLE = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# "GIF" alone may well begin a text.
GIF = (b"GIF87a", b"GIF89a")
# A browser, or a shell, would take it for more than a text.
MARKUP = re.compile(rb"(\xef\xbb\xbf)?\s*(<[!?/a-z]|#!|%!PS|\{\\rtf)", re.IGNORECASE)


def type_of(content: IO[bytes], name: str) -> str | None:
    """Return the MIME type of `content` if it is one of ALLOWED, else None; the content is read from its start."""
    content.seek(0)
    head = content.read(HEAD)
    kind: str | None = filetype.guess_mime(head)
    if kind == ZIP and (found := PARTS.search(head)):
        kind = INSIDE[found[1]]
    if kind not in ALLOWED or (kind == "image/gif" and not head.startswith(GIF)):
        # Whether a text is a table is a matter of opinion: here the name decides.
        text = "text/csv" if name.lower().endswith(".csv") else "text/plain"
        kind = text if is_text(content, head) else None
    content.seek(0)
    return kind


def is_text(content: IO[bytes], head: bytes) -> bool:
    """Tell whether all of it is text, and none that a program would run or a browser would show as a page."""
    if MARKUP.match(head):
        return False
    piece = head
    while piece:
        if UNPRINTABLE.search(piece):
            return False
        piece = content.read(PIECE)
    return True


def safe_name(name: str, kind: str) -> str:
    """Return the name with an ending that fits the type: `page.html` of a plain text becomes `page.html.txt`."""
    endings = ALLOWED[kind]
    return name if name.lower().endswith(endings) else f"{name}{endings[0]}"
