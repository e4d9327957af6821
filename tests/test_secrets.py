"""Secrets of the whole run: whatever the other tests did, no key stands in the log, in a table or in Redis."""

import re
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connections

from tests.conftest import ISSUED, RUN_LOG, Caller

KEY = re.compile(rb"kith_(?:live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}")
SAMPLE = 100
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


@pytest.fixture(autouse=True)
def something_happened(acme: Caller) -> None:
    acme.post("/clients", {"name": "Ada"}, Idempotency_Key="once")
    acme.get(f"/clients?api_key={acme.key}")


def leaks(content: bytes) -> list[bytes]:
    # Whole keys, and the secret part alone of every n-th: each of these searches reads everything.
    some = ISSUED[:: max(1, len(ISSUED) // SAMPLE)]
    return KEY.findall(content) + [key.encode() for key in some if key[19:].encode() in content]


def test_it_writes_no_key_into_the_log() -> None:
    written = Path(RUN_LOG).read_bytes()
    assert b'"route": "^v1/clients/?$"' in written
    assert leaks(written) == []


def test_it_writes_no_key_into_a_table() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(TABLES)
        tables = [row[0] for row in cursor.fetchall()]
        assert "apikeys_claim" in tables
        for table in tables:
            assert leaks(content_of(cursor, table)) == [], table


def content_of(cursor: Any, table: str) -> bytes:
    """Return all of a table as text; bytes are read as text where they are some."""
    body = ", convert_from(body, 'UTF8')" if table == "apikeys_claim" else ""
    cursor.execute(f'SELECT t::text{body} FROM "{table}" t')
    return "\n".join(str(row) for row in cursor.fetchall()).encode()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_it_writes_no_key_into_redis(number: int) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL.removesuffix("/0") + f"/{number}")
    dumped = b"".join(key + (client.dump(key) or b"") for key in client.scan_iter(count=1000))
    assert leaks(dumped) == []
