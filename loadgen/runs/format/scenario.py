"""``loadgen.scenario/1``: transactions and statements of a scenario, described by a child that loaded it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator

from loadgen.runs.format.ranges import Amount, Count, Positive

SCENARIO_FORMAT: Final = "loadgen.scenario/1"

Isolation = Literal["read committed", "repeatable read", "serializable"]
"""Isolation levels of PostgreSQL, whose read uncommitted is read committed."""


def begin_command(writes: bool, isolation: str) -> str:
    """Return the BEGIN of a transaction, with its isolation level unless it is the default."""
    level = "" if isolation == "read committed" else f" ISOLATION LEVEL {isolation.upper()}"
    return f"BEGIN{level}{'' if writes else ' READ ONLY'}"


@dataclass(frozen=True)
class ParameterDescription:
    """``$n`` of a statement: its type, and the draw that fills it (see ``loadgen.engine.scenario_sql``)."""

    name: str
    type: str
    draw: str


@dataclass(frozen=True)
class StatementDescription:
    """One statement as sent to the server. ``rows``: fewest and most rows of a call, most None for any."""

    name: str
    sql: str
    writes: bool
    parameters: tuple[ParameterDescription, ...]
    rows: tuple[Count, Count | None]


@dataclass(frozen=True)
class TransactionDescription:
    """Statements in order, all in one database transaction, ``repeat`` times over as different users."""

    name: str
    weight: Amount
    statements: tuple[str, ...]
    repeat: Positive
    writes: bool
    isolation: str


def _drawn(transactions: tuple[TransactionDescription, ...]) -> tuple[TransactionDescription, ...]:
    if not any(t.weight > 0 for t in transactions):
        raise ValueError("no transaction has a weight above 0")
    return transactions


@dataclass(frozen=True)
class ScenarioDescription:
    """``loadgen.scenario/1``: transactions and statements of a scenario, printed by a child that loaded it."""

    name: str
    summary: str
    think_time_s: str
    user_skew: float
    transactions: Annotated[tuple[TransactionDescription, ...], AfterValidator(_drawn)]
    statements: tuple[StatementDescription, ...]
    format: Literal["loadgen.scenario/1"] = SCENARIO_FORMAT

    @property
    def writes(self) -> bool:
        return any(t.writes for t in self.transactions)

    @property
    def read_share(self) -> float:
        """Share of transactions, by weight, that only read, and that a replica could serve."""
        total = sum(t.weight for t in self.transactions)
        return sum(t.weight for t in self.transactions if not t.writes) / total
