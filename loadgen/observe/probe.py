"""One sample of a server: counters, active sessions, CPU."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Final, LiteralString

import psycopg
from psycopg.rows import class_row

from loadgen.observe.processes import local_server
from loadgen.observe.queries import Connection, newest
from loadgen.observe.samples import Counters, Sample
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.observe", "sql/probe.sql")

HIDDEN: Final = "hidden"
STATEMENT_TIMEOUT_MS: Final = 5000
"""Timeout of a sample, so that a locked catalogue does not stop sampling for good."""


@dataclass(frozen=True, slots=True)
class _Files:
    reads: int
    writes: int
    extends: int
    fsyncs: int


class Probe:
    """Samples the server of one session, in one transaction a sample.

    Counters that the server lacks or the role may not read are detected once and left out; ``unseen`` names them, with
    the remedy.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.unseen: dict[str, str] = {}
        version = connection.info.server_version
        checkpoints = {13: _SQL["checkpoints_13"], 17: _SQL["checkpoints_17"], 18: _SQL["checkpoints_18"]}
        self._checkpoints = self._allowed(newest(checkpoints, version), "checkpoints")
        self._full_page_images = self._allowed(newest({14: _SQL["full_page_images_14"]}, version), "full-page images")
        self._io = self._allowed(newest({16: _SQL["io_16"]}, version), "file operations")
        self._processes = local_server(connection)

    def sample(self) -> Sample:
        """Take a sample. Raises psycopg.Error when the server is gone."""
        connection = self._connection
        with connection.transaction(), connection.cursor(row_factory=class_row(Counters)) as cursor:
            # Local to the transaction: a pooler's session serves other clients too.
            connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(STATEMENT_TIMEOUT_MS)])
            counters = cursor.execute(_SQL["counters"]).fetchone()
            at = time.monotonic()  # time of the counters, before the slower queries
            if counters is None:
                raise psycopg.OperationalError("the database is gone from pg_stat_database")
            files = self._files()
            counters = replace(
                counters,
                full_page_images=self._value(self._full_page_images),
                checkpoints=self._value(self._checkpoints),
                cpu_s=self._processes.cpu_s() if self._processes else None,
                **{f"file_{name}": count for name, count in asdict(files).items()} if files else {},
            )
            waits = {str(event): int(str(n)) for event, n in connection.execute(_SQL["activity"])}
        if waits.pop(HIDDEN, 0):
            self.unseen["what other users' sessions wait for"] = "grant pg_monitor to this user"
        return Sample(at, counters, waits)

    def _allowed(self, query: LiteralString | None, what: str) -> LiteralString | None:
        """Return ``query`` if this server and role allow it, else None."""
        if query is None:
            return None
        try:
            with self._connection.transaction():
                self._connection.execute(query)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
            self.unseen[what] = "grant pg_monitor to this user"
            return None
        return query

    def _value(self, query: LiteralString | None) -> int | None:
        row = self._connection.execute(query).fetchone() if query else None
        return int(str(row[0])) if row and row[0] is not None else None

    def _files(self) -> _Files | None:
        if self._io is None:
            return None
        with self._connection.cursor(row_factory=class_row(_Files)) as cursor:
            return cursor.execute(self._io).fetchone()
