"""One connection to PostgreSQL under gevent: ``psycopg.pq``, prepared statements, binary both ways.

psycopg's cursors would decode rows that nothing uses, for several times the client's CPU, and under gevent psycopg
replaces its wait in C by a slow poll. All result bytes are read, as an application would read them.

A session is sequential, a round trip a statement, or in libpq's pipeline mode, where many statements share one. The
work is a generator that pauses where there is nothing to read and that the hub resumes, so that a sequence goes from
one answer straight to the next statement, and its greenlet sleeps until the last. A connection has one such
generator and one watcher for all its work, since making or starting them for each costs a tenth.
"""

from __future__ import annotations

import itertools
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

import gevent
import greenlet
import psycopg
from psycopg import generators, pq
from psycopg.waiting import READY_RW, Ready

from loadgen.engine import opening
from loadgen.engine.answers import Answers, Parameters, Query
from loadgen.engine.failures import DatabaseError, QueryError, first_line
from loadgen.engine.wire import TYPES

if TYPE_CHECKING:
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGresult

    from loadgen.engine.scenario_sql import Statement

_BINARY: Final = 1
_READ, _READ_OR_WRITE = 1, 3
"""Events of libev."""
_GONE: Final = "08006"
"""SQLSTATE (connection_failure) of a connection that broke without an error of the server."""
UNEXPECTED_ROWS: Final = "P0002"
"""SQLSTATE (no_data_found) of a statement that touched a number of rows that its header does not allow."""
# Looking up a member of an enumeration costs more than asking libpq for the status.
_TUPLES, _COMMAND, _SYNC = (
    int(s) for s in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.PIPELINE_SYNC)
)
_OK = int(pq.ConnStatus.OK)
_NOTHING_TO_SEND: Final[deque[Callable[[], None]]] = deque()
_ANY_NUMBER: Final = (0, sys.maxsize)

_Steps = Generator[object, "Ready | int", None]
"""Endless generator that pauses where there is nothing to read, and yields True at the end of each job."""
_Send = Callable[[bytes, Parameters, list[int] | None, int], None]


class PreparedQuery(NamedTuple):
    """A query as this session sends it. Without ``formats``, ``name`` is the text of a command."""

    name: bytes
    formats: list[int] | None
    least_rows: int
    most_rows: int


class _Columns(NamedTuple):
    """Prepared queries by column, to loop over."""

    names: tuple[bytes, ...]
    formats: tuple[list[int] | None, ...]
    least: tuple[int, ...]
    most: tuple[int, ...]
    bounds: tuple[tuple[int, int, int], ...]
    """Place, fewest and most rows of queries with a limited number of rows."""

    @classmethod
    def of(cls, prepared: Sequence[PreparedQuery]) -> _Columns:
        names, formats, least, most = zip(*prepared, strict=True)
        bounds = zip(range(len(prepared)), least, most, strict=True)
        return cls(names, formats, least, most, tuple(bound for bound in bounds if bound[1:] != _ANY_NUMBER))


