"""What the documents print of requests, word for word: nothing here is to be corrected."""

from dataclasses import dataclass

__all__ = ["CURLS", "REQUESTS", "Printed"]


@dataclass(frozen=True)
class Printed:
    """A command, or a request line with its headers: the status its document gives it, and what it is about."""

    name: str
    status: int
    numbers: tuple[str, ...]
    text: str


CURLS = (
    Printed(
        "000 list clients",
        200,
        ("S0-4", "S0-80"),
        """\
curl -X GET \\
  'https://your-instance.supabase.co/functions/v1/crm-api/v1/clients' \\
  -H 'Authorization: Bearer YOUR_API_KEY'""",
    ),
    Printed(
        "000 list products",
        200,
        ("S0-77",),
        """\
curl -X GET \\
  'https://your-instance.supabase.co/functions/v1/crm-api/v1/products?type=service' \\
  -H 'Authorization: Bearer YOUR_API_KEY'""",
    ),
    Printed(
        "000 create invoice",
        201,
        ("S0-78", "S0-79"),
        """\
curl -X POST \\
  'https://your-instance.supabase.co/functions/v1/crm-api/v1/invoices' \\
  -H 'Authorization: Bearer YOUR_API_KEY' \\
  -H 'Content-Type: application/json' \\
  -d '{
    "client_id": "uuid",
    "due_date": "2024-12-31",
    "line_items": [
      {
        "description": "Service",
        "quantity": 1,
        "rate": 100.00
      }
    ]
  }'""",
    ),
    Printed(
        "001 list customers",
        200,
        ("S1-91",),
        """\
curl -X GET \\
  http://localhost:3000/api/public/v1/customers \\
  -H "x-api-key: ast_live_your_key" \\
  -H "x-organization-id: ${ORG_ID}\"""",
    ),
    Printed(
        "003 list tasks",
        200,
        ("S3-23", "S3-24", "S3-28", "S3-29"),
        """\
curl "https://yourdomain.com/api/v1/tasks?page=1&limit=10&sort=createdAt&order=desc" \\
-H "Authorization: Bearer sk_live_abc123...\"""",
    ),
    Printed(
        "003 create task",
        201,
        ("S3-40",),
        """\
curl -X POST "https://yourdomain.com/api/v1/tasks" \\
-H "Authorization: Bearer sk_live_abc123..." \\
-H "Content-Type: application/json" \\
-d '{
"title": "New task",
"description": "Task description",
"status": "todo",
"priority": "medium"
}'""",
    ),
    Printed(
        "003 read task",
        200,
        ("S3-47",),
        """\
curl "https://yourdomain.com/api/v1/tasks/tsk_abc123?include=assignee,comments" \\
-H "Authorization: Bearer sk_live_abc123...\"""",
    ),
    Printed(
        "003 update task",
        200,
        ("S3-51",),
        """\
curl -X PATCH "https://yourdomain.com/api/v1/tasks/tsk_abc123" \\
-H "Authorization: Bearer sk_live_abc123..." \\
-H "Content-Type: application/json" \\
-d '{
"status": "completed",
"priority": "low"
}'""",
    ),
    Printed(
        "003 delete task",
        200,
        ("S3-55",),
        """\
curl -X DELETE "https://yourdomain.com/api/v1/tasks/tsk_abc123" \\
-H "Authorization: Bearer sk_live_abc123...\"""",
    ),
    Printed(
        "003 describe tasks",
        200,
        ("S3-57",),
        """\
curl -X OPTIONS "https://yourdomain.com/api/v1/tasks" \\
-H "Authorization: Bearer sk_live_abc123...\"""",
    ),
    Printed(
        "003 create key",
        201,
        ("S3-75", "S3-76"),
        """\
curl -X POST "https://yourdomain.com/api/v1/keys" \\
-H "Cookie: better-auth.session_token=..." \\
-H "Content-Type: application/json" \\
-d '{
"name": "Mobile App Key",
"scopes": ["read", "write"],
"expiresAt": "2026-01-01T00:00:00Z"
}'""",
    ),
    # The one of a plugin; plugins come later.
    Printed(
        "003 generate text",
        0,
        (),
        """\
curl -X POST "https://yourdomain.com/api/v1/ai/generate" \\
-H "Authorization: Bearer sk_live_abc123..." \\
-H "Content-Type: application/json" \\
-d '{
"prompt": "Write a product description for wireless headphones",
"maxTokens": 150,
"temperature": 0.8
}'""",
    ),
    Printed(
        "004 authenticate",
        200,
        ("S4-1", "S4-2"),
        """\
curl -H "Authorization: Bearer YOUR_API_KEY" \\
https://api.example.com/v1/projects""",
    ),
    Printed(
        "004 list projects",
        200,
        ("S4-31",),
        """\
curl -H "Authorization: Bearer YOUR_API_KEY" \\
https://api.example.com/v1/projects""",
    ),
    Printed(
        "004 create task",
        201,
        ("S4-32",),
        """\
curl -X POST \\
-H "Authorization: Bearer YOUR_API_KEY" \\
-H "Content-Type: application/json" \\
-d '{"title": "My Task", "project_id": "proj_123"}' \\
https://api.example.com/v1/tasks""",
    ),
    Printed(
        "004 update task",
        200,
        ("S4-33",),
        """\
curl -X PUT \\
-H "Authorization: Bearer YOUR_API_KEY" \\
-H "Content-Type: application/json" \\
-d '{"status": "completed"}' \\
https://api.example.com/v1/tasks/task_456""",
    ),
)

