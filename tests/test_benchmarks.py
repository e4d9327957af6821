"""The benchmark itself: its figures, what it refuses, and that its three servers answer alike."""

import re
from dataclasses import replace
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest

from benchmarks import throughput
from benchmarks.agreement import Seen, difference
from benchmarks.data import KITH, LIMIT, STOCK, Size
from benchmarks.figures import line_of, median_cell, ratios, spread
from benchmarks.matrix import CALLS, ROWS
from benchmarks.measuring import regressions
from benchmarks.peers import serving
from benchmarks.picture import draw
from benchmarks.wrk import Cell

CELL = Cell(rate=100, cpu=8, postgres=1, redis=1, p50=10, p99=20)
GET = ROWS[0]
SEEN = Seen(200, (UUID(int=1), UUID(int=2)), 2, 1000)


def round_of(kith: float, stock: float, limit: float = 1000) -> dict[tuple[str, str], Cell]:
    """Return a round in which the three served so many requests a second, each at 1000 ms of CPU a second."""
    rates = {KITH: kith, STOCK: stock, LIMIT: limit}
    return {(peer, "get"): replace(CELL, rate=rate, cpu=1000 / rate) for peer, rate in rates.items()}


def test_a_ratio_is_taken_in_each_round_and_only_then_the_median() -> None:
    rounds = [round_of(600, 100), round_of(50, 10), round_of(200, 100)]
    found = spread(ratios(rounds, (KITH, "get"), (STOCK, "get"), lambda cell: cell.rate, less=False))
    assert found is not None
    assert (found.median, found.least, found.most, found.rounds) == (5, 2, 6, 3)


def test_less_cpu_is_a_higher_ratio() -> None:
    assert ratios([round_of(600, 100)], (KITH, "get"), (STOCK, "get"), lambda cell: cell.cpu, less=True) == [6]


def test_a_round_with_a_void_cell_does_not_count_for_its_ratio() -> None:
    broken = round_of(900, 1)
    del broken[STOCK, "get"]
    line = line_of(GET, [round_of(600, 100), broken])
    assert line["throughput"]["median"] == 6
    assert line["throughput"]["rounds"] == 1
    assert line["limit_throughput"]["rounds"] == 2


def test_a_call_that_was_void_in_every_round_has_no_figure() -> None:
    assert line_of(GET, [{}])["throughput"] is None
    assert median_cell([{}], KITH, "get") is None


@pytest.mark.parametrize(("kith", "met"), [(500, True), (499, False)])
def test_a_target_is_met_by_the_median(kith: float, met: bool) -> None:
    line = line_of(GET, [round_of(kith, 100)])
    assert (line["throughput"]["target"], line["throughput"]["met"]) == (5, met)


def test_work_that_moved_into_postgresql_and_redis_counts() -> None:
    assert CELL.both == 10


def test_alike_answers_are_no_difference() -> None:
    assert difference(CALLS["list20"], {KITH: SEEN, STOCK: SEEN, LIMIT: replace(SEEN, size=1400)}) is None


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (replace(SEEN, status=302), "stock answered with 302"),
        (replace(SEEN, ids=SEEN.ids[::-1]), "stock shows other records than kith"),
        (replace(SEEN, ids=SEEN.ids[:1]), "1 instead of 2 rows"),
        (replace(SEEN, count=3), "stock counts 3, and kith 2"),
        (replace(SEEN, count=None), "stock counts None"),
        (replace(SEEN, size=2000), "stock sends 2000 bytes, and kith 1000"),
    ],
)
def test_the_sentence_says_in_what_a_peer_differs(other: Seen, words: str) -> None:
    assert words in str(difference(CALLS["list20"], {KITH: SEEN, STOCK: other}))


def test_it_refuses_a_busy_machine_unless_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "find_wrk", lambda: "/usr/bin/wrk")
    assert "load 1.6" in str(throughput.refusal(1.6, force=False))
    assert throughput.refusal(1.6, force=True) is None
    assert throughput.refusal(1.5, force=False) is None


def test_without_wrk_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "sudo apt install wrk" in str(throughput.refusal(0, force=True))


def test_a_call_that_costs_over_15_percent_more_is_named() -> None:
    before = {"GET": {"references": 1.0}, "POST": {"references": 1.0}}
    [sentence] = regressions(before, {"GET": {"references": 1.2}, "POST": {"references": 1.1}, "new": {}})
    assert sentence.startswith("GET costs 20 % more")


def test_the_picture_shows_each_call_and_is_well_formed() -> None:
    rounds = [round_of(600, 100)]
    result: dict[str, Any] = {
        "commit": "abc", "at": "2026-01-01", "rounds": 1, "seconds": 4, "rows": [line_of(row, rounds) for row in ROWS],
        "data": {"clients": 100, "tenants": 2}, "machine": {"cores": 2, "python": "3.12", "postgresql": "18"},
    }  # fmt: skip
    picture = draw(result)
    ElementTree.fromstring(picture)
    assert all(row.title in picture for row in ROWS)
    assert len(re.findall("void", picture)) == 2 * (len(ROWS) - 1)


@pytest.mark.deep
def test_all_three_servers_answer_alike() -> None:
    size = Size(tenants=3, clients=600)
    callers = throughput.make_house(size)
    with serving() as peers:
        trial = throughput.Trial(peers, callers, size)
        assert trial.differences() == []
        if not throughput.refusal(0, force=True):
            cells = trial.round(["get", "safe"], 3, "test")
            assert len(cells) == 2 * len(peers), trial.voids
            assert all(cell.cpu for cell in cells.values())
