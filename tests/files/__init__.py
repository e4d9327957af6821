"""Small files of every kind, good ones and nasty ones, made when they are asked for."""

import io
import struct
import zipfile
import zlib

__all__ = ["DOCX", "GIF", "GOOD", "JPEG", "NASTY", "ODT", "PDF", "PNG", "WEBP", "XLSX", "zipped"]


def zipped(*parts: tuple[str, bytes], stored: bool = False) -> bytes:
    """Return a zip with these parts."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return whole.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 1, height: int = 1) -> bytes:
    """Return a picture of one grey pixel, or one that only says that it is larger."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\x00\x80")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


PNG = png()
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(64) + b"\xff\xd9"
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00"
)
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
TYPES = ("[Content_Types].xml", b"<Types/>")
DOCX = zipped(TYPES, ("_rels/.rels", b"<Relationships/>"), ("word/document.xml", b"<w:document/>"))
XLSX = zipped(TYPES, ("_rels/.rels", b"<Relationships/>"), ("xl/workbook.xml", b"<workbook/>"))
# As some office programs write it, with other parts first.
LATE = zipped(("_rels/.rels", b"<Relationships/>"), ("docProps/app.xml", b"<a/>" * 900), ("word/document.xml", b"<w/>"))
ODT = zipped(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<office/>"), stored=True)
OFFICE = "application/vnd.openxmlformats-officedocument"

# File name and content to the type that it must have.
GOOD: dict[str, tuple[bytes, str]] = {
    "plan.pdf": (PDF, "application/pdf"),
    "photo.png": (PNG, "image/png"),
    "photo.JPG": (JPEG, "image/jpeg"),
    "dot.gif": (GIF, "image/gif"),
    "dot.webp": (WEBP, "image/webp"),
    "letter.docx": (DOCX, f"{OFFICE}.wordprocessingml.document"),
    "late.docx": (LATE, f"{OFFICE}.wordprocessingml.document"),
    "table.xlsx": (XLSX, f"{OFFICE}.spreadsheetml.sheet"),
    "letter.odt": (ODT, "application/vnd.oasis.opendocument.text"),
    "notes.txt": (b"Two taps, one drain.\r\n", "text/plain"),
    "umlaut.txt": ("Grüße aus Österreich 🚿".encode(), "text/plain"),
    "ansi.txt": ("Grüße".encode("cp1252"), "text/plain"),
    "bmw.txt": (b"BMW service notes", "text/plain"),
    "gift.txt": (b"GIFT vouchers, MZ and II* among them", "text/plain"),
    "parts.csv": (b"sku;price\r\nTAP-1;12.50\r\n", "text/csv"),
}
LIMIT = 10 * 1024 * 1024
ZEROS = bytes(8 * 1024 * 1024)

# What it is: its file name, its content, and the verdict: a status, or the type as which it is harmless.
NASTY: dict[str, tuple[str, bytes, int | str]] = {
    "nothing": ("empty.txt", b"", 400),
    "a byte too much": ("large.txt", b"a" * (LIMIT + 1), 413),
    "just not too much": ("large.txt", b"a" * LIMIT, "text/plain"),
    "HTML": ("page.html", b"<!DOCTYPE html><script>alert(1)</script>", 400),
    "HTML as a picture": ("photo.png", b"<html><script>alert(1)</script></html>", 400),
    "HTML after blanks": ("notes.txt", b"\xef\xbb\xbf \r\n\t <SCRIPT>alert(1)</SCRIPT>", 400),
    "HTML in UTF-16": ("notes.txt", "<script>alert(1)</script>".encode("utf-16"), 400),
    "SVG": ("logo.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 400),
    "XML": ("feed.xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', 400),
    "a program of Windows": ("setup.exe", b"MZ\x90\x00\x03" + bytes(200), 400),
    "a program as a document": ("invoice.pdf", b"MZ\x90\x00\x03" + bytes(200), 400),
    "a program of Linux": ("run", b"\x7fELF\x02\x01\x01" + bytes(200), 400),
    "a script": ("notes.txt", b"#!/bin/sh\nrm -rf /\n", 400),
    "PostScript": ("plan.ps", b"%!PS-Adobe-3.0\n", 400),
    "RTF": ("letter.rtf", b"{\\rtf1\\ansi hello}", 400),
    "a zip": ("all.zip", zipped(("setup.exe", b"MZ")), 400),
    "a zip bomb": ("all.zip", zipped(("zeros", ZEROS)), 400),
    # Nothing is ever unpacked, so that it is only a short file.
    "a zip bomb as a letter": (
        "letter.docx",
        zipped(("word/document.xml", ZEROS)),
        f"{OFFICE}.wordprocessingml.document",
    ),
    "a picture of 4 billion pixels": ("large.png", png(65535, 65535), "image/png"),
    # Saved with the ending of a picture, shown in a sandbox and never sniffed: nobody runs it.
    "a picture that is a script": ("a.js", b"GIF89a/*" + bytes(16) + b"*/=1;alert(1)//", "image/gif"),
    "a picture with HTML behind": ("a.html", PNG + b"<script>alert(1)</script>", "image/png"),
    "a document with HTML behind": ("a.html", PDF + b"<script>alert(1)</script>", "application/pdf"),
    "a text that ends as HTML": ("a.html", b"Hello <script>alert(1)</script>", "text/plain"),
    "control characters": ("notes.txt", b"a\x00b\x07c", 400),
    "noise": ("noise.bin", bytes(range(256)) * 4, 400),
    "two endings": ("photo.php.png", PNG, "image/png"),
    "the ending of a program": ("photo.png.exe", PNG, "image/png"),
    "formulas": ("parts.csv", b"=cmd|' /C calc'!A0;1\r\n", "text/csv"),
}
