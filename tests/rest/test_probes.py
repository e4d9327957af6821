"""Every probe in every place that takes a value: whatever comes, it is answered, and never with a 5xx.

A quick run sends each place its share of the probes, so that neighbours cover them; `make test-deep` sends all.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import quote_from_bytes

import orjson
import pytest

from crm.rest.filters import operators_of
from crm.rest.query import PARAMETERS
from tests.bodies import make_body, placed, writable
from tests.conftest import Caller
from tests.records import Records
from tests.rest.probes import PROBES, as_text
from tests.routes import Route
from tests.shares import shared

HERE = "@@here@@"
HEADERS = ("X-Request-ID", "Idempotency-Key", "If-Match", "If-None-Match", "X-API-Key", "Content-Language", "Accept")
PATIENCE_SECONDS = 5


@dataclass
class Sender:
    """Sends requests in the words of their contract, and notes those that failed, broke off or took too long."""

    records: Records
    share: int
    count: int = 0
    turn: int = 0
    faults: list[str] = field(default_factory=list)

    def __call__(self, route: Route, method: str, path: str, body: bytes | None = None, **headers: str) -> None:
        self.count += 1
        begun = time.monotonic()
        answer = self.records.send(route, method, path, body, **headers)
        if answer.status >= 500 or (answer.raw and answer.body is None):
            self.faults.append(f"{method} {path[:200]} {(body or b'')[:200]!r}: {answer.status} {answer.raw[:200]!r}")
        if time.monotonic() - begun > PATIENCE_SECONDS:
            self.faults.append(f"{method} {path[:200]} {(body or b'')[:200]!r}: too slow")

    def probes(self) -> list[bytes]:
        """Return the probes for the next place."""
        self.turn += 1
        return list(PROBES.values())[self.turn % self.share :: self.share]


@pytest.fixture
def sender(acme: Caller, share: int) -> Sender:
    return Sender(Records(acme), share)


def firsts(records: Records) -> Iterator[Route]:
    """Yield each route once, whatever the number of its contract's mounts."""
    yield from {(route.view, *route.actions.values()): route for route in reversed(records.routes)}.values()


def takers(records: Records) -> Iterator[tuple[Route, str]]:
    """Yield the routes and methods that take a body; PUT is PATCH by another name."""
    for route in firsts(records):
        yield from ((route, method) for method in ("POST", "PATCH") if route.takes(method))


def bodies(sender: Sender, shape: Any) -> Iterator[bytes]:
    """Yield a whole body with the probes at each of its places."""
    for path, _ in writable(shape):
        for probe in sender.probes():
            body = placed(make_body(shape, sender.records.ids, full=True), path, HERE)
            yield orjson.dumps(body).replace(b'"' + HERE.encode() + b'"', probe)


def queries(sender: Sender, view: Any) -> Iterator[str]:
    """Yield the probes in each parameter of a list; the operators of filters take turns."""
    wire, paging = view.contract.wire, view.contract.paging.names
    for probe in sender.probes():
        text = quote_from_bytes(as_text(probe))
        yield from (f"{name}={text}" for name in (*map(wire, PARAMETERS), *paging, "nope", "a[b][c]"))
        yield from (f"{text}=1", f"{wire('filter')}={quote_from_bytes(probe)}")
    for name, item in view.filters.items():
        for probe, operator in zip(sender.probes(), cycle(("", *operators_of(item))), strict=False):
            value = b"[" + probe + b"]" if operator in ("in", "nin") else probe
            tree = b'{"' + name.encode() + b'": {"$' + operator.encode() + b'": ' + value + b"}}"
            yield (
                f"{wire('filter')}={quote_from_bytes(tree)}"
                if operator
                else f"{name}={quote_from_bytes(as_text(probe))}"
            )


def check(sender: Sender, tally: dict[str, str], name: str, least: int) -> None:
    """Check that nothing failed and that every list still answers, and note how many requests that were."""
    tally[f"probes, {name}"] = f"{sender.count} requests, {len(sender.faults)} faults"
    for route in firsts(sender.records):
        if route.listed:
            sender(route, "GET", route.at(sender.records.ids[route.view.model]))
    assert sender.faults == []
    assert sender.count >= least


@shared(96)
@pytest.mark.usefixtures("quiet")
def test_it_answers_every_probe_in_a_body(sender: Sender, tally: dict[str, str]) -> None:
    for route, method in takers(sender.records):
        for body in bodies(sender, route.takes(method)):
            sender(route, method, route.at(sender.records.ids[route.view.model]), body)
    check(sender, tally, "bodies", 6000 // sender.share)


@shared(96)
@pytest.mark.usefixtures("quiet")
def test_it_answers_every_probe_in_a_query(sender: Sender, tally: dict[str, str]) -> None:
    for route in firsts(sender.records):
        if route.listed and not route.has_id:
            for query in queries(sender, route.listed):
                sender(route, "GET", f"{route.path}?{query}")
    check(sender, tally, "queries", 3000 // sender.share)


@shared(96)
@pytest.mark.usefixtures("quiet")
def test_it_answers_every_probe_in_a_path_or_header(sender: Sender, tally: dict[str, str]) -> None:
    for route in firsts(sender.records):
        own = route.at(sender.records.ids[route.view.model])
        for probe in sender.probes():
            text = as_text(probe)[:4000]
            if route.has_id:
                sender(route, "GET", route.at(quote_from_bytes(text, safe="")))
            else:
                sender(route, "GET", own, None, **dict.fromkeys(HEADERS, text.decode("latin-1")))
                sender(route, "POST", own, probe, **{"Idempotency-Key": text.decode("latin-1")})
    check(sender, tally, "paths and headers", 500 // sender.share)
