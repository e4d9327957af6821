"""Takes events in whatever order they come, and each of them once: a copy of the records, in SQLite."""

import json
import sqlite3
from typing import Any

TABLES = """
CREATE TABLE IF NOT EXISTS taken (event_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, version INTEGER NOT NULL, data TEXT);
"""
TAKE = "INSERT INTO taken VALUES (?) ON CONFLICT DO NOTHING"
# An older version that comes late changes nothing. What was deleted stays as a row without data, for the same reason.
KEEP = """
INSERT INTO records VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, data = excluded.data
WHERE excluded.version > records.version
"""


def take(database: sqlite3.Connection, event: dict[str, Any]) -> bool:
    """Take one event; False for one that was taken before."""
    with database:  # one transaction: either both rows are written, or the event comes again
        if not database.execute(TAKE, [event["id"]]).rowcount:
            return False
        if event["type"] != "ping":
            gone = event["type"].endswith(".deleted")
            data = None if gone else json.dumps(event["data"])
            database.execute(KEEP, [event["data"]["id"], event["record_version"], data])
    return True
