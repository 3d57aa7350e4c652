"""A connection through a transaction pooler, which assigns a server connection to each transaction.

Nothing may outlive a transaction, since the next client gets the same server connection: settings are local to each
transaction, and where the pooler does not keep names of statements apart, statements have none and are parsed at every
call. The next transaction may run on another server, so one that writes begins with a requirement on its identity.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from loadgen.database.guard import REQUIREMENT_FAILED
from loadgen.engine.answers import Answers, Parameters, Query
from loadgen.engine.client import Connection, PreparedQuery
from loadgen.engine.failures import GUARD_REFUSED, DatabaseError, QueryError
from loadgen.engine.wire import TYPES

if TYPE_CHECKING:
    from psycopg.abc import Buffer

_BINARY: Final = 1
_BEGIN: Final = b"BEGIN"
_READ_ONLY: Final = b"READ ONLY"


class TransactionPooled(Connection):
    """A session with the pooler.

    ``settings`` are local to each transaction; ``requirement`` must hold in each that writes, else none of it is
    carried out: a DatabaseError (GUARD_REFUSED).
    """

    def __init__(
        self, conninfo: str, settings: Mapping[str, int], *, prepared: bool, requirement: bytes | None = None,
        connect_timeout_s: float = 10.0, pipeline: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(conninfo, connect_timeout_s=connect_timeout_s, pipeline=pipeline)
        self._local = [f"SET LOCAL {name} = {value}".encode() for name, value in settings.items()]
        self._local_writing = [*self._local, requirement] if requirement else self._local
        self._names = prepared
        self._oids: dict[bytes, list[int]] = {}
        if not prepared:
            self._send = self._send_unnamed

    def exchange(self, queries: tuple[Query, ...], parameters: Sequence[Parameters], answers: Answers) -> None:
        """Carry out queries like any connection; a transaction's BEGIN and settings share a round trip."""
        begin = queries[0]
        if not isinstance(begin, bytes) or not begin.startswith(_BEGIN):
            super().exchange(queries, parameters, answers)
            return
        local = self._local if _READ_ONLY in begin else self._local_writing
        try:
            if self._pipeline:
                self._with_commands(local, queries, parameters, answers)
            else:
                super().exchange((b"; ".join([begin, *local]), *queries[1:]), parameters, answers)
        except QueryError as error:
            if error.place == 0 and error.sqlstate in REQUIREMENT_FAILED:
                what = "the pooler connected to a different database than the run's; nothing was written"
                raise DatabaseError(GUARD_REFUSED, f"{what} there; correct the pooler's entry") from error
            raise

    def _with_commands(
        self, commands: list[bytes], queries: tuple[Query, ...], parameters: Sequence[Parameters], answers: Answers
    ) -> None:
        """Send ``commands`` as queries of a pipeline after BEGIN, and leave their answers out."""
        more = len(commands)
        values = [parameters[0], *[()] * more, *parameters[1:]]
        try:
            super().exchange((queries[0], *commands, *queries[1:]), values, answers)
        except QueryError as error:
            error.place = max(error.place - more, 0)
            raise
        finally:
            del answers.results[1 : 1 + more], answers.counts[1 : 1 + more]

    def _prepare_new(self, queries: Iterable[Query]) -> None:
        if self._names:
            super()._prepare_new(queries)
            return
        for query in queries:
            if query in self._prepared:
                continue
            if isinstance(query, bytes):
                # A command alone, or a query without parameters in a pipeline.
                self._oids[query] = []
                self._prepared[query] = PreparedQuery(query, [] if self._pipeline else None, 0, sys.maxsize)
            else:
                sql = query.sql.encode()
                oids = self._oids[sql] = [TYPES[p.type].oid for p in query.parameters]
                most = sys.maxsize if query.most_rows is None else query.most_rows
                self._prepared[query] = PreparedQuery(sql, [_BINARY] * len(oids), query.least_rows, most)

    def _send_unnamed(
        self,
        name: bytes,
        param_values: Sequence[Buffer | None] | None,
        param_formats: Sequence[int] | None = None,
        result_format: int = _BINARY,
    ) -> None:
        """Send a query unprepared; ``name`` is its text."""
        self._pgconn.send_query_params(name, param_values, self._oids[name], param_formats, result_format)
