"""Errors of the server and of lost connections."""

from __future__ import annotations

from typing import Final

GUARD_REFUSED: Final = "LG001"
"""Error code of a connection that leads to another database: nothing was written there, and the load ends."""


class DatabaseError(Exception):
    """An error of the server or of a lost connection; a run counts errors by ``sqlstate``."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.message = message
        self.statement: str | None = None
        """Name of the statement that failed; None if none did or it is not known."""

    def __reduce__(self) -> tuple[type[DatabaseError], tuple[str, str]]:
        # Locust's workers send exceptions to their master.
        return DatabaseError, (self.sqlstate, self.message)


class QueryError(DatabaseError):
    """A query that failed or was never answered; ``place`` is its number among those sent, from 0."""

    def __init__(self, sqlstate: str, message: str, place: int) -> None:
        super().__init__(sqlstate, message)
        self.place = place


def first_line(message: bytes | str | None) -> str:
    """First line of a message of the server or libpq."""
    text = message.decode(errors="replace") if isinstance(message, bytes) else message or "connection lost"
    return text.strip().split("\n")[0]