_Job = tuple[Sequence[Query], Sequence[Parameters], _Columns, Answers, _Send]
"""Queries to carry out, by ``_Send``, or as text where they are commands."""


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
        self._pgconn = opening.connect(conninfo, connect_timeout_s)
        self._pgconn.nonblocking = 1
        self._pgconn.notice_handler = None
        self._send = self._pgconn.send_query_prepared
        self._hub = gevent.get_hub()
        self._watcher = self._hub.loop.io(self._pgconn.socket, _READ)
        self._watched = False
        self._sleeper: greenlet.greenlet | None = None
        """Greenlet that waits for the end of the current job."""
        self._job: _Job
        self._prepared: dict[Query, PreparedQuery] = {}
        self._numbers = itertools.count()
        self._columns: dict[tuple[Query, ...], _Columns] = {}
        """Columns by list of queries: a transaction always sends the same ones."""
        self._pipeline = False
        self._work = self._run_sequential
        self._steps = self._work()
        for name, value in (settings or {}).items():
            self.command(f"SET {name} = {value}".encode())
        if pipeline:
            self._pgconn.enter_pipeline_mode()
            self._pipeline = True
            self._work = self._run_pipelined
            self._steps = self._work()
            self._prepared.clear()
            self._columns.clear()

    @property
    def usable(self) -> bool:
        """False once the server is gone or the session was closed."""
        return bool(self._pgconn.status == _OK)

    def command(self, sql: bytes) -> None:
        """Send one parameterless command (BEGIN, COMMIT, SET) and wait for its end."""
        self.exchange((sql,), ((),), Answers())

    def row(self, sql: bytes) -> tuple[str | None, ...] | None:
        """The first row of a parameterless query whose columns are text; None for no row."""
        answers = Answers(keep=True)
        self.exchange((sql,), ((),), answers)
        result = answers.results[0]
        if not result.ntuples:
            return None
        values = (result.get_value(0, column) for column in range(result.nfields))
        return tuple(None if value is None else value.decode() for value in values)

    def execute(self, statement: Statement, parameters: Parameters) -> PGresult:
        """Run a statement, prepared at its first use here, and read all of its answer."""
        answers = Answers()
        self.exchange((statement,), (parameters,), answers)
        return answers.results[0]

    def exchange(self, queries: tuple[Query, ...], parameters: Sequence[Parameters], answers: Answers) -> None:
        """Carry queries out in order, a round trip each, or in pipeline mode one for all; ``answers`` is filled.

        Statements new to the session are prepared before the first query is sent: preparing would begin a transaction,
        whose isolation BEGIN could no longer choose. Raises QueryError for the first query that failed; those before
        it are in ``answers``, those after it were not run. A number of rows that a statement's header does not allow
        is a DatabaseError, which ends a sequence at once, but a pipeline after all of it was carried out.
        """
        try:
            columns = self._columns.get(queries)
            if columns is None:
                self._prepare_new(queries)
                columns = self._columns[queries] = _Columns.of([self._prepared[query] for query in queries])
            self._run((queries, parameters, columns, answers, self._send))
        except BaseException as error:
            self._abandon(error, len(answers.counts))
            raise

    def _run(self, job: _Job) -> None:
        """Begin a job, which the hub continues whenever there is something to read, and sleep until its end."""
        self._job = job
        self._sleeper = greenlet.getcurrent()
        try:
            next(self._steps)
            if not self._watched:
                self._watch(_READ)
            failure: BaseException | None = self._hub.switch()
        except BaseException:  # sending failed, or the sleeper was killed
            self._steps = self._work()
            raise
        finally:
            self._sleeper = None
        if failure is not None:
            raise failure

    def _readable(self) -> None:
        """Continue the job, and wake the sleeper at its end; called by the hub."""
        sleeper = self._sleeper
        if sleeper is None:  # an unexpected message: the server's shutdown, or a notice
            self._watcher.stop()
            self._watched = False
            return
        try:
            done = self._steps.send(READY_RW)
        except BaseException as error:
            self._steps = self._work()
            sleeper.switch(error)
        else:
            if done is True:
                sleeper.switch(None)

    def _run_sequential(self) -> _Steps:
        """Send each query of a job when the one before it is answered.

        Inlined into one loop, since every statement of every sequential run goes through it.
        """
        pgconn = self._pgconn
        while True:
            queries, parameters, columns, answers, send = self._job
            keep, counts, times = answers.keep, answers.counts, answers.times
            times.append(monotonic())
            for values, name, formats, least, most in zip(
                parameters, columns.names, columns.formats, columns.least, columns.most, strict=True
            ):
                if formats is None:
                    pgconn.send_query(name)
                else:
                    send(name, values, formats, _BINARY)
                if pgconn.flush():
                    yield from self._flushing()
                else:
                    yield None
                pgconn.consume_input()
                while pgconn.is_busy():
                    yield None
                    pgconn.consume_input()
                result = more = pgconn.get_result()
                while more is not None:  # libpq is done with a result only once it returns None
                    while pgconn.is_busy():
                        yield None
                        pgconn.consume_input()
                    more = pgconn.get_result()
                    # Several commands in one query: keep the last that ran, or the one that failed.
                    result = result if more is None else more
                if result is None:
                    raise psycopg.OperationalError(first_line(pgconn.error_message))
                status = result.status
                count = result.ntuples if status == _TUPLES else self._changed(result, status, len(counts))
                times.append(monotonic())
                counts.append(count)
                if keep:
                    answers.results.append(result)
                if count < least or count > most:
                    raise _unexpected(queries[len(counts) - 1], count)
            yield True

    def _run_pipelined(self) -> _Steps:
        """Send all queries of a job and a synchronisation point, then read a result for each.

        ``fetch`` pauses once, then returns what has arrived, a list with one result for each query.
        """
        pgconn = self._pgconn
        fetch, nothing = generators.pipeline_communicate, _NOTHING_TO_SEND
        binary = itertools.repeat(_BINARY)
        while True:
            queries, parameters, columns, answers, send = self._job
            answers.times.append(monotonic())
            deque(map(send, columns.names, parameters, columns.formats, binary), maxlen=0)  # calls send for each
            pgconn.pipeline_sync()
            if pgconn.flush():
                yield from self._flushing()
                received = _arrived(fetch(pgconn, nothing))
            else:
                received = yield from fetch(pgconn, nothing)
            while not received or received[-1][0].status != _SYNC:
                if not self.usable:
                    raise psycopg.OperationalError(first_line(pgconn.error_message))
                received += yield from fetch(pgconn, nothing)
            received.pop()
            counts = answers.counts
            for (result,) in received:
                status = result.status
                counts.append(result.ntuples if status == _TUPLES else self._changed(result, status, len(counts)))
            if answers.keep:
                answers.results += [result for (result,) in received]
            for place, least, most in columns.bounds:
                if not least <= counts[place] <= most:
                    raise _unexpected(queries[place], counts[place])
            yield True

    def _flushing(self) -> Generator[None, None, None]:
        """Flush the send buffer, reading meanwhile: a server that cannot send its answers stops reading.

        The whole answer may have arrived by its end, with nothing more to become readable: read before waiting.
        """
        self._watch(_READ_OR_WRITE)
        while self._pgconn.flush():
            yield
            self._pgconn.consume_input()
        self._watch(_READ)

    def _watch(self, events: int) -> None:
        """Watch for these events from now on."""
        self._watcher.stop()
        self._watcher.close()
        self._watcher = self._hub.loop.io(self._pgconn.socket, events)
        self._watcher.start(self._readable)
        self._watched = True

    def _prepare_new(self, queries: Iterable[Query]) -> None:
        """Prepare queries new to this session. Raises QueryError with the place of the query that failed."""
        for place, query in enumerate(queries):
            if query in self._prepared:
                continue
            if not isinstance(query, bytes):
                least, most = query.least_rows, sys.maxsize if query.most_rows is None else query.most_rows
                oids = [TYPES[p.type].oid for p in query.parameters]
                name = self._prepare(query.sql.encode(), oids, place)
                self._prepared[query] = PreparedQuery(name, [_BINARY] * len(oids), least, most)
            elif self._pipeline:
                self._prepared[query] = PreparedQuery(self._prepare(query, [], place), [], *_ANY_NUMBER)
            else:
                self._prepared[query] = PreparedQuery(query, None, *_ANY_NUMBER)

    def _prepare(self, sql: bytes, oids: list[int], place: int) -> bytes:
        """Prepare a statement on the server and return its name."""
        name = b"s%d" % next(self._numbers)

        def parse(name: bytes, _: Parameters, oids: Sequence[int] | None, _format: int) -> None:
            self._pgconn.send_prepare(name, sql, oids)

        try:
            self._run(((sql,), ((),), _Columns.of([PreparedQuery(name, oids, *_ANY_NUMBER)]), Answers(), parse))
        except QueryError as error:
            error.place = place
            raise
        return name

    def _changed(self, result: PGresult, status: int, place: int) -> int:
        """Number of rows changed by a statement that returns none. Raises QueryError for an error of the server."""
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
        """Leave no query running after an error: cancel it, unless the server's own error ended it."""
        if isinstance(error, DatabaseError):
            if not self.usable:
                self.close()
            return
        self._cancel()
        self.close()
        if isinstance(error, psycopg.Error):
            raise QueryError(_GONE, first_line(str(error)), place) from error

    def _cancel(self) -> None:
        """Ask the server to stop this session's query."""
        if self.usable and self._pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
            opening.cancel(self._pgconn)

    def close(self) -> None:
        """Close the session. Safe to call twice."""
        self._watcher.stop()
        self._watcher.close()
        self._pgconn.finish()


def _arrived(fetch: PQGen[list[list[PGresult]]]) -> list[list[PGresult]]:
    """Run ``fetch`` without its pause: all may have arrived, with nothing more to become readable."""
    next(fetch)
    try:
        fetch.send(READY_RW)
    except StopIteration as done:
        received: list[list[PGresult]] = done.value
        return received
    raise AssertionError("it ends where nothing is to be sent")


def _unexpected(query: Query, count: int) -> DatabaseError:
    name = query.decode() if isinstance(query, bytes) else query.name
    return DatabaseError(UNEXPECTED_ROWS, f"{name} touched {count} rows, which its header does not allow")
