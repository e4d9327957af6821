"""What is asked at every request, asked the cheapest way: planned once a connection, and sent without a cursor."""

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache, partial
from select import POLLIN, POLLOUT, poll
from typing import Any
from uuid import UUID

import psycopg
from django.db import DatabaseError, connections
from psycopg import errors
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.types.string import TextLoader

from tenants.routing import alias

__all__ = ["STALE", "fetch", "set_tenant"]

SET_TENANT = "SELECT set_config('app.tenant_id', %s, true)"
# Kept planned in each connection; what is asked only once is not worth it.
KEPT = 128
# Longer than any statement may take: whoever hears nothing by then has lost the connection. In seconds; a connection
# may have a patience of its own.
PATIENCE = 60
# A plan that another version of the tables made, and one that is not there (any more).
STALE = ("0A000", "26000")
FINE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
BEGIN = "BEGIN"
LOST = "The connection to PostgreSQL is lost."
Rows = list[tuple[Any, ...]]


def fetch(sql: str, params: Sequence[Any], *, tenant_id: UUID | None = None, alone: bool = False) -> Rows:
    """Return the rows of a statement with `%s` for each of its params, run on the connection of this work.

    It runs in the transaction of Django's atomic(), which it opens where nobody has. A read that needs none is one of
    its own there: with a `tenant_id`, which is set first, or `alone`. Whatever goes in front travels with it, in one
    round trip. Times come as PostgreSQL's text.

    Raises Django's DatabaseError and its kinds, as a cursor does.
    """
    connection: Any = connections[alias()]
    connection.ensure_connection()
    in_front: tuple[tuple[str, Sequence[Any]], ...] = ()
    if not connection.connection.pgconn.transaction_status:
        begins = connection.in_atomic_block and not alone
        in_front = ((SET_TENANT, [str(tenant_id)]),) if tenant_id else ((BEGIN, ()),) if begins else ()
    ask: Callable[..., Rows] = partial(run, connection, in_front)
    # Whoever watches Django's statements sees this one too.
    for wrapper in reversed(connection.execute_wrappers):
        if not getattr(wrapper, "is_quiet", False):
            ask = partial(wrapper, ask)
    if connection.queries_logged:
        connection.queries_log.append({"sql": sql, "time": ""})
    return ask(sql, params, False, {"connection": connection, "cursor": None})


def set_tenant(connection: Any, tenant_id: UUID | None) -> None:
    """Open a transaction in which PostgreSQL shows the rows of one tenant; nothing to do where one is open."""
    if tenant_id and connection.in_atomic_block and not connection.connection.pgconn.transaction_status:
        run(connection, ((BEGIN, ()),), SET_TENANT, [str(tenant_id)])


def run(connection: Any, in_front: Any, sql: str, params: Sequence[Any], *_: Any) -> Rows:
    try:
        with connection.wrap_database_errors:
            planner = Planner.of(connection.connection, getattr(connection, "patience", PATIENCE))
            return planner.fetch(sql, params, in_front)
    except DatabaseError:
        if connection.connection is not None and connection.connection.closed:
            # Now, since at a transaction's end Django would open it anew.
            connection.close()
        raise


