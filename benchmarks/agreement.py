"""Before anything is timed: do all three answer the same? Else their times would say nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import orjson
import requests

from benchmarks.data import KITH, STOCK
from benchmarks.matrix import BODY, Call
from tenants import ids

__all__ = ["FACTOR", "Seen", "ask", "difference", "next_cursor"]

# So many times more or fewer bytes may an answer have than Kith's.
FACTOR = 1.5


@dataclass(frozen=True)
class Seen:
    """What an answer says: its status, the ids in their order, the count (None: not counted), its length in bytes."""

    status: int
    ids: tuple[UUID, ...]
    count: int | None
    size: int


def ask(peer: str, url: str, call: Call, key: str, path: str) -> tuple[Seen, Any]:
    """Make a call once, and return what its answer says, with its body."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if call.idempotent:
        headers["Idempotency-Key"] = str(uuid4())
    data = BODY if call.method == "POST" else None
    answer = requests.request(call.method, f"{url}{path}", data=data, headers=headers, timeout=30)
    if not answer.ok:
        return Seen(answer.status_code, (), None, len(answer.content)), answer.text
    body = orjson.loads(answer.content)
    return read(peer, body, answer.status_code, len(answer.content)), body


def read(peer: str, body: Any, status: int, size: int) -> Seen:
    """Read a body in the shape that its peer gives it."""
    record = body["data"] if peer == KITH else body
    found = record if isinstance(record, list) else body.get("results", body.get("data", record))
    rows = found if isinstance(found, list) else [found]
    count = body.get("pagination", {}).get("total") if peer == KITH else body.get("count", body.get("total"))
    return Seen(status, tuple(to_id(row["id"]) for row in rows), count, size)


def to_id(text: str) -> UUID:
    """Return the UUID of an id, with or without a prefix."""
    return ids.decode(text.rpartition("_")[0], text) if "_" in text else UUID(text)


def difference(call: Call, seen: Mapping[str, Seen]) -> str | None:
    """Return the sentence for the first thing in which the peers differ from Kith; None where they agree."""
    for peer, one in seen.items():
        if not 200 <= one.status < 300:
            return f"{call.title}: {peer} answered with {one.status}."
    ours = seen[KITH]
    for peer, one in seen.items():
        if call.method == "GET" and not ours.ids:
            return f"{call.title}: {KITH} shows nothing."
        if call.method == "GET" and one.ids != ours.ids:
            at = next((n for n, pair in enumerate(zip(one.ids, ours.ids, strict=False)) if len({*pair}) > 1), 0)
            lengths = f"{len(one.ids)} instead of {len(ours.ids)} rows, the first other one at {at + 1}"
            return f"{call.title}: {peer} shows other records than {KITH} ({lengths})."
        if one.count != ours.count:
            return f"{call.title}: {peer} counts {one.count}, and {KITH} {ours.count}."
        if not ours.size / FACTOR <= one.size <= ours.size * FACTOR:
            return f"{call.title}: {peer} sends {one.size} bytes, and {KITH} {ours.size}: more than {FACTOR} apart."
    return None


def next_cursor(peer: str, body: Any) -> str:
    """Return the cursor that leads on from a page."""
    if peer == KITH:
        return str(body["pagination"]["next_cursor"])
    if peer == STOCK:
        return parse_qs(urlsplit(str(body["next"])).query)["cursor"][0]
    last = body["data"][-1]
    return f"{last['created_at']},{last['id']}"
