"""One connection to PostgreSQL under gevent: ``psycopg.pq``, prepared statements, binary both ways.

Why not psycopg's cursors: decoding rows that nobody looks at cost several times the client's CPU, and under gevent
psycopg leaves its C wait for a slow poll. All result bytes are read, as an application would read them.

A session is sequential, a round trip a statement, or in libpq's pipeline mode, where many statements share one. The
work itself is a generator that pauses wherever there is nothing to read: the hub resumes it, so that a sequence goes
from one answer straight to the next statement, and its greenlet sleeps until the last. One watcher a connection stays
started, since starting it at every wait costs a tenth.
"""

from __future__ import annotations

import itertools
import sys
from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

import gevent
import greenlet
import psycopg
from gevent import socket as gsocket
from psycopg import generators, pq
from psycopg.waiting import READY_RW

from loadgen.engine.answers import Answers, Parameters, Query
from loadgen.engine.failures import DatabaseError, QueryError, first_line
from loadgen.engine.wire import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.pq.abc import PGconn, PGresult

    from loadgen.engine.statements import Statement

_BINARY: Final = 1
_READ, _READ_OR_WRITE = 1, 3
"""libev's events."""
_GONE: Final = "08006"
"""connection_failure: the SQLSTATE given to a connection that broke without the server saying why."""
UNEXPECTED_ROWS: Final = "P0002"
"""no_data_found: a statement returned or changed a number of rows that its header does not allow."""
_CANCEL_TIMEOUT_S: Final = 2.0
# Looking up a member of an enumeration costs more than asking libpq for the status.
_TUPLES, _COMMAND, _SYNC = (
    int(s) for s in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.PIPELINE_SYNC)
)
_NOTHING_TO_SEND: Final[deque[Callable[[], None]]] = deque()

_Steps = Generator[None, None, None]


class Known(NamedTuple):
    """A query as this session sends it. Without ``formats`` of parameters, ``name`` is the text of a command."""

    name: bytes
    formats: list[int] | None
    least_rows: int
    most_rows: int