class Planner:
    """The statements of one connection, and how their values and rows are converted."""

    def __init__(self, connection: Any) -> None:
        self.connection, self.wire = connection, connection.pgconn
        self.adapters = AdaptersMap(connection.adapters)
        # Django's own loader of times is Python, and takes longer than all the rest of a row.
        self.adapters.register_loader("timestamptz", TextLoader)
        # By text and types: the name under which it is planned, empty for one that was asked once.
        self.names: OrderedDict[tuple[bytes, tuple[int, ...]], bytes] = OrderedDict()
        self.made = 0
        self.patience: float = PATIENCE
        self.socket = poll()
        self.socket.register(self.wire.socket, POLLIN)

    @classmethod
    def of(cls, connection: Any, patience: float) -> "Planner":
        """Return the planner of a psycopg connection, which keeps it and waits so many seconds for an answer."""
        found: Planner = vars(connection).get("planner") or cls(connection)
        found.patience, connection.planner = patience, found
        return found

    def fetch(self, sql: str, params: Sequence[Any], in_front: Sequence[tuple[str, Sequence[Any]]]) -> Rows:
        """Send the statements in one go; return the last one's rows."""
        asked = [self.prepared(*one) for one in (*in_front, (sql, params))]
        try:
            result = self.exchange(asked)
        except psycopg.Error as error:
            if error.sqlstate in STALE:
                self.names.clear()
            raise
        transformer = Transformer(self)
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple) if result.ntuples else []

    def prepared(self, sql: str, params: Sequence[Any]) -> Callable[[], None]:
        """Return what sends a statement, planned by name from its second time on."""
        text = numbered(sql)
        transformer = Transformer(self)
        plain = [value.value if isinstance(value, Enum) else value for value in params]
        values = transformer.dump_sequence(plain, [PyFormat.AUTO] * len(plain))
        types, formats = transformer.types or (), transformer.formats or ()
        once = sql is BEGIN or self.connection.prepare_threshold is None
        name = b"" if once else self.name_of(text, types)
        if name:
            return partial(self.wire.send_query_prepared, name, values, formats, Format.TEXT)
        return partial(self.wire.send_query_params, text, values, types, formats, Format.TEXT)

    def name_of(self, text: bytes, types: tuple[int, ...]) -> bytes:
        """Return the name of a statement; empty at its first time."""
        key = (text, types)
        name = self.names.get(key)
        if name is None:
            self.forget_oldest()
            self.names[key] = b""
            return b""
        self.names.move_to_end(key)
        if not name:
            self.made += 1
            name = b"kith_%d" % self.made
            self.exchange([partial(self.wire.send_prepare, name, text, types)])
            self.names[key] = name
        return name

    def forget_oldest(self) -> None:
        """Make room for one more."""
        while len(self.names) >= KEPT:
            _, oldest = self.names.popitem(last=False)
            if oldest:
                self.exchange([partial(self.wire.send_query_params, b"DEALLOCATE " + oldest, None)])

    def exchange(self, sends: Sequence[Callable[[], None]]) -> Any:
        """Send statements in one go, one transaction where none of them says something else; return the last's result.

        A wait that anything cuts short closes the connection: what comes after must not read what came before.
        """
        try:
            results = self.pipe(sends) if len(sends) > 1 else self.single(sends[0])
        except BaseException:
            self.connection.close()
            raise
        # Of several the first that failed says why; where a commit was implied, its own failure comes behind.
        for result in results:
            if result.status not in FINE:
                raise failure(result)
        if len(results) < len(sends):
            raise psycopg.OperationalError(LOST)
        return results[-1]

    def single(self, send: Callable[[], None]) -> list[Any]:
        send()
        self.wait()
        return list(iter(self.wire.get_result, None))

    def pipe(self, sends: Sequence[Callable[[], None]]) -> list[Any]:
        self.wire.enter_pipeline_mode()
        for send in sends:
            send()
        self.wire.pipeline_sync()
        self.wait()
        results: list[Any] = []
        while not results or results[-1].status != ExecStatus.PIPELINE_SYNC:
            # Each statement has an end of its own; a connection that is lost has nothing else.
            result = self.wire.get_result() or self.wire.get_result()
            if result is None:
                return results
            results.append(result)
        self.wire.exit_pipeline_mode()
        return results[:-1]

    def wait(self) -> None:
        """Wait for the answer without holding Python; raise OperationalError where none comes."""
        while self.wire.flush():
            self.poll(POLLIN | POLLOUT)
        self.poll(POLLIN)

    def poll(self, events: int) -> None:
        self.socket.modify(self.wire.socket, events)
        if not self.socket.poll(self.patience * 1000):
            raise psycopg.OperationalError(f"PostgreSQL said nothing within {self.patience:g} seconds.")


def failure(result: Any) -> psycopg.Error:
    """Return the error that a result tells of; a lost connection gives no state."""
    if result.error_field(DiagnosticField.SQLSTATE):
        return errors.error_from_result(result, encoding="utf-8")
    return psycopg.OperationalError(LOST)


@lru_cache(maxsize=2048)
def numbered(sql: str) -> bytes:
    """Return a statement with $1, $2 … for its `%s`, and its doubled percent signs single."""
    places = iter(range(1, sql.count("%s") + 1))
    return re.sub("%[s%]", lambda found: "%" if found[0] == "%%" else f"${next(places)}", sql).encode()
