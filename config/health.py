"""Whether Kith works: /livez for the process, /readyz for its parts, /api/health for everyone (document 003)."""

from datetime import UTC, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from apikeys.limits import ping
from config import VERSION
from config.ready import DRAINING

__all__ = ["health", "livez", "readyz"]

PATIENCE_MS = 1000


class Schema:
    """Whether the database has every migration; once it has, this process need not ask again."""

    current = False

    @classmethod
    def is_current(cls) -> bool:
        if not cls.current:
            executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
            cls.current = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return cls.current


def livez(request: HttpRequest) -> JsonResponse:
    """Answer as long as the process can; no other part is asked."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when requests can be served: `degraded` without Redis, 503 without the database or its migrations.

    503 too from a process that has been asked to end, so that a balancer sends it nothing any more.
    """
    if DRAINING in request.META:
        return answer({"status": "draining", "checks": {}}, available=False)
    database = database_answers()
    migrated = database and Schema.is_current()
    redis = ping()
    status = "unavailable" if not migrated else "ready" if redis else "degraded"
    parts = {"database": database, "migrations": migrated, "redis": redis}
    return answer({"status": status, "checks": parts}, available=migrated)


def health(request: HttpRequest) -> JsonResponse:
    """Answer as document 003 prints it, without a credential."""
    database = database_answers()
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    body = {"status": "healthy" if database else "unhealthy", "version": VERSION, "timestamp": now}
    return answer(body, available=database)


def answer(body: dict[str, Any], *, available: bool) -> JsonResponse:
    headers = {"Cache-Control": "no-store"} | ({} if available else {"Retry-After": "1"})
    return JsonResponse(body, status=200 if available else 503, headers=headers)


def database_answers() -> bool:
    """Ask the database within a second; a connection that died is opened anew before giving up."""
    for _ in range(2):
        connection = connections[DEFAULT_DB_ALIAS]
        try:
            # For the transaction alone: behind a pooler the session is everybody's.
            with transaction.atomic(using=DEFAULT_DB_ALIAS), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
                cursor.execute("SELECT 1")
        except DatabaseError:
            connection.close()
        else:
            return True
    return False
