"""A read-only snapshot of a marked database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.rows import class_row

from loadgen.database.connect import connect
from loadgen.database.faults import translate
from loadgen.database.guard import Mark, read_mark
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, GuardRefusal
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.fidelity", "sql/session.sql")

Say = Callable[[str], None]
T = TypeVar("T")

APPLICATION_NAME: Final = "loadgen fidelity"


class Snapshot:
    """A read-only transaction that sees one moment of a seeded database. A context manager.

    Raises GuardRefusal for a database that is not marked, EnvironmentFault for one that holds no finished population;
    leaving it translates the driver's errors. ``say`` is called before each reading.
    """

    def __init__(self, target: Target, say: Say) -> None:
        self.target, self.say = target, say
        self.conn: psycopg.Connection[Any] = connect(target, application_name=APPLICATION_NAME)
        self.conn.isolation_level = IsolationLevel.REPEATABLE_READ
        self.conn.read_only = True
        self.conn.prepare_threshold = None  # the connection may go through a transaction pooler
        try:
            self.conn.execute(_SQL["limits"])
            self.mark: Mark = self._seeded_mark()
        except psycopg.Error as error:
            self.conn.close()
            raise translate(error, target) from error
        except BaseException:
            self.conn.close()
            raise

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.conn.close()
        if isinstance(error, psycopg.Error):
            raise translate(error, self.target) from error

    @property
    def server_version(self) -> int:
        return self.conn.info.server_version

    def rows(
        self, statement: LiteralString, parameters: dict[str, object] | None = None, /, **parts: sql.Composable
    ) -> Sequence[tuple[Any, ...]]:
        """Rows of a statement, its ``{parts}`` filled in."""
        return self.conn.execute(_query(statement, parts), parameters).fetchall()

    def values(
        self,
        kind: type[T],
        statement: LiteralString,
        parameters: dict[str, object] | None = None,
        /,
        **parts: sql.Composable,
    ) -> list[T]:
        """Rows of a statement as instances of ``kind``, whose fields are the columns."""
        with self.conn.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(_query(statement, parts), parameters).fetchall()

    def _seeded_mark(self) -> Mark:
        mark = read_mark(self.conn)
        if mark is None:
            raise GuardRefusal(
                f"{self.target} is not marked as synthetic, so published statistics do not apply; "
                "for the shape of a production database: loadgen profile"
            )
        if mark.seeded_at is None or not mark.users:
            raise EnvironmentFault(f"{self.target} has not been seeded completely; run: loadgen seed")
        return mark


def _query(statement: LiteralString, parts: dict[str, sql.Composable]) -> sql.Composed | sql.SQL:
    query = sql.SQL(statement)
    return query.format(**parts) if parts else query
