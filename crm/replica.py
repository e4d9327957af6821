"""The replica, as views see it: a read is tried there first, and is none of its business where that is in doubt."""

from contextlib import suppress
from typing import Any, ClassVar

from django.http import HttpRequest

from crm.errors import Retryable
from tenants.replica import Unfit, reading, replica

__all__ = ["FromReplica"]


class FromReplica:
    """Laid over a view: `at_primary` keeps its reads where the writes are."""

    at_primary: ClassVar[bool] = False

    def from_replica(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the replica's answer to a read; None where the primary must be asked, as for every write."""
        if self.at_primary or request.method not in ("GET", "HEAD") or not replica.serves():
            return None
        with suppress(Retryable, Unfit), reading():
            response = self.attempt(request, *args, **kwargs)  # type: ignore[attr-defined]
            # For the log line, which is written outside the view.
            request.database = "replica"  # type: ignore[attr-defined]
            return response
        return None
