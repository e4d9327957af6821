"""The demo's files: plans, pictures and protocols, small ones, made here."""

import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from crm.demo.world import World
from crm.resources.clients.models import Client
from crm.resources.files import rules
from crm.resources.files.models import File
from crm.resources.invoices.models import Invoice
from crm.uploads import from_bytes
from tenants import ids

__all__ = ["SIZE", "make"]

SIZE = {"acme": 24, "globex": 3}
PDF = """%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length {length}>>stream
{text}
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""


def make(world: World) -> Iterator[File]:
    """Attach files to clients and invoices."""
    chance = random.Random(f"{world.like} files")  # noqa: S311  believable, not secret
    for index in range(world.count(SIZE)):
        kind, prefix, name, content = KINDS[index % len(KINDS)]
        record = chance.choice(world.made[kind])
        text = f"{name.partition('.')[0]} for {record}"
        upload = from_bytes(content(text, chance), name)
        yield rules.create(upload, {"record_id": ids.encode(prefix, record.pk)}, actor=world.actor)
        upload.content.close()


def pdf(text: str, chance: random.Random) -> bytes:
    """Return a page with one line on it."""
    line = text.encode("ascii", "replace").decode().replace("(", "").replace(")", "")
    drawn = f"BT /F 18 Tf 60 760 Td ({line}) Tj ET"
    return PDF.format(length=len(drawn), text=drawn).encode("ascii")


def png(text: str, chance: random.Random) -> bytes:
    """Return a picture of 64 by 48 pixels in a colour of its own, darker towards its foot."""
    width, height, colour = 64, 48, [chance.randint(90, 255) for _ in range(3)]
    rows = b"".join(b"\x00" + bytes(part - part * y // 96 for part in colour) * width for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def note(text: str, chance: random.Random) -> bytes:
    """Return a protocol of a pressure test."""
    bars = chance.randint(8, 12)
    return f"{text}\r\n\r\nPressure at the start: {bars} bar\r\nAfter 30 minutes: {bars} bar\r\nTight.\r\n".encode()


def table(text: str, chance: random.Random) -> bytes:
    """Return a list of what was used."""
    return f"part;pieces\r\nPipe 22 mm;{chance.randint(1, 9)}\r\nElbow;{chance.randint(1, 20)}\r\n".encode()


KINDS: tuple[tuple[Any, str, str, Any], ...] = (
    (Client, "cli", "Plan of the bathroom.pdf", pdf),
    (Client, "cli", "Boiler.png", png),
    (Invoice, "inv", "Signed order.pdf", pdf),
    (Client, "cli", "Pressure test.txt", note),
    (Invoice, "inv", "Material.csv", table),
    (Client, "cli", "Leak in the cellar.png", png),
)
