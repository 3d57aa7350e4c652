"""What the server, or the loss of it, answers."""

from __future__ import annotations

from typing import Final

GUARD_REFUSED: Final = "LG001"
"""The connection leads to another database than the load is for: nothing was written there, and the load ends."""


class DatabaseError(Exception):
    """What the server, or the loss of it, answered: ``sqlstate`` is what a run counts errors by."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.message = message
        self.statement: str | None = None
        """The one that failed; None: none did, or it is not known."""

    def __reduce__(self) -> tuple[type[DatabaseError], tuple[str, str]]:
        # Locust's workers send exceptions to their master.
        return DatabaseError, (self.sqlstate, self.message)


class QueryError(DatabaseError):
    """A query was refused or never answered: ``place`` is its number among those sent, from 0."""

    def __init__(self, sqlstate: str, message: str, place: int) -> None:
        super().__init__(sqlstate, message)
        self.place = place


def first_line(message: bytes | str | None) -> str:
    """The server's or libpq's words without their details."""
    text = message.decode(errors="replace") if isinstance(message, bytes) else message or "connection lost"
    return text.strip().split("\n")[0]
