"""The calls that are measured: for each, what is asked of each peer, and how far Kith is to be ahead."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import UUID

import orjson

from benchmarks.data import KITH, LIMIT, STOCK
from tenants import ids

__all__ = [
    "AVERAGE", "BODY", "CALLS", "FIRST", "LARGEST", "ROWS", "WRITER", "WRITES", "Call", "Callers", "Row", "paths_of",
]  # fmt: skip

AVERAGE, LARGEST, WRITER = "average", "largest", "writer"
BODY = orjson.dumps(
    {
        "name": "Ada Lovelace",
        "type": "company",
        "email": "ada@example.com",
        "phone": "+442079460018",
        "company_name": "Analytical Engines",
        "language": "en",
        "currency": "EUR",
        "billing_address": {"line1": "12 Park Row", "city": "London", "postal_code": "SE10 9NF", "country": "GB"},
        "tags": ["vip"],
    }
)


@dataclass(frozen=True)
class Call:
    """One call; `paths` says what it is for each peer, `caller` whose key it carries."""

    title: str
    caller: str
    paths: dict[str, str]
    method: str = "GET"
    idempotent: bool = False


@dataclass(frozen=True)
class Row:
    """A line of the result: a call of Kith's beside one of the stock peer and one of the limit, and its targets."""

    title: str
    call: str
    stock: str
    limit: str
    throughput: float | None = None
    cpu: float | None = None
    against_limit: float | None = None


@dataclass(frozen=True)
class Callers:
    """The keys of the three tenants, which one is written to, clients of the average one, and the cursors reached."""

    keys: dict[str, str]
    writer: UUID
    clients: list[UUID]
    cursors: dict[str, str] = field(default_factory=dict)


def alike(kith: str, stock: str = "", limit: str = "") -> dict[str, str]:
    """Return the addresses of a call that differ in little."""
    path, _, query = kith.partition("?")
    return {KITH: f"/v1{kith}", STOCK: stock or f"{path}/?{query}", LIMIT: limit or stock or kith}


# Where a cursor begins.
FIRST = {KITH: "/v1/clients?limit=20", STOCK: "/clients-by-cursor/", LIMIT: "/clients?limit=20"}
SEARCH = "search=garcia01&limit=20"
CALLS = {
    "get": Call("GET by id", AVERAGE, {KITH: "/v1/clients/{id}", STOCK: "/clients/{id}/", LIMIT: "/clients/{id}"}),
    "list20": Call("list 20 + count", AVERAGE, alike("/clients?limit=20")),
    "list100": Call("list 100 + count", AVERAGE, alike("/clients?limit=100")),
    "filter": Call(
        "filter + sort + offset",
        AVERAGE,
        {
            KITH: "/v1/clients?language=de&sort=name&limit=20&offset=40",
            STOCK: "/clients/?language=de&ordering=name,id&limit=20&offset=40",
            LIMIT: "/clients?language=de&limit=20&offset=40",
        },
    ),
    "deep": Call("deep offset + count", LARGEST, alike("/clients?limit=20&offset={deep}")),
    "cursor": Call(
        "cursor page",
        LARGEST,
        {
            KITH: "/v1/clients?limit=20&cursor={cursor}",
            STOCK: "/clients-by-cursor/?cursor={cursor}",
            LIMIT: "/clients?limit=20&cursor={cursor}",
        },
    ),
    "search": Call("full text", LARGEST, alike(f"/clients?{SEARCH}")),
    "invoices": Call("20 invoices with lines", AVERAGE, alike("/invoices?limit=20")),
    "post": Call("POST", WRITER, {KITH: "/v1/clients", STOCK: "/clients/", LIMIT: "/clients"}, "POST"),
    "safe": Call(
        "POST, safe",
        WRITER,
        {KITH: "/v1/clients", STOCK: "/clients-safe/", LIMIT: "/clients-safe"},
        "POST",
        idempotent=True,
    ),
}
WRITES = tuple(name for name, call in CALLS.items() if call.method == "POST")
# The targets are those of the design.
ROWS = (
    Row("GET by id", "get", "get", "get", 5, 6, 0.40),
    Row("list 20 + count", "list20", "list20", "list20", 5, 7, 0.50),
    Row("list 100 + count", "list100", "list100", "list100", 7, 10, 0.70),
    Row("filter + sort + offset", "filter", "filter", "filter", 5, 7, 0.55),
    Row("deep offset + count", "deep", "deep", "deep", 2, 5, 0.85),
    Row("cursor page", "cursor", "cursor", "cursor", 6, 7, 0.60),
    Row("full text", "search", "search", "search", 2, 4, 0.75),
    Row("20 invoices with lines", "invoices", "invoices", "invoices", 6, 6, 0.45),
    Row("POST; the peers' bare", "post", "post", "post"),
    Row("POST + key; stock's bare", "safe", "post", "post", 2.5, 3),
    Row("POST + key; stock's too", "safe", "safe", "safe", 2.5, 3, 0.45),
)


def paths_of(call: Call, peer: str, callers: Callers, deep: int) -> Iterator[str]:
    """Yield every address that a call goes to at a peer."""
    path = call.paths[peer]
    if "{id}" not in path:
        yield path.format(deep=deep, cursor=quote(callers.cursors.get(peer, "")))
        return
    for client in callers.clients:
        yield path.format(id=ids.encode("cli", client) if peer == KITH else client)
