"""What must be done with a database that was restored before anybody works with it."""

from django.db import connections
from django.utils import timezone

from apikeys.claims import expired
from tenants.retention import forget_in_turns
from webhooks import partitions

__all__ = ["REST_MINUTES", "advance", "analyze", "forget_claims", "grant_defaults", "let_rest", "renew"]

REST_MINUTES = 5
# A new cluster counts its transactions from the start, and the ledger's order, which the feed and the seals follow, is
# their numbers: what was restored would seem to be in the future. The numbers in between are for what came after the
# backup and is lost: a cursor that was given out then must not stand in front of what comes now.
LOST = 1_000_000
STEP = 1_000_000
ADVANCE = """
DO $$ BEGIN
  FOR n IN 1..{count} LOOP
    PERFORM pg_current_xact_id();
    COMMIT;
  END LOOP;
END $$
"""
BEHIND = """
SELECT coalesce(max(txid), 0) - pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM tenants_event
"""
# Beside the lane's time, the circuit's: a new event would wake the lane at once.
LET_REST = """
UPDATE webhooks_lane SET next_due_at = GREATEST(next_due_at, now()) + %(rest)s::interval,
  open_until = GREATEST(open_until, now() + %(rest)s::interval)
WHERE next_due_at IS NOT NULL OR open_until IS NOT NULL
   OR EXISTS (SELECT 1 FROM tenants_event v WHERE v.fanned_out_at IS NULL AND v.audience = 'public')
"""
# As tenants/migrations/0002_guards.py says them.
DEFAULTS = (
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO kith_admin",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO kith_admin",
)


def grant_defaults() -> None:
    """Give the staff's role its rights on tables that will be made."""
    with connections["owner"].cursor() as cursor:
        for statement in DEFAULTS:
            cursor.execute(statement)


def renew() -> int:
    """Make the months' partitions that are missing; return how many."""
    return len(partitions.renew(timezone.now().date())[0])


def advance() -> int:
    """Let the server count on from behind the ledger's last transaction; return how many numbers were passed over."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(BEHIND)
        behind = int(cursor.fetchone()[0])
        # A server that is ahead is the one that made the backup, or was advanced before.
        missing = behind + LOST if behind > 0 else 0
        cursor.execute("SET synchronous_commit = off")
        for done in range(0, missing, STEP):
            cursor.execute(ADVANCE.format(count=min(STEP, missing - done)))
        cursor.execute("RESET synchronous_commit")
    return missing


def let_rest() -> int:
    """Send nothing for some minutes, so that somebody can look first; return how many endpoints that concerns."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(LET_REST, {"rest": f"{REST_MINUTES} minutes"})
        return int(cursor.rowcount)


def forget_claims() -> int:
    """Delete the answers that are older than a day; return how many."""
    return forget_in_turns(expired, seconds=600)


def analyze() -> None:
    """Let PostgreSQL count what is in each table: without it, it would choose its ways blindly."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
