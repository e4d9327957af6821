"""The smoke suite: what walks through every resource, and through what Kith promises to whoever uses it."""

__all__ = ["OTHER", "SMOKE"]

RESOURCES = (
    "activities", "appointments", "clients", "files", "intake", "invoices", "keys_resource", "leads", "marketing",
    "orders", "payments", "products", "projects", "quotes", "services", "tasks_resource", "team",
)  # fmt: skip
PROMISES = ("commands", "idempotency", "keys", "ledger", "limits", "lines", "mailing", "sessions", "system", "tasks")
SMOKE = (
    *(f"tests/test_{name}.py" for name in (*RESOURCES, *PROMISES)),
    *(f"tests/rest/test_{name}.py" for name in ("etag", "filters", "pages", "search", "sort", "statements")),
    *(f"tests/isolation/test_{name}.py" for name in ("connection", "rows")),
    *(f"tests/webhooks/test_{name}.py" for name in ("api", "engine", "feed", "history", "partitions", "replay")),
)
# It ends the connection it sees, which behind a pooler is the pooler's own.
OTHER = ("tests/test_sessions.py::test_it_survives_a_lost_staff_connection",)
