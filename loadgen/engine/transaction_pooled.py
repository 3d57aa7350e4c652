"""A connection through a pooler that lends a server connection for each transaction, to whoever begins one.

Nothing may outlive a transaction, neither here nor in what the next client is lent: settings are made in each
transaction, for it alone, and where the pooler does not keep the names of statements they have none and are parsed at
every call. Nor is it known where the next transaction will be carried out: one that writes begins with a requirement.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from loadgen.database.guard import REQUIREMENT_FAILED
from loadgen.engine.answers import Answers, Parameters, Query
from loadgen.engine.client import Connection, Known
from loadgen.engine.failures import GUARD_REFUSED, DatabaseError, QueryError
from loadgen.engine.wire import TYPES

if TYPE_CHECKING:
    from psycopg.abc import Buffer

_BINARY: Final = 1
_BEGIN: Final = b"BEGIN"
_READ_ONLY: Final = b"READ ONLY"


class TransactionPooled(Connection):
    """A session with the pooler.

    ``settings`` are made in each transaction; ``requirement`` must hold in each that writes, or nothing of it is
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
        """As for any connection; a transaction begins with its settings, in the same round trip."""
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
        """In a pipeline a query is one command: these follow BEGIN, and their answers are left out."""
        more = len(commands)
        values = [parameters[0], *[()] * more, *parameters[1:]]
        try:
            super().exchange((queries[0], *commands, *queries[1:]), values, answers)
        except QueryError as error:
            error.place = max(error.place - more, 0)
            raise
        finally:
            del answers.results[1 : 1 + more], answers.counts[1 : 1 + more]

    def _learn(self, queries: Iterable[Query]) -> None:
        if self._names:
            super()._learn(queries)
            return
        for query in queries:
            if query in self._known:
                continue
            if isinstance(query, bytes):
                # One command alone, or in a pipeline one without parameters.
                self._oids[query] = []
                self._known[query] = Known(query, [] if self._pipeline else None, 0, sys.maxsize)
            else:
                sql = query.sql.encode()
                oids = self._oids[sql] = [TYPES[p.type].oid for p in query.parameters]
                most = sys.maxsize if query.most_rows is None else query.most_rows
                self._known[query] = Known(sql, [_BINARY] * len(oids), query.least_rows, most)

    def _send_unnamed(
        self,
        name: bytes,
        param_values: Sequence[Buffer | None] | None,
        param_formats: Sequence[int] | None = None,
        result_format: int = _BINARY,
    ) -> None:
        """In place of sending by name: ``name`` is the text itself."""
        self._pgconn.send_query_params(name, param_values, self._oids[name], param_formats, result_format)
