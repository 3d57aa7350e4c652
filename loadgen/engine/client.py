"""One connection to PostgreSQL under gevent: ``psycopg.pq``, prepared statements, binary both ways.

Why not psycopg's cursors: decoding rows that nobody looks at cost 750–1,050 µs of client CPU a six-statement
transaction, this costs a quarter of it, and under gevent psycopg leaves its C wait for a slow poll. Here a greenlet
waits on one read watcher a connection. All result bytes are read, as an application would read them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import gevent
import psycopg
from gevent import socket as gsocket
from psycopg import pq

from loadgen.engine.wire import DECODERS, TYPES, Value

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

    from loadgen.engine.statements import Statement

_BINARY: Final = 1
_GONE: Final = "08006"
"""connection_failure: the SQLSTATE given to a connection that broke without the server saying why."""
_CANCEL_TIMEOUT_S: Final = 2.0
Row = tuple[Value, ...]


class DatabaseError(Exception):
    """What the server, or the loss of it, answered: ``sqlstate`` is what a run counts errors by."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.message = message

    def __reduce__(self) -> tuple[type[DatabaseError], tuple[str, str]]:
        # Locust's workers send exceptions to their master.
        return DatabaseError, (self.sqlstate, self.message)


class Connection:
    """A session. One greenlet at a time; broken for good after a lost connection or a kill."""

    def __init__(self, conninfo: str, *, statement_timeout_ms: int, connect_timeout_s: float = 10.0) -> None:
        self._pgconn: PGconn = self._connect(conninfo, connect_timeout_s)
        self._pgconn.nonblocking = 1
        self._pgconn.notice_handler = None
        hub = gevent.get_hub()
        self._hub = hub
        self._readable = hub.loop.io(self._pgconn.socket, 1)
        self._prepared: dict[str, bytes] = {}
        self._numbers = itertools.count()
        self.command(b"SET statement_timeout = %d" % statement_timeout_ms)

    @staticmethod
    def _connect(conninfo: str, timeout_s: float) -> PGconn:
        pgconn = pq.PGconn.connect_start(conninfo.encode())
        try:
            with gevent.Timeout(timeout_s, DatabaseError("08001", f"no answer to connecting within {timeout_s:g} s")):
                while True:
                    match pgconn.connect_poll():
                        case pq.PollingStatus.OK:
                            return pgconn
                        case pq.PollingStatus.READING:
                            gsocket.wait_read(pgconn.socket)
                        case pq.PollingStatus.WRITING:
                            gsocket.wait_write(pgconn.socket)
                        case _:
                            raise DatabaseError("08001", _first_line(pgconn.error_message))
        except BaseException:
            pgconn.finish()
            raise

    @property
    def usable(self) -> bool:
        """False once the server is gone or the session was closed."""
        return bool(self._pgconn.status == pq.ConnStatus.OK)

    def command(self, sql: bytes) -> None:
        """Send one parameterless command (BEGIN, COMMIT, SET) and wait for its end."""
        try:
            self._pgconn.send_query(sql)
            self._answer()
        except BaseException as error:
            self._abandon(error)
            raise

    def execute(self, statement: Statement, parameters: Sequence[bytes | None]) -> PGresult:
        """Run a statement, prepared at its first use here, and read all of its answer."""
        try:
            name = self._prepared.get(statement.name)
            if name is None:
                name = b"s%d" % next(self._numbers)
                oids = [TYPES[p.type].oid for p in statement.parameters]
                self._pgconn.send_prepare(name, statement.sql.encode(), oids)
                self._answer()
                self._prepared[statement.name] = name
            self._pgconn.send_query_prepared(name, parameters, [_BINARY] * len(parameters), result_format=_BINARY)
            return self._answer()
        except BaseException as error:
            self._abandon(error)
            raise

    def _answer(self) -> PGresult:
        """Flush, wait and read up to the end of the answer; raise what the server refused."""
        pgconn = self._pgconn
        while pgconn.flush():
            gsocket.wait_write(pgconn.socket)
        last: PGresult | None = None
        failed: PGresult | None = None
        while True:
            while pgconn.is_busy():
                self._hub.wait(self._readable)
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                break
            last = result
            if result.status == pq.ExecStatus.FATAL_ERROR:
                failed = result
        if failed is not None:
            state = failed.error_field(pq.DiagnosticField.SQLSTATE)
            message = failed.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or pgconn.error_message
            raise DatabaseError(state.decode() if state else _GONE, _first_line(message))
        if last is None:
            raise DatabaseError(_GONE, _first_line(pgconn.error_message))
        return last

    def rollback(self) -> None:
        """End a failed transaction if the session still lives."""
        if self.usable and self._pgconn.transaction_status != pq.TransactionStatus.IDLE:
            self.command(b"ROLLBACK")

    def _abandon(self, error: BaseException) -> None:
        """Leave no query running: an error from the server ends its query, anything else must cancel it."""
        if isinstance(error, DatabaseError):
            if not self.usable:
                self.close()
            return
        self._cancel()
        self.close()
        if isinstance(error, psycopg.Error):
            raise DatabaseError(_GONE, str(error)) from error

    def _cancel(self) -> None:
        """Ask the server to stop this session's query, without blocking the hub and within a bound of time."""
        if not self.usable or self._pgconn.transaction_status != pq.TransactionStatus.ACTIVE:
            return
        try:
            with gevent.Timeout(_CANCEL_TIMEOUT_S):
                cancel = self._pgconn.cancel_conn()
                cancel.start()
                while (state := cancel.poll()) != pq.PollingStatus.OK:
                    if state == pq.PollingStatus.READING:
                        gsocket.wait_read(cancel.socket)
                    elif state == pq.PollingStatus.WRITING:
                        gsocket.wait_write(cancel.socket)
                    else:
                        return
        except (gevent.Timeout, psycopg.Error):
            return  # statement_timeout bounds what could not be cancelled

    def close(self) -> None:
        """Close the session. Safe to call twice."""
        self._readable.stop()
        self._readable.close()
        self._pgconn.finish()


def first_row(result: PGresult) -> Row | None:
    """The first row, decoded for a draw; None when there is none. Raises DatabaseError for a type it cannot read."""
    if result.ntuples == 0:
        return None
    values: list[Value] = []
    for column in range(result.nfields):
        raw = result.get_value(0, column)
        decode = DECODERS.get(result.ftype(column))
        if decode is None:
            name = (result.fname(column) or b"?").decode()
            raise DatabaseError("42804", f"column {name!r}: no draw can read type {result.ftype(column)}; cast it")
        values.append(None if raw is None else decode(raw))
    return tuple(values)


def row_count(result: PGresult) -> int:
    """Rows returned, or rows changed by a statement that returns none."""
    return result.ntuples or result.command_tuples or 0


def _first_line(message: bytes | str | None) -> str:
    text = message.decode(errors="replace") if isinstance(message, bytes) else message or "connection lost"
    return text.strip().split("\n")[0]
