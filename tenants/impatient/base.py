"""The connection, where Django looks for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

__all__ = ["DatabaseWrapper"]

# A statement that is under way still, or a connection that is lost: nothing else can be asked there.
OVER = (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is closed, with an OperationalError, where an answer takes longer than its patience."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings: Any = self.settings_dict
        # In seconds.
        self.patience: float = settings["PATIENCE"]

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Let the block's statements take no longer than this."""
        usual, self.patience = self.patience, seconds
        try:
            yield
        finally:
            self.patience = usual

    def get_new_connection(self, conn_params: Any) -> Any:
        """Connect, and give the driver's one door to the socket a time limit."""
        found: Any = super().get_new_connection(conn_params)
        wait = found.wait

        def wait_patiently(steps: Any, **own: Any) -> Any:
            try:
                return wait(steps, **{"timeout": self.patience, **own})
            except psycopg.Error:
                if found.pgconn.transaction_status in OVER:
                    # Now, since at a transaction's end Django would open it anew, and wait for that.
                    self.close()
                raise

        found.wait = wait_patiently
        return found
