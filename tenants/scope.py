"""The one door to tenant rows: a transaction that belongs to one tenant, for Python and for PostgreSQL alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import connections, transaction

from tenants.replica import confirm
from tenants.routing import STAFF, alias, using

__all__ = ["SETTING", "TenantScopeMissing", "adopt", "current", "request_scope", "staff_scope", "tenant_scope", "work"]

SETTING = "app.tenant_id"
_current: ContextVar[UUID | None] = ContextVar("tenant_id", default=None)
_work: ContextVar[object] = ContextVar("work", default=None)


class TenantScopeMissing(RuntimeError):
    """A tenant table was asked for rows outside tenant_scope(), or inside the scope of another tenant."""


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


@contextmanager
def request_scope() -> Iterator[None]:
    """Open the transaction of one request; its tenant is unknown until adopt(), and forgotten at the end."""
    token, mark = _current.set(None), _work.set(object())
    try:
        with transaction.atomic(using=alias(), durable=True):
            yield
    finally:
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

    Inside a scope of the same tenant it is a savepoint; inside that of another tenant it raises TenantScopeMissing.
    """
    if _current.get() not in (None, tenant_id):
        raise TenantScopeMissing("Already inside the scope of another tenant: leave it first.")
    inside = _current.get() is not None
    token, mark = _current.set(tenant_id), _work.set(work() if inside else object())
    try:
        with transaction.atomic(using=alias()):
            if not inside:
                with connections[alias()].cursor() as cursor:
                    # Transaction-local on purpose: a session's setting would still hold in this connection's next task.
                    cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(tenant_id)])
            yield
    finally:
        _current.reset(token)
        _work.reset(mark)
