"""Which database role does the work: kith_app for everyone, kith_admin inside the admin, the owner for migrations."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse

__all__ = ["Router", "StaffDatabase", "alias", "using"]

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


class Router:
    """All models live in one database; the connection only decides the role."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return alias()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return alias()

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"


class StaffDatabase:
    """Middleware: everything under /admin/ (sessions and log-in too) runs under the staff role."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        with using("admin"):
            return self.get_response(request)
