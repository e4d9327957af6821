"""The one door to tenant rows: a transaction that belongs to one tenant, for Python and for PostgreSQL alike."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from prometheus_client import Counter

from tenants.replica import confirm
from tenants.routing import STAFF, alias, using
from tenants.statements import set_tenant

__all__ = ["SETTING", "TenantScopeMissing", "adopt", "current", "request_scope", "staff_scope", "tenant_scope", "work"]

SETTING = "app.tenant_id"
MISSING = Counter("kith_tenant_scope_missing", "Reads of tenants' rows outside a tenant's scope, refused. Must be 0.")
_current: ContextVar[UUID | None] = ContextVar("tenant_id", default=None)
_work: ContextVar[object] = ContextVar("work", default=None)


class TenantScopeMissing(RuntimeError):
    """A tenant table was asked for rows outside tenant_scope(), or inside the scope of another tenant."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        MISSING.inc()


def current() -> UUID:
    """Return the tenant of the running scope; raise TenantScopeMissing where there is none."""
    tenant_id = _current.get()
    if tenant_id is None:
        raise TenantScopeMissing("No tenant: open `with tenant_scope(tenant):` around this work first.")
    return tenant_id


def work() -> object:
    """Return a token of the running transaction: what was locked under the same token is still locked."""
    return _work.get()


def adopt(tenant_id: UUID) -> None:
    """Let Python know the tenant that the authenticating statement has set in the open request_scope().

    Raises Unfit where that reads from a replica that does not show everything the tenant committed.
    """
    if not connections[alias()].in_atomic_block:
        raise TenantScopeMissing("A tenant can only be adopted inside request_scope().")
    confirm(tenant_id)
    _current.set(tenant_id)


def opening(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Open the transaction of a request in front of the first statement that Django itself sends in it.

    Compiled reads need none: each sets its tenant itself. Installed by Django's `execute_wrappers`.
    """
    connection = context["connection"]
    connection.execute_wrappers.remove(opening)
    set_tenant(connection, _current.get())
    return execute(sql, params, many, context)


# Nothing that watches statements needs to see it.
opening.is_quiet = True  # type: ignore[attr-defined]


@contextmanager
def request_scope() -> Iterator[None]:
    """Open the scope of one request; its tenant is unknown until adopt(), and forgotten at the end.

    All that the request writes is one transaction. What only reads compiled statements never opens one.
    """
    token, mark = _current.set(None), _work.set(object())
    connection: Any = connections[alias()]
    try:
        with transaction.atomic(using=alias(), durable=True):
            connection.execute_wrappers.append(opening)
            yield
    finally:
        if opening in connection.execute_wrappers:
            connection.execute_wrappers.remove(opening)
        _current.reset(token)
        _work.reset(mark)


@contextmanager
def staff_scope() -> Iterator[None]:
    """Step out of the running scope for one transaction of the staff's role, on its own connection.

    For what the API's role has no right to; no policy bounds the block, so each of its queries must name the tenant.
    """
    token, mark = _current.set(None), _work.set(object())
    try:
        with using(STAFF), transaction.atomic(using=STAFF):
            yield
    finally:
        _current.reset(token)
        _work.reset(mark)


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """Open a transaction in which the rows of `tenant_id`, and no others, can be read and written.

    Inside a scope of the same tenant it joins that: what fails takes all of it back. Inside that of another tenant it
    raises TenantScopeMissing.
    """
    if _current.get() not in (None, tenant_id):
        raise TenantScopeMissing("Already inside the scope of another tenant: leave it first.")
    inside = _current.get() is not None
    token, mark = _current.set(tenant_id), _work.set(work() if inside else object())
    try:
        with transaction.atomic(using=alias(), savepoint=not inside):
            if not inside:
                with connections[alias()].cursor() as cursor:
                    # Transaction-local on purpose: a session's setting would still hold in this connection's next task.
                    cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(tenant_id)])
            yield
    finally:
        _current.reset(token)
        _work.reset(mark)
