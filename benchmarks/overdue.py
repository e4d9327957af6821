"""Rows whose time is over, made by the owner of the tables: work for the jobs that delete, while others work too."""

from datetime import UTC, date, datetime
from uuid import UUID

from benchmarks.sql import as_owner
from config.celery import app
from tenants import ids
from webhooks import partitions

__all__ = ["left", "make", "make_month", "month_is_gone", "start_jobs"]

JOBS = ("apikeys.tasks.forget_claims", "apikeys.tasks.forget_usage", "apikeys.tasks.forget_sessions")
MONTH = date(2020, 1, 1)
OVER = {
    "apikeys_claim": "expires_at < now()",
    "apikeys_dailyusage": "day < current_date - 400",
    "django_session": "expire_date < now()",
}
MAKE = (
    """
    INSERT INTO apikeys_claim (id, tenant_id, owner, key, fingerprint, status, headers, body, expires_at)
    SELECT gen_random_uuid(), %(tenant)s, 'soak', gen_random_uuid()::text, '', 200, '{}', '', now() - interval '1 hour'
    FROM generate_series(1, %(count)s)
    """,
    """
    INSERT INTO apikeys_dailyusage (id, tenant_id, key_id, day, requests, refused, failed)
    SELECT gen_random_uuid(), %(tenant)s, gen_random_uuid(), current_date - 500, 1, 0, 0
    FROM generate_series(1, %(count)s)
    """,
    """
    INSERT INTO django_session (session_key, session_data, expire_date)
    SELECT replace(gen_random_uuid()::text, '-', ''), '', now() - interval '1 hour' FROM generate_series(1, %(count)s)
    """,
)
DELIVERIES = """
INSERT INTO webhooks_delivery (id, tenant_id, endpoint_id, event_id, type, record_id, record_version, replay_no, status,
  attempts, starts, failure)
SELECT gen_random_uuid(), %(tenant)s, gen_random_uuid(), %(event)s, 'client.created', gen_random_uuid(), 1, 0,
  'delivered', 1, 1, '' FROM generate_series(1, %(count)s)
"""


def make(tenant: UUID, count: int) -> int:
    """Make so many rows of each kind; return how many that are."""
    for sql in MAKE:
        as_owner(sql.replace("%(tenant)s", f"'{tenant}'").replace("%(count)s", str(count)))
    return len(MAKE) * count


def start_jobs() -> None:
    """Let the worker delete what is over, as the clock does every hour."""
    for name in JOBS:
        app.send_task(name)


def left() -> int:
    """Return how many rows are over and still there."""
    return sum(as_owner(f"SELECT count(*) FROM {table} WHERE {over}")[0][0] for table, over in OVER.items())  # noqa: S608


def make_month(tenant: UUID, count: int) -> None:
    """Make a month that nobody keeps any more, and let the worker drop it."""
    for table in partitions.TABLES:
        as_owner(partitions.making(table, MONTH))
    event = ids.first_of(datetime(MONTH.year, MONTH.month, 15, tzinfo=UTC))
    sql = DELIVERIES.replace("%(tenant)s", f"'{tenant}'").replace("%(event)s", f"'{event}'")
    as_owner(sql.replace("%(count)s", str(count)))
    app.send_task("webhooks.partitions")


def month_is_gone() -> bool:
    """Tell whether the month has been dropped, with its rows."""
    names = [f"{table}_{MONTH:%Y_%m}" for table in partitions.TABLES]
    return not any(as_owner("SELECT to_regclass(%s)", name)[0][0] for name in names)
