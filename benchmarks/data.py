"""The same clients and invoices in Kith's tables and in those of its peers, made by PostgreSQL itself."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier
from rich.progress import Progress

__all__ = ["KITH", "LIMIT", "STOCK", "Size", "connect", "database", "fill", "fill_kith", "make_peers"]

KITH, STOCK, LIMIT = "kith", "stock", "limit"
CHUNK = 5000
# Kith's net refuses a commit without an event for each row: for this load, and only for it, the net is off.
NETS = ("crm_client", "crm_invoice")


@dataclass(frozen=True)
class Size:
    """How many of what; a fifth of the clients is the first tenant's, and each client has an invoice of three lines."""

    tenants: int = 100
    clients: int = 100_000

    @property
    def largest(self) -> int:
        return -(-self.clients // 5)


def database(name: str) -> str:
    """Return the address of a database of this server, as its owner."""
    url = os.environ["DATABASE_MIGRATION_URL"]
    return url if name == KITH else make_conninfo(url, dbname=f"kith_bench_{name}")


def connect(name: str) -> psycopg.Connection:
    """Return a connection to a database of this server, as its owner."""
    return psycopg.connect(database(name), autocommit=True)


def fill_kith(size: Size, tenants: list[UUID]) -> None:
    """Fill Kith's tables."""
    with closing(connect(KITH)) as connection:
        for table in NETS:
            connection.execute(SQL("ALTER TABLE {} DISABLE TRIGGER recorded").format(Identifier(table)))
        fill(connection, "crm", size, tenants)
        for table in NETS:
            connection.execute(SQL("ALTER TABLE {} ENABLE TRIGGER recorded").format(Identifier(table)))


def make_peers(size: Size, tenants: list[UUID], keys: dict[str, UUID], make_tables: Callable[[], None]) -> None:
    """Make the peers' databases: the stock one's tables by its own models, and the limit's as a copy of them."""
    with closing(connect(KITH)) as server:
        for name in (STOCK, LIMIT):
            server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(f"kith_bench_{name}")))
        server.execute("CREATE DATABASE kith_bench_stock")
        make_tables()
        with closing(connect(STOCK)) as stock:
            add_callers(stock, tenants, keys)
            fill(stock, "stock", size, tenants)
        server.execute("CREATE DATABASE kith_bench_limit TEMPLATE kith_bench_stock")
    with closing(connect(LIMIT)) as limit:
        limit.execute(WORDS)
        limit.execute("VACUUM ANALYZE")


def add_callers(stock: psycopg.Connection, tenants: list[UUID], keys: dict[str, UUID]) -> None:
    with stock.cursor() as cursor:
        rows = [(tenant, f"bench-{number}") for number, tenant in enumerate({*tenants, *keys.values()})]
        cursor.executemany("INSERT INTO stock_tenant (id, slug) VALUES (%s, %s)", rows)
        for key, tenant in keys.items():
            digest = sha256(key.encode()).hexdigest()
            cursor.execute(
                "INSERT INTO stock_apikey (tenant_id, name, digest, revoked) VALUES (%s, 'bench', %s, false)",
                [tenant, digest],
            )


def fill(connection: psycopg.Connection, app: str, size: Size, tenants: list[UUID]) -> None:
    """Fill the tables of one database, and tidy up behind."""
    connection.execute(FUNCTIONS)
    own = {"version": ", version", "one": ", 1"} if app == "crm" else {"version": "", "one": ""}
    with Progress() as progress:
        for statement, what in ((CLIENTS, "clients"), (INVOICES, "invoices"), (LINES, "lines")):
            task = progress.add_task(f"{app}: {what}", total=size.clients)
            for first, last in chunks(size.clients):
                text = statement.format(app=app, **own)
                values: dict[str, Any] = {"first": first, "last": last, "tenants": tenants}
                connection.execute(text.encode(), values)
                progress.update(task, completed=last)
    connection.execute("VACUUM ANALYZE")


