"""The guide's copy of the records: each event once, the newest version wins, and the feed goes on from its place."""

import json
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from config.env import BASE

SNIPPETS = BASE / "docs" / "receiving"
Event = dict[str, Any]


def event(number: int, record: str, version: int, verb: str = "updated") -> Event:
    data = {"id": record, "name": f"as of {version}"}
    return {"id": f"evt_{number}", "type": f"client.{verb}", "record_version": version, "data": data}


def rows(database: sqlite3.Connection) -> dict[str, tuple[int, str | None]]:
    found = database.execute("SELECT id, version, data FROM records").fetchall()
    return {record: (version, data and json.loads(data)["name"]) for record, version, data in found}


@pytest.fixture
def take(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[sqlite3.Connection, Callable[..., bool]]]:
    """Return an empty copy, and the guide's function."""
    monkeypatch.syspath_prepend(SNIPPETS)
    module: Any = __import__("take")
    monkeypatch.delitem(sys.modules, "take")
    database = sqlite3.connect(":memory:")
    database.executescript(module.TABLES)
    yield database, module.take
    database.close()


def test_events_in_any_order_and_twice_give_the_same_copy(take: Any) -> None:
    database, take_one = take
    events = [event(number, "cli_1", number) for number in range(1, 9)]
    events += [event(11, "cli_2", 1, "created"), event(12, "cli_2", 2), event(13, "cli_2", 3, "deleted")]
    shuffled = events * 2
    random.Random(5).shuffle(shuffled)
    assert sum(take_one(database, one) for one in shuffled) == len(events)
    assert rows(database) == {"cli_1": (8, "as of 8"), "cli_2": (3, None)}


def test_a_ping_is_no_record(take: Any) -> None:
    database, take_one = take
    assert take_one(database, {"id": "evt_1", "type": "ping", "record_version": 1, "data": {}})
    assert rows(database) == {}


def test_what_fails_is_not_taken(take: Any) -> None:
    database, take_one = take
    with pytest.raises(KeyError):
        take_one(database, {"id": "evt_1", "type": "client.updated", "data": {"id": "cli_1"}})
    assert take_one(database, event(1, "cli_1", 1))


class Feed(BaseHTTPRequestHandler):
    """Answers each request with the next of the answers, and remembers what it was asked."""

    answers: ClassVar[list[tuple[int, list[Event], str]]]
    asked: ClassVar[list[dict[str, list[str]]]]

    def do_GET(self) -> None:
        type(self).asked.append(parse_qs(urlsplit(self.path).query, keep_blank_values=True))
        assert self.headers["Authorization"] == "Bearer kith_live_x"
        status, events, cursor = type(self).answers.pop(0)
        body = json.dumps({"success": True, "data": events, "pagination": {"next_cursor": cursor}}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def test_the_loop_follows_the_feed(tmp_path: Path) -> None:
    Feed.asked = []
    Feed.answers = [
        (200, [event(1, "cli_1", 1), event(2, "cli_1", 2)], "p1"), (503, [], ""), (429, [], ""), (200, [], "p2"),
        (200, [event(2, "cli_1", 2), event(3, "cli_2", 1)], "p3"), (410, [], ""),
        # After a new start:
        (200, [event(4, "cli_2", 2)], "p4"), (401, [], ""),
    ]  # fmt: skip
    with ThreadingHTTPServer(("127.0.0.1", 0), Feed) as server:
        Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
        environ = {"KITH": f"http://127.0.0.1:{server.server_port}", "KEY": "kith_live_x"}
        command = (sys.executable, str(SNIPPETS / "catch_up.py"))
        ends = [
            subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=30, check=False)
            for _ in range(2)
        ]
        server.shutdown()
    assert [end.returncode for end in ends] == [1, 1]
    assert ["HTTP Error 410" in ends[0].stderr, "HTTP Error 401" in ends[1].stderr] == [True, True]
    assert [asked["after"] for asked in Feed.asked] == [
        [place] for place in ("", "p1", "p1", "p1", "p2", "p3", "p3", "p4")
    ]
    assert Feed.asked[0]["wait"] == ["20"]
    database = sqlite3.connect(tmp_path / "copy.sqlite")
    assert rows(database) == {"cli_1": (2, "as of 2"), "cli_2": (2, "as of 2")}
    database.close()
