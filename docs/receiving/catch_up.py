"""Follows the feed from where it stopped: python3 catch_up.py, with KITH (like http://localhost:8000) and KEY set."""

import json
import os
import sqlite3
import time
import urllib.error
import urllib.request
from typing import Any

from take import TABLES, take

PLACE = "CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), after TEXT NOT NULL)"


def follow(database: sqlite3.Connection) -> None:
    """Take every event, as it comes; each page says where the next begins, an empty one too."""
    database.executescript(f"{TABLES}{PLACE};")
    while True:
        row = database.execute("SELECT after FROM place").fetchone()
        page = read_page(row[0] if row else "")
        for event in page["data"]:
            take(database, event)
        with database:  # after the events: where this fails, some come again, and none is missed
            database.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", [page["pagination"]["next_cursor"]])


def read_page(after: str) -> dict[str, Any]:
    """Read the next page, for up to 20 seconds where nothing has happened yet; try again until it is there."""
    url = f"{os.environ['KITH']}/v1/events?after={after}&wait=20&limit=100"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {os.environ['KEY']}"})
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                page: dict[str, Any] = json.load(answer)
                return page
        except urllib.error.HTTPError as error:
            if error.code != 429 and error.code < 500:
                raise  # 410: the place is older than the feed; read the records anew, then begin with after=now
            time.sleep(int(error.headers.get("Retry-After", "5")))
        except OSError:
            time.sleep(5)


if __name__ == "__main__":
    follow(sqlite3.connect("copy.sqlite"))
