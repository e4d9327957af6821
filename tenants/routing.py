"""Which database role does the work: kith_app for everyone, kith_admin inside the admin, the owner for migrations."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connections
from django.http import HttpRequest, HttpResponse

__all__ = [
    "PEOPLE", "REPLICA", "STAFF", "Router", "StaffDatabase", "alias", "for_people", "unbound_role", "using",
]  # fmt: skip

# The connection of the staff's role, and the pages that work through it: all that log people in.
STAFF = "admin"
# The connection for reads of the API, where a replica is set up: the API's own role, on another server.
REPLICA = "replica"
PEOPLE = ("/admin/", "/login/", "/logout/", "/settings/")

ROLE = "SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"

_alias: ContextVar[str] = ContextVar("database_alias", default="default")


def alias() -> str:
    """Return the name of the database connection that this piece of work uses."""
    return _alias.get()


@contextmanager
def using(name: str) -> Iterator[None]:
    """Send every query of the block through the connection `name`, and so through its role."""
    token = _alias.set(name)
    try:
        yield
    finally:
        _alias.reset(token)


def unbound_role(name: str) -> str | None:
    """Return the role of the connection `name` if row-level security does not bind it; None where all is well."""
    with connections[name].cursor() as cursor:
        cursor.execute(ROLE)
        role, superuser, bypasses = cursor.fetchone()
    return str(role) if superuser or bypasses else None


def for_people(request: HttpRequest) -> bool:
    """Tell whether the request is for one of the pages that people log in to."""
    return request.path_info.startswith(PEOPLE)


class Router:
    """All models live in one database; the connection only decides the role.

    Sessions are the staff role's alone: the API, which saves one only when it was used, does that through it.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return STAFF if model._meta.app_label == "sessions" and alias() in ("default", REPLICA) else alias()

    db_for_write = db_for_read

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"


class StaffDatabase:
    """Middleware: the pages for people (sessions and log-in too) run under the staff role."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not for_people(request):
            return self.get_response(request)
        with using(STAFF):
            return self.get_response(request)
