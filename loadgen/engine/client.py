"""One connection to PostgreSQL under gevent: ``psycopg.pq``, prepared statements, binary both ways.

Why not psycopg's cursors: decoding rows that nobody looks at cost 750–1,050 µs of client CPU a six-statement
transaction, this costs a quarter of it, and under gevent psycopg leaves its C wait for a slow poll. Here a greenlet
waits on one read watcher a connection, which stays started: starting it at every wait costs a tenth. All result bytes
are read, as an application would read them.

A session is sequential, a round trip a statement, or in libpq's pipeline mode, where many statements share one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import gevent
import greenlet
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

Query = tuple["Statement | bytes", Sequence[bytes | None]]
"""A statement with its binary parameters, or a command (BEGIN, COMMIT) without any."""


class DatabaseError(Exception):
    """What the server, or the loss of it, answered: ``sqlstate`` is what a run counts errors by."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.message = message

    def __reduce__(self) -> tuple[type[DatabaseError], tuple[str, str]]:
        # Locust's workers send exceptions to their master.
        return DatabaseError, (self.sqlstate, self.message)


class PipelineError(DatabaseError):
    """A query of a pipeline was refused: ``place`` is its number among them, from 0; ``ran`` of those before it ran."""

    def __init__(self, sqlstate: str, message: str, place: int, ran: int | None = None) -> None:
        super().__init__(sqlstate, message)
        self.place = place
        self.ran = place if ran is None else ran

    def __reduce__(self) -> tuple[type[DatabaseError], tuple[str, str]]:
        return DatabaseError, (self.sqlstate, self.message)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement as the server knows it, and the formats of its parameters."""

    name: bytes
    formats: list[int]


class Connection:
    """A session. One greenlet at a time; broken for good after a lost connection or a kill."""

    def __init__(
        self, conninfo: str, *, statement_timeout_ms: int, connect_timeout_s: float = 10.0, pipeline: bool = False
    ) -> None:
        self._pgconn: PGconn = self._connect(conninfo, connect_timeout_s)
        self._pgconn.nonblocking = 1
        self._pgconn.notice_handler = None
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(self._pgconn.socket, 1)
        self._watching = False
        self._waiting: greenlet.greenlet | None = None
        self._prepared: dict[str, _Prepared] = {}
        self._numbers = itertools.count()
        self._pipeline = False
        self.command(b"SET statement_timeout = %d" % statement_timeout_ms)
        if pipeline:
            self._pgconn.enter_pipeline_mode()
            self._pipeline = True

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
        if self._pipeline:
            self.exchange([(sql, ())])
            return
        try:
            self._pgconn.send_query(sql)
            self._answer()
        except BaseException as error:
            self._abandon(error)
            raise

    def execute(self, statement: Statement, parameters: Sequence[bytes | None]) -> PGresult:
        """Run a statement, prepared at its first use here, and read all of its answer."""
        try:
            known = self._prepared.get(statement.name)
            if known is None:
                known = self._send_prepare(statement)
                self._answer()
                self._prepared[statement.name] = known
            self._pgconn.send_query_prepared(known.name, parameters, known.formats, result_format=_BINARY)
            return self._answer()
        except BaseException as error:
            self._abandon(error)
            raise

    def exchange(self, queries: Sequence[Query]) -> list[PGresult]:
        """Send queries in one go and read all of their answers, in order; for a session in pipeline mode.

        Raises PipelineError with the place of the first that failed; those after it were not run.
        """
        pgconn = self._pgconn
        try:
            self._prepare_new(queries)
            for query, parameters in queries:
                if isinstance(query, bytes):
                    pgconn.send_query_params(query, None, result_format=_BINARY)
                else:
                    known = self._prepared[query.name]
                    pgconn.send_query_prepared(known.name, parameters, known.formats, result_format=_BINARY)
            pgconn.pipeline_sync()
            return self._answers(len(queries))
        except BaseException as error:
            self._abandon(error)
            raise

    def _prepare_new(self, queries: Sequence[Query]) -> None:
        """Prepare what is new to this session, in a round trip of its own.

        In the same one, preparing would begin the transaction, and BEGIN could not choose its isolation level any more.
        """
        new = {q.name: q for q, _ in queries if not isinstance(q, bytes) and q.name not in self._prepared}
        if not new:
            return
        sent = {name: self._send_prepare(statement) for name, statement in new.items()}
        self._pgconn.pipeline_sync()
        try:
            self._answers(len(sent))
        except PipelineError as error:
            refused = list(new)[error.place]
            place = next(n for n, (q, _) in enumerate(queries) if not isinstance(q, bytes) and q.name == refused)
            raise PipelineError(error.sqlstate, error.message, place, ran=0) from error
        self._prepared.update(sent)

    def _send_prepare(self, statement: Statement) -> _Prepared:
        name = b"s%d" % next(self._numbers)
        oids = [TYPES[p.type].oid for p in statement.parameters]
        self._pgconn.send_prepare(name, statement.sql.encode(), oids)
        return _Prepared(name, [_BINARY] * len(oids))

    def _flush(self) -> None:
        """Send all of it, reading meanwhile: a server that cannot send its answers stops reading."""
        while self._pgconn.flush():
            gsocket.wait_readwrite(self._pgconn.socket)
            self._pgconn.consume_input()

    def _next_result(self) -> PGresult | None:
        """The next result of an answer, once all of it has arrived; None where an answer ends."""
        pgconn = self._pgconn
        while pgconn.is_busy():
            self._wait_readable()
            pgconn.consume_input()
        return pgconn.get_result()

    def _wait_readable(self) -> None:
        if not self._watching:
            self._readable.start(self._wake)
            self._watching = True
        self._waiting = greenlet.getcurrent()
        try:
            self._hub.switch()
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None:
            self._waiting.switch()
        else:
            self._readable.stop()  # the server says something that nobody waits for: its shutdown, a notice
            self._watching = False

    def _answer(self) -> PGresult:
        """Flush, wait and read up to the end of the answer; raise what the server refused."""
        self._flush()
        last: PGresult | None = None
        failed: PGresult | None = None
        while (result := self._next_result()) is not None:
            last = result
            if result.status == pq.ExecStatus.FATAL_ERROR:
                failed = result
        if failed is not None:
            raise self._refused(failed)
        if last is None:
            raise DatabaseError(_GONE, _first_line(self._pgconn.error_message))
        return last

    def _answers(self, count: int) -> list[PGresult]:
        """All answers up to the synchronisation point."""
        self._flush()
        results: list[PGresult] = []
        failed: DatabaseError | None = None
        while True:
            result = self._next_result()
            if result is None:
                if not self.usable:
                    raise DatabaseError(_GONE, _first_line(self._pgconn.error_message))
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                break
            if failed is None and result.status == pq.ExecStatus.FATAL_ERROR:
                refused = self._refused(result)
                failed = PipelineError(refused.sqlstate, refused.message, len(results))
            results.append(result)
        if failed is not None:
            raise failed
        if len(results) != count:
            raise DatabaseError(_GONE, f"{len(results)} answers to {count} queries")
        return results

    def _refused(self, failed: PGresult) -> DatabaseError:
        state = failed.error_field(pq.DiagnosticField.SQLSTATE)
        message = failed.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or self._pgconn.error_message
        return DatabaseError(state.decode() if state else _GONE, _first_line(message))

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
