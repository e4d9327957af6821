"""What the database knows of the work: a cheap statement for each figure, all of them within a second.

They cross tenants, on the staff role's connection, which is given back afterwards: reading figures keeps none open.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, connections, transaction

from tenants.routing import STAFF

__all__ = ["FIGURES", "MOST", "Figure", "Figures", "read"]

PATIENCE_SECONDS, LEAST_SECONDS = 1.0, 0.01
# Counting further would tell nothing more, and cost more the worse things are.
MOST = 10_000


@dataclass(frozen=True)
class Figure:
    """A gauge: what it says, the statement that reads it, and the values of its label, if it has one.

    Such a statement returns a row for each value; those that it does not return are 0.
    """

    name: str
    says: str
    sql: str
    label: str = ""
    values: tuple[str, ...] = ()


Figures = Mapping[Figure, Mapping[str, float]]

NEW = "fanned_out_at IS NULL AND audience = 'public'"
# A lane knows when the oldest of its deliveries is due; while its circuit is open that is later.
DUE = """
webhooks_lane l JOIN webhooks_endpoint e ON e.tenant_id = l.tenant_id AND e.id = l.endpoint_id AND e.active
WHERE l.next_due_at <= now()
"""
WAITING = """
SELECT 1 FROM webhooks_delivery d WHERE d.tenant_id = l.tenant_id AND d.endpoint_id = l.endpoint_id
  AND d.status = 'pending' AND d.due_at <= now() AND d.replay_no {live}
"""
# Who may not see others' state does not see what kind of process they are either; only people and programs log in.
CLIENTS = "pg_stat_activity WHERE datname = current_database() AND usesysid IS NOT NULL"

FIGURES = (
    Figure(
        "kith_events_waiting",
        f"Events that are not turned into deliveries yet; {MOST} at most.",
        f"SELECT count(*) FROM (SELECT 1 FROM tenants_event WHERE {NEW} LIMIT {MOST}) AS waiting",  # noqa: S608
    ),
    Figure(
        "kith_events_oldest_seconds",
        "Age of the first of these events; 0 without any.",
        f"SELECT coalesce((SELECT extract(epoch FROM now() - occurred_at) FROM tenants_event WHERE {NEW} "  # noqa: S608
        "ORDER BY txid, id LIMIT 1), 0)",
    ),
    Figure(
        "kith_deliveries_due",
        f"Deliveries whose time has come; {MOST} at most.",
        f"SELECT count(*) FROM (SELECT 1 FROM (SELECT l.tenant_id, l.endpoint_id FROM {DUE}) l CROSS JOIN LATERAL "  # noqa: S608
        f"({WAITING.format(live='= 0')} UNION ALL {WAITING.format(live='> 0')}) d LIMIT {MOST}) AS due",
    ),
    Figure(
        "kith_deliveries_oldest_due_seconds",
        "For how long the most belated delivery has been due, apart from those to an open circuit; 0 without any.",
        f"SELECT coalesce(extract(epoch FROM now() - min(l.next_due_at)), 0) FROM {DUE}",  # noqa: S608
    ),
    Figure(
        "kith_deliveries_given_up",
        "Deliveries given up in the last 24 hours: all tries failed (exhausted), or they were parked (poisoned).",
        "SELECT status, count(*) FROM webhooks_delivery WHERE status IN ('exhausted', 'poisoned') "
        "AND finished_at > now() - interval '1 day' GROUP BY status",
        "status",
        ("exhausted", "poisoned"),
    ),
    Figure(
        "kith_attempts_last_minute",
        "Attempts to deliver that began in the last minute, by what became of them.",
        "SELECT state, count(*) FROM webhooks_attempt WHERE id >= %(since)s "
        "AND started_at > now() - interval '1 minute' GROUP BY state",
        "state",
        ("started", "succeeded", "failed", "unknown"),
    ),
    Figure(
        "kith_attempts_last_minute_p95_seconds",
        "Of the attempts of the last minute that have ended, 95 % took no longer.",
        "SELECT coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) / 1000, 0) FROM webhooks_attempt "
        "WHERE id >= %(since)s AND started_at > now() - interval '1 minute' AND duration_ms IS NOT NULL",
    ),
    Figure(
        "kith_endpoints",
        "Endpoints that need somebody to look: failing, with an open circuit, or switched off by Kith.",
        """SELECT CASE WHEN NOT e.active THEN 'switched_off' WHEN l.open_until > now() THEN 'circuit_open'
             ELSE 'failing' END, count(*)
           FROM webhooks_endpoint e LEFT JOIN webhooks_lane l ON l.tenant_id = e.tenant_id AND l.endpoint_id = e.id
           WHERE e.active AND (l.open_until > now() OR l.failing_since IS NOT NULL)
             OR NOT e.active AND e.disabled_reason IS NOT NULL GROUP BY 1""",
        "state",
        ("failing", "circuit_open", "switched_off"),
    ),
    Figure(
        "kith_postgres_connections",
        "Connections to the database, by state; hidden where kith_admin may not see it.",
        "SELECT CASE WHEN state LIKE 'idle in transaction%%' THEN 'idle in transaction' WHEN state = 'idle' "  # noqa: S608
        f"THEN 'idle' WHEN state IS NULL THEN 'hidden' ELSE 'active' END, count(*) FROM {CLIENTS} GROUP BY 1",
        "state",
        ("active", "idle", "idle in transaction", "hidden"),
    ),
    Figure(
        "kith_postgres_connections_limit",
        "Connections that PostgreSQL allows, all databases together.",
        "SELECT current_setting('max_connections')::int",
    ),
    Figure(
        "kith_postgres_oldest_transaction_seconds",
        "Age of the oldest transaction: while it runs, old rows cannot be cleared away.",
        f"SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0) FROM {CLIENTS}",  # noqa: S608
    ),
    Figure(
        "kith_postgres_replicas",
        "Replicas that stream from the database.",
        "SELECT count(*) FROM pg_stat_replication",
    ),
    Figure(
        "kith_postgres_replica_lag_bytes",
        "How far the last of them is behind.",
        "SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0) FROM pg_stat_replication",
    ),
)


def read(since: UUID) -> Figures:
    """Return the figures that could be read in time; `since` is the first id of the last minute."""
    found: dict[Figure, Mapping[str, float]] = {}
    end = time.monotonic() + PATIENCE_SECONDS
    try:
        for figure in FIGURES:
            left = end - time.monotonic()
            if left > LEAST_SECONDS and (values := read_one(figure, since, left)) is not None:
                found[figure] = values
    finally:
        connections[STAFF].close()
    return found


def read_one(figure: Figure, since: UUID, seconds: float) -> Mapping[str, float] | None:
    """Return the values of a figure; None where the database does not answer in time."""
    try:
        with transaction.atomic(using=STAFF), connections[STAFF].cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {seconds * 1000:.0f}")
            cursor.execute(figure.sql, {"since": since})
            rows = cursor.fetchall()
    except DatabaseError:
        return None
    if figure.label:
        return dict.fromkeys(figure.values, 0.0) | {name: float(value) for name, value in rows}
    return {"": float(rows[0][0])}
