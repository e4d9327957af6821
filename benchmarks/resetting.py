"""After writing, each database is brought back to where it was: what is read next must not have grown."""

from contextlib import closing
from uuid import UUID

from benchmarks.data import KITH, LIMIT, STOCK, connect

__all__ = ["forget_writes"]

# The ledger refuses every change, so what guards it is away for that moment. Tables in the order in which a write takes
# them: one may be under way still.
OURS = """
ALTER TABLE crm_client DISABLE TRIGGER recorded;
ALTER TABLE tenants_event DISABLE TRIGGER append_only;
DELETE FROM crm_client WHERE tenant_id = '{writer}';
DELETE FROM tenants_event WHERE tenant_id = '{writer}';
DELETE FROM apikeys_claim WHERE tenant_id = '{writer}';
ALTER TABLE tenants_event ENABLE TRIGGER append_only;
ALTER TABLE crm_client ENABLE TRIGGER recorded;
"""
THEIRS = """
DELETE FROM stock_client WHERE tenant_id = '{writer}';
TRUNCATE stock_idempotencykey, stock_auditlog, stock_outbox;
"""
TIDY = {
    KITH: "VACUUM ANALYZE crm_client, tenants_event, apikeys_claim",
    STOCK: "VACUUM ANALYZE stock_client",
    LIMIT: "VACUUM ANALYZE stock_client",
}


def forget_writes(writer: UUID) -> None:
    """Delete everything that the writing tenant has, in each database, and tidy up behind."""
    for name, tidy in TIDY.items():
        with closing(connect(name)) as connection:
            with connection.transaction():
                statements = (OURS if name == KITH else THEIRS).format(writer=writer)
                connection.execute(statements.encode())
            connection.execute(tidy.encode())
