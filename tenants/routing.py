"""Which database role does the work: kith_app for everyone, kith_admin inside the admin, the owner for migrations."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse

__all__ = ["PEOPLE", "STAFF", "Router", "StaffDatabase", "alias", "for_people", "using"]

# The connection of the staff's role, and the pages that work through it: all that log people in.
STAFF = "admin"
PEOPLE = ("/admin/", "/login/", "/logout/", "/settings/")

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


def for_people(request: HttpRequest) -> bool:
    """Tell whether the request is for one of the pages that people log in to."""
    return request.path_info.startswith(PEOPLE)


class Router:
    """All models live in one database; the connection only decides the role.

    Sessions are the staff role's alone: the API, which saves one only when it was used, does that through it.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return STAFF if model._meta.app_label == "sessions" and alias() == "default" else alias()

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