def chunks(count: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of the numbers from 1 to `count`, a part at a time."""
    for first in range(1, count + 1, CHUNK):
        yield first, min(count, first + CHUNK - 1)


FUNCTIONS = (Path(__file__).parent / "functions.sql").read_bytes()
CLIENTS = """
INSERT INTO {app}_client (id, tenant_id{version}, created_at, updated_at, name, type, status, email, phone,
    company_name, website, tax_id, language, currency, billing_address, shipping_address, contact_points, tags, notes,
    external_ref, custom_fields, metadata)
SELECT pg_temp.id_of('client', n), pg_temp.tenant_of(n, %(tenants)s){one}, pg_temp.made(n), pg_temp.made(n),
    pg_temp.first_name(n) || ' ' || pg_temp.last_name(n), (ARRAY['person', 'company'])[1 + mod(n / 7, 2)],
    'active', 'mail' || n || '@example.com', '+4312' || lpad(n::text, 7, '0'), 'Firm ' || n, NULL, 'ATU' || n,
    (ARRAY['de', 'en', 'fr', 'it'])[1 + mod(n / 11, 4)], 'EUR',
    jsonb_build_object('line1', n || ' Park Row', 'city', 'Vienna', 'postal_code', '1010', 'country', 'AT'),
    NULL, '[]', '["vip", "plumbing"]', 'Has a key of the house; call before you come.', 'ref-' || n, '{{}}',
    jsonb_build_object('source', 'bench', 'number', n)
FROM generate_series(%(first)s::int, %(last)s::int) AS n
"""
INVOICES = """
INSERT INTO {app}_invoice (id, tenant_id{version}, created_at, updated_at, client_id, number, status, issue_date,
    due_date, currency, subtotal, discount_total, tax_total, total, amount_paid, amount_due, notes, sent_at)
SELECT pg_temp.id_of('invoice', n), pg_temp.tenant_of(n, %(tenants)s){one}, pg_temp.made(n), pg_temp.made(n),
    pg_temp.id_of('client', n), 'INV-2025-' || lpad(n::text, 6, '0'), 'sent', pg_temp.made(n)::date,
    pg_temp.made(n)::date + 30, 'EUR', net, 0.00, tax, net + tax, 0.00, net + tax, 'Old parts are taken away.',
    pg_temp.made(n)
FROM generate_series(%(first)s::int, %(last)s::int) AS n, round(14 * pg_temp.rate(n), 2) AS net,
    round(14 * pg_temp.rate(n) * 0.2, 2) AS tax
"""
LINES = """
INSERT INTO {app}_invoiceline (id, tenant_id, invoice_id, position, description, quantity, rate, discount_percent,
    tax_rate, amount)
SELECT pg_temp.id_of('line' || k, n), pg_temp.tenant_of(n, %(tenants)s), pg_temp.id_of('invoice', n), k,
    (ARRAY['Pipe repair', 'New tap, fitted', 'Way there and back'])[k], k, round(k * pg_temp.rate(n), 2), 0, 20,
    round(k * k * pg_temp.rate(n), 2)
FROM generate_series(%(first)s::int, %(last)s::int) AS n, generate_series(1, 3) AS k
"""
# A GIN index meets the words of every tenant: the limit does as Kith does, and makes the tenant a word.
WORDS = """
DROP INDEX client_search;
ALTER TABLE stock_client DROP COLUMN search;
ALTER TABLE stock_client ADD COLUMN words tsvector GENERATED ALWAYS AS (array_to_tsvector(array_remove(
    regexp_split_to_array(lower('t' || replace(tenant_id::text, '-', '') || ' ' || name || ' '
        || coalesce(company_name, '') || ' ' || coalesce(email, '') || ' ' || coalesce(phone, '') || ' '
        || coalesce(external_ref, '')), '[^[:alnum:]]+'), ''))) STORED;
CREATE INDEX client_words ON stock_client USING gin (words);
"""
