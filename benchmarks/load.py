"""A mix of calls as programs make them: seven reads to three writes, as fast as answers come or at an even pace."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp

__all__ = ["Load", "Seen", "percentile"]

PROGRAMS = 8
# More than so many that wait for an answer at once are not sent any more: the next one waits itself, and that counts.
MOST_AT_ONCE = 256
KNOWN = 500
LINES = [
    {"description": text, "rate": rate} for text, rate in (("Visit", "80.00"), ("Pipe", "12.50"), ("Tap", "39.90"))
]
# Out of a hundred.
READS = (
    (25, "/clients/{client}"),
    (20, "/clients?limit=20"),
    (10, "/invoices?limit=20"),
    (10, "/invoices/{invoice}?include=client"),
    (5, "/clients?search={word}"),
)
WRITES = ((15, "make_client"), (8, "change_client"), (7, "make_invoice"))


@dataclass
class Seen:
    """How long each answer took, from the moment it was due; what was no 2xx; and how many changes were made."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    writes: int = 0


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class Load:
    """The programs of one tenant, and the records they know."""

    def __init__(self, url: str, key: str) -> None:
        self.url = f"{url}/v1"
        self.headers = {"Authorization": f"Bearer {key}"}
        self.chance = random.Random(6)  # noqa: S311  the same mix each time
        self.known = {"client": deque[str](maxlen=KNOWN), "invoice": deque[str](maxlen=KNOWN)}
        self.calls = [name for share, name in (*READS, *WRITES) for _ in range(share)]

    def seed(self, clients: int = 200, invoices: int = 50) -> Seen:
        """Make the records that reads will find."""

        async def make(call: Callable[[str, float], Awaitable[None]]) -> None:
            for name in ["make_client"] * clients + ["make_invoice"] * invoices:
                await call(name, time.monotonic())

        return asyncio.run(self.run(make))

    def at_most(self, seconds: float) -> Seen:
        """Ask as fast as answers come, by eight programs."""

        async def program(call: Callable[[str, float], Awaitable[None]], end: float) -> None:
            while time.monotonic() < end:
                await call(self.chance.choice(self.calls), time.monotonic())

        async def ask(call: Callable[[str, float], Awaitable[None]]) -> None:
            end = time.monotonic() + seconds
            await asyncio.gather(*(program(call, end) for _ in range(PROGRAMS)))

        return asyncio.run(self.run(ask))

    def evenly(self, per_second: float, seconds: float) -> Seen:
        """Ask at an even pace, whether answers come or not."""

        async def ask(call: Callable[[str, float], Awaitable[None]]) -> None:
            start, free = time.monotonic(), asyncio.Semaphore(MOST_AT_ONCE)

            async def one(due: float) -> None:
                try:
                    await call(self.chance.choice(self.calls), due)
                finally:
                    free.release()

            async with asyncio.TaskGroup() as group:
                for number in range(round(per_second * seconds)):
                    due = start + number / per_second
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    await free.acquire()
                    group.create_task(one(due))

        return asyncio.run(self.run(ask))

    async def run(self, ask: Callable[[Callable[[str, float], Awaitable[None]]], Awaitable[None]]) -> Seen:
        """Let `ask` make calls over connections that are kept, and return what was seen."""
        seen, connector = Seen(), aiohttp.TCPConnector(limit=4 * PROGRAMS)
        async with aiohttp.ClientSession(
            connector=connector, headers=self.headers, timeout=aiohttp.ClientTimeout(30)
        ) as session:

            async def call(name: str, due: float) -> None:
                method, path, body = self.made(name)
                # Each write has a key, as a program that may have to try again gives it.
                headers = {"Idempotency-Key": uuid4().hex} if body else {}
                try:
                    async with session.request(method, self.url + path, json=body, headers=headers) as answer:
                        data: Any = await answer.json()
                    if answer.ok and body:
                        seen.writes += 1
                        self.learn(path, data["data"])
                    elif not answer.ok:
                        seen.wrong.append(f"{method} {path}: {answer.status} {data}"[:300])
                except (aiohttp.ClientError, TimeoutError) as error:
                    seen.wrong.append(f"{method} {path}: {error!r}")
                seen.seconds.append(time.monotonic() - due)

            await ask(call)
        return seen

    def made(self, name: str) -> tuple[str, str, dict[str, Any] | None]:
        """Return the method, the path and the body of a call."""
        client = self.chance.choice(self.known["client"]) if self.known["client"] else ""
        invoice = self.chance.choice(self.known["invoice"]) if self.known["invoice"] else ""
        word = self.chance.choice(("ada", "bob", "eve"))
        match name:
            case "make_client":
                return "POST", "/clients", {"name": f"{word.title()} {uuid4().hex[:8]}", "tags": ["soak"]}
            case "change_client":
                return "PATCH", f"/clients/{client}", {"notes": uuid4().hex}
            case "make_invoice":
                return "POST", "/invoices", {"client_id": client, "line_items": LINES}
        return "GET", name.format(client=client, invoice=invoice, word=word), None

    def learn(self, path: str, record: dict[str, Any]) -> None:
        """Keep the id of a new record."""
        if path in ("/clients", "/invoices"):
            self.known[path.strip("/").removesuffix("s")].append(str(record["id"]))