REQUESTS = (
    # 000, "Endpoints".
    Printed("000", 200, ("S0-54",), "GET /v1/clients"),
    Printed("000", 200, ("S0-55",), "GET /v1/clients/:id"),
    Printed("000", 201, ("S0-56",), "POST /v1/clients"),
    Printed("000", 200, ("S0-57",), "PUT /v1/clients/:id"),
    Printed("000", 200, ("S0-58",), "DELETE /v1/clients/:id"),
    Printed("000", 200, ("S0-59",), "GET /v1/invoices"),
    Printed("000", 200, ("S0-60",), "GET /v1/invoices/:id"),
    Printed("000", 201, ("S0-61",), "POST /v1/invoices"),
    Printed("000", 200, ("S0-62",), "PUT /v1/invoices/:id"),
    Printed("000", 200, ("S0-63",), "PATCH /v1/invoices/:id/status"),
    Printed("000", 200, ("S0-65",), "GET /v1/products"),
    Printed("000", 200, ("S0-66",), "GET /v1/products/:id"),
    Printed("000", 201, ("S0-67",), "POST /v1/products"),
    Printed("000", 200, ("S0-68",), "PUT /v1/products/:id"),
    Printed("000", 200, ("S0-70",), "GET /v1/webhooks"),
    Printed("000", 200, ("S0-71",), "GET /v1/webhooks/:id"),
    Printed("000", 201, ("S0-72",), "POST /v1/webhooks"),
    Printed("000", 200, ("S0-73",), "PUT /v1/webhooks/:id"),
    Printed("000", 200, ("S0-74",), "DELETE /v1/webhooks/:id"),
    Printed("000", 200, ("S0-75",), "POST /v1/webhooks/:id/test"),
    # 002, "Endpoints".
    Printed("002", 201, ("S2-14",), "POST /api/leads/intake"),
    # 003: with a key and with a session, then the heads of its chapters.
    Printed("003", 200, ("S3-1", "S3-6"), "GET /api/v1/tasks\nAuthorization: Bearer sk_live_abc123..."),
    Printed("003", 200, ("S3-7",), "GET /api/v1/tasks\nCookie: better-auth.session_token=..."),
    Printed("003", 200, ("S3-21", "S3-22"), "GET /api/v1/{entity}"),
    Printed("003", 201, ("S3-21", "S3-22"), "POST /api/v1/{entity}"),
    Printed("003", 200, ("S3-21", "S3-22"), "GET /api/v1/{entity}/{id}"),
    Printed("003", 200, ("S3-21", "S3-22"), "PATCH /api/v1/{entity}/{id}"),
    Printed("003", 200, ("S3-21", "S3-22"), "DELETE /api/v1/{entity}/{id}"),
    Printed("003", 200, ("S3-21", "S3-22"), "OPTIONS /api/v1/{entity}"),
    Printed("003", 200, ("S3-68", "S3-70"), "GET /api/health"),
    Printed("003", 200, ("S3-72",), "GET /api/v1/keys"),
    Printed("003", 201, ("S3-75",), "POST /api/v1/keys"),
    Printed("003", 200, ("S3-81", "S3-82"), "DELETE /api/v1/keys/{keyId}"),
    # 004, "Pagination".
    Printed("004", 200, ("S4-29",), "GET /v1/projects?limit=20&offset=0"),
)
