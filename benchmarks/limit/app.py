"""The limit's application: bare WSGI, psycopg, orjson, SQL written by hand; of all that Kith does, only the key check.

It validates nothing, knows no contract, scope, limit, row-level security, ETag or field list, and answers only the
addresses that are measured. It shows what this machine allows, not how anybody should build.
"""

import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import orjson
import psycopg
from psycopg.types.json import set_json_loads
from uuid_utils.compat import uuid7

from benchmarks.limit import statements as sql

__all__ = ["application"]

Found = tuple[str, Any]
# What PostgreSQL holds as JSON goes out as it is.
set_json_loads(orjson.Fragment)
# Each statement is prepared at once, and the connection kept for good.
connection = psycopg.connect(os.environ["LIMIT_DATABASE_URL"], autocommit=True, prepare_threshold=0)
cursor = connection.cursor()


def rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    return cursor.execute(statement, values).fetchall()


def page(names: tuple[str, ...], found: list[tuple[Any, ...]]) -> Found:
    """Return a page whose rows end with the count."""
    data = [dict(zip(names, row, strict=False)) for row in found]
    return "200 OK", {"data": data, "total": found[0][-1] if found else 0}


def one(tenant: UUID, name: str) -> Found:
    found = rows(sql.ONE, tenant, name)
    return ("200 OK", dict(zip(sql.COLUMNS, found[0], strict=True))) if found else ("404 Not Found", None)


def clients(tenant: UUID, query: dict[str, str]) -> Found:
    limit, offset = int(query.get("limit", 20)), int(query.get("offset", 0))
    if "cursor" in query:
        moment, _, pk = query["cursor"].partition(",")
        found = rows(sql.AFTER, tenant, moment, pk, limit)
        data = [dict(zip(sql.COLUMNS, row, strict=True)) for row in found]
        return "200 OK", {"data": data, "next": f"{data[-1]['created_at']},{data[-1]['id']}"}
    if "search" in query:
        words = f"'t{tenant.hex}' & '{query['search']}'"
        return page(sql.COLUMNS, rows(sql.SEARCH, tenant, words, limit))
    if "language" in query:
        language = query["language"]
        return page(sql.COLUMNS, rows(sql.FILTERED, tenant, language, tenant, language, limit, offset))
    return page(sql.COLUMNS, rows(sql.LATEST, tenant, tenant, limit, offset))


def invoices(tenant: UUID, query: dict[str, str]) -> Found:
    found = rows(sql.INVOICES, tenant, tenant, int(query.get("limit", 20)), int(query.get("offset", 0)))
    status, answer = page(sql.INVOICE_COLUMNS, found)
    lines: dict[UUID, list[Any]] = {row[0]: [] for row in found}
    for invoice, *values in rows(sql.LINES, list(lines)):
        lines[invoice].append(dict(zip(sql.LINE_COLUMNS, values, strict=True)))
    for invoice in answer["data"]:
        invoice["line_items"] = lines[invoice["id"]]
    return status, answer


def add(tenant: UUID, environ: dict[str, Any], *, safely: bool) -> Found:
    content = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    body = orjson.loads(content)
    values = {name: body.get(name) for name in sql.COLUMNS} | {
        "id": uuid7(),
        "tenant": tenant,
        "billing_address": orjson.dumps(body["billing_address"]).decode(),
        "tags": orjson.dumps(body["tags"]).decode(),
    }
    if safely:
        key, digest = environ["HTTP_IDEMPOTENCY_KEY"], sha256(content).hexdigest()
        values |= {"key": key, "hash": digest, "api_key": environ["api_key"]}
    found = cursor.execute(sql.ADD_SAFELY if safely else sql.ADD, values).fetchall()
    return "201 Created", dict(zip(sql.COLUMNS, found[0], strict=True))


def answer(environ: dict[str, Any]) -> Found:
    """Find out who calls, and what for."""
    digest = sha256(environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ").encode()).hexdigest()
    known = rows(sql.KEY, digest)
    if not known:
        return "401 Unauthorized", None
    [(environ["api_key"], tenant)] = known
    path = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] == "POST":
        return add(tenant, environ, safely=path == "/clients-safe")
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    if path == "/clients":
        return clients(tenant, query)
    return invoices(tenant, query) if path == "/invoices" else one(tenant, path.removeprefix("/clients/"))


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request."""
    status, found = answer(environ)
    content = orjson.dumps(found, default=str, option=orjson.OPT_UTC_Z)
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]