class Connection:
    """A session. One greenlet at a time; broken for good after a lost connection or a kill."""

    def __init__(
        self,
        conninfo: str,
        *,
        settings: Mapping[str, int] | None = None,
        connect_timeout_s: float = 10.0,
        pipeline: bool = False,
    ) -> None:
        self._pgconn: PGconn = self._connect(conninfo, connect_timeout_s)
        self._pgconn.nonblocking = 1
        self._pgconn.notice_handler = None
        self._send = self._pgconn.send_query_prepared
        self._hub = gevent.get_hub()
        self._watcher = self._hub.loop.io(self._pgconn.socket, _READ)
        self._watching = False
        self._steps: _Steps | None = None
        self._sleeper: greenlet.greenlet | None = None
        self._known: dict[Query, Known] = {}
        self._numbers = itertools.count()
        self._found: dict[tuple[Query, ...], tuple[Known, ...]] = {}
        """Of every list of queries that was sent before: what a transaction sends is always the same."""
        self._pipeline = False
        self._work = self._sequence
        for name, value in (settings or {}).items():
            self.command(f"SET {name} = {value}".encode())
        if pipeline:
            self._pgconn.enter_pipeline_mode()
            self._pipeline = True
            self._work = self._burst
            self._known.clear()
            self._found.clear()

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
                            raise DatabaseError("08001", first_line(pgconn.error_message))
        except BaseException:
            pgconn.finish()
            raise

    @property
    def usable(self) -> bool:
        """False once the server is gone or the session was closed."""
        return bool(self._pgconn.status == pq.ConnStatus.OK)

    def command(self, sql: bytes) -> None:
        """Send one parameterless command (BEGIN, COMMIT, SET) and wait for its end."""
        self.exchange((sql,), ((),), Answers())

    def execute(self, statement: Statement, parameters: Parameters) -> PGresult:
        """Run a statement, prepared at its first use here, and read all of its answer."""
        answers = Answers()
        self.exchange((statement,), (parameters,), answers)
        return answers.results[0]

    def exchange(self, queries: tuple[Query, ...], parameters: Sequence[Parameters], answers: Answers) -> None:
        """Carry queries out in order, a round trip each, or in pipeline mode one for all; ``answers`` is filled.

        What is new to the session is prepared before the first query is sent: preparing would begin a transaction,
        whose isolation BEGIN could no longer choose. Raises QueryError for the first query that failed; those before
        it are in ``answers``, those after it were not run. A number of rows that a statement's header does not allow
        is a DatabaseError: nothing more of a sequence is sent, while a pipeline has been carried out.
        """
        try:
            found = self._found.get(queries)
            if found is None:
                self._learn(queries)
                found = self._found[queries] = tuple(self._known[query] for query in queries)
            self._drive(self._work(queries, parameters, found, answers))
        except BaseException as error:
            self._abandon(error, len(answers.counts))
            raise

    def _drive(self, steps: _Steps) -> None:
        """Go on with ``steps`` whenever there is something to read; sleep until they end."""
        next(steps)
        self._steps = steps
        self._sleeper = greenlet.getcurrent()
        if not self._watching:
            self._watcher.start(self._go_on)
            self._watching = True
        try:
            failure: BaseException | None = self._hub.switch()
        finally:
            self._steps = None
        if failure is not None:
            raise failure

    def _go_on(self) -> None:
        """In the hub: there is something to read, or to be sent."""
        steps = self._steps
        if steps is None:
            self._watcher.stop()  # the server says something that nobody waits for: its shutdown, a notice
            self._watching = False
            return
        failure: BaseException | None = None
        try:
            next(steps)
            return
        except StopIteration:
            pass
        except BaseException as error:  # the hub must not see it
            failure = error
        self._steps = None
        assert self._sleeper is not None
        self._sleeper.switch(failure)

    def _sequence(
        self, queries: Sequence[Query], parameters: Sequence[Parameters], found: Sequence[Known], answers: Answers
    ) -> _Steps:
        """Each query when the one before it is answered."""
        pgconn = self._pgconn
        send = self._send
        results, counts, times = answers.results, answers.counts, answers.times
        for values, (name, formats, least, most) in zip(parameters, found, strict=True):
            if formats is None:
                pgconn.send_query(name)
            else:
                send(name, values, formats, _BINARY)
            result = yield from self._answer()
            count = self._count(result, len(counts))
            times.append(monotonic())
            counts.append(count)
            results.append(result)
            if not least <= count <= most:
                raise _unexpected(queries[len(counts) - 1], count)

    def _burst(
        self, queries: Sequence[Query], parameters: Sequence[Parameters], found: Sequence[Known], answers: Answers
    ) -> _Steps:
        """All queries at once, and a synchronisation point."""
        send = self._send
        for values, known in zip(parameters, found, strict=True):
            send(known[0], values, known[1], _BINARY)
        received: list[PGresult] = []
        yield from self._synchronised(received)
        results, counts = answers.results, answers.counts
        wrong: tuple[int, int] | None = None
        for result, (_, _, least, most) in zip(received, found, strict=True):
            count = self._count(result, len(counts))
            if wrong is None and not least <= count <= most:
                wrong = len(counts), count
            counts.append(count)
            results.append(result)
        if wrong is not None:
            raise _unexpected(queries[wrong[0]], wrong[1])

    def _synchronised(self, received: list[PGresult]) -> _Steps:
        """Send what is pending with a synchronisation point, and receive a result for each query up to there."""
        pgconn = self._pgconn
        pgconn.pipeline_sync()
        if pgconn.flush():
            yield from self._flushing()
        else:
            yield
        while True:
            fetch = generators.pipeline_communicate(pgconn, _NOTHING_TO_SEND)
            next(fetch)
            try:
                fetch.send(READY_RW)
            except StopIteration as done:  # everything that has arrived, as a list for each query
                for group in done.value:
                    if group[0].status == _SYNC:
                        return
                    received.append(group[0])
            if not self.usable:
                raise psycopg.OperationalError(first_line(pgconn.error_message))
            yield

    def _answer(self) -> Generator[None, None, PGresult]:
        """The one result of what was sent, all of it."""
        pgconn = self._pgconn
        if pgconn.flush():
            yield from self._flushing()
        else:
            yield
        pgconn.consume_input()
        while pgconn.is_busy():
            yield
            pgconn.consume_input()
        result = pgconn.get_result()
        while True:
            while pgconn.is_busy():
                yield
                pgconn.consume_input()
            if pgconn.get_result() is None:
                break
        if result is None:
            raise psycopg.OperationalError(first_line(pgconn.error_message))
        return result

    def _flushing(self) -> _Steps:
        """Send all of it, reading meanwhile: a server that cannot send its answers stops reading.

        The whole answer may be here at its end, so that nothing more becomes readable: look before waiting.
        """
        self._watch(_READ_OR_WRITE)
        try:
            while self._pgconn.flush():
                yield
                self._pgconn.consume_input()
        finally:
            self._watch(_READ)

    def _watch(self, events: int) -> None:
        self._watcher.stop()
        self._watcher.close()
        self._watcher = self._hub.loop.io(self._pgconn.socket, events)
        self._watcher.start(self._go_on)
        self._watching = True

    def _learn(self, queries: Iterable[Query]) -> None:
        """Prepare what this session has not sent before. Raises QueryError with the place of a query it concerns."""
        for place, query in enumerate(queries):
            if query in self._known:
                continue
            if not isinstance(query, bytes):
                least, most = query.least_rows, sys.maxsize if query.most_rows is None else query.most_rows
                oids = [TYPES[p.type].oid for p in query.parameters]
                self._drive(self._prepare(name := b"s%d" % next(self._numbers), query.sql.encode(), oids, place))
                self._known[query] = Known(name, [_BINARY] * len(oids), least, most)
            elif self._pipeline:
                self._drive(self._prepare(name := b"s%d" % next(self._numbers), query, [], place))
                self._known[query] = Known(name, [], 0, sys.maxsize)
            else:
                self._known[query] = Known(query, None, 0, sys.maxsize)

    def _prepare(self, name: bytes, sql: bytes, oids: Sequence[int], place: int) -> _Steps:
        self._pgconn.send_prepare(name, sql, oids)
        if self._pipeline:
            received: list[PGresult] = []
            yield from self._synchronised(received)
            result = received[0]
        else:
            result = yield from self._answer()
        self._count(result, place)

    def _count(self, result: PGresult, place: int) -> int:
        """The rows of a result. Raises what the server refused."""
        status = result.status
        if status == _TUPLES:
            return result.ntuples
        if status == _COMMAND:
            return result.command_tuples or 0
        state = result.error_field(pq.DiagnosticField.SQLSTATE)
        message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or self._pgconn.error_message
        raise QueryError(state.decode() if state else _GONE, first_line(message), place)

    def rollback(self) -> None:
        """End a failed transaction if the session still lives."""
        if self.usable and self._pgconn.transaction_status != pq.TransactionStatus.IDLE:
            self.command(b"ROLLBACK")

    def _abandon(self, error: BaseException, place: int) -> None:
        """Leave no query running: an error from the server ends its query, anything else must cancel it."""
        if isinstance(error, DatabaseError):
            if not self.usable:
                self.close()
            return
        self._cancel()
        self.close()
        if isinstance(error, psycopg.Error):
            raise QueryError(_GONE, first_line(str(error)), place) from error

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
        self._watcher.stop()
        self._watcher.close()
        self._pgconn.finish()


def _unexpected(query: Query, count: int) -> DatabaseError:
    name = query.decode() if isinstance(query, bytes) else query.name
    return DatabaseError(UNEXPECTED_ROWS, f"{name} touched {count} rows, which its header does not allow")
