"""Read a production database: short read-only transactions, and errors without the server's messages.

A message of the server can quote a value, so only the SQLSTATE of an error is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from loadgen.database.connect import connect
from loadgen.database.faults import ADVICE
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault
from loadgen.profiling.format import Note, NoteCode
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.profiling", "sql/server.sql")

Say = Callable[[str], None]
Row = tuple[object, ...]

APPLICATION_NAME: Final = "loadgen profile"
_UNANSWERED: Final[dict[str, NoteCode]] = {
    "57014": "timed_out",
    "55P03": "timed_out",  # a lock not granted in time
    "42501": "not_readable",
    "55000": "no_statements",  # the extension is installed, but its library is not loaded
}
"""Notes by SQLSTATE of the error, for figures that a profile can do without."""


class NoAnswer(EnvironmentFault):
    """A statement was refused or timed out; ``code`` is the note, if the profile can do without it."""

    def __init__(self, message: str, code: NoteCode) -> None:
        super().__init__(message)
        self.code = code


class Reader:
    """A connection with a transaction for each statement. A context manager.

    ``say`` is called before each reading; ``notes`` collects what could not be read.
    """

    def __init__(self, target: Target, schema: str, timeout_s: float, say: Say) -> None:
        self._target, self._say = target, say
        self._timeout_ms = str(max(1, round(1000 * timeout_s)))
        self.schema = schema
        self.notes: list[Note] = []
        self._conn = connect(target, autocommit=True, application_name=APPLICATION_NAME)
        self._conn.read_only = True
        self._conn.prepare_threshold = None  # the connection may go through a transaction pooler

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *exception: object) -> None:
        self._conn.close()

    @property
    def server_version(self) -> int:
        return self._conn.info.server_version

    def say(self, line: str) -> None:
        """Show a line of progress."""
        self._say(line)

    def note(self, code: NoteCode, about: str = "") -> None:
        """Add a note on something that the profile lacks."""
        if Note(code, about) not in self.notes:
            self.notes.append(Note(code, about))

    def rows(
        self,
        statement: LiteralString,
        parameters: dict[str, object] | None = None,
        *,
        what: str,
        **parts: sql.Composable,
    ) -> Sequence[Row]:
        """Rows of a statement, whose ``{schema}`` and other parts are filled in.

        Raises NoAnswer or another EnvironmentFault, which names ``what`` was read, without the server's message.
        """
        query: sql.SQL | sql.Composed = sql.SQL(statement)
        if parts:
            query = sql.SQL(statement).format(schema=sql.Identifier(self.schema), **parts)
        try:
            with self._conn.transaction():
                self._conn.execute(_SQL["limits"], {"timeout_ms": self._timeout_ms})
                return self._conn.execute(query, parameters).fetchall()
        except psycopg.Error as error:
            raise self._fault(error.sqlstate, what) from None  # the cause would hold the server's message

    def _fault(self, state: str | None, what: str) -> EnvironmentFault:
        if state is None:
            return EnvironmentFault(f"{self._target}: the connection was lost while reading {what}; try again")
        advice = ADVICE.get(state, "see the server's log")
        message = f"{self._target}: cannot read {what} (SQLSTATE {state}); {advice}"
        return NoAnswer(message, _UNANSWERED[state]) if state in _UNANSWERED else EnvironmentFault(message)
