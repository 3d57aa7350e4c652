"""``loadgen.fidelity/1``: how close a database is to what was published, and what it is like as a load.

History
-------
loadgen.fidelity/1   first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from capacity.values import Refusal, TableSize
from loadgen.runs.format.machines import DatabaseFacts

FIDELITY_FORMAT: Final = "loadgen.fidelity/1"

Verdict = Literal["within", "outside", "undecided"]
Statistic = Literal["median", "percentile", "share", "mean", "concentration"]
Topic = Literal["by age", "households", "joint"]
Unit = Literal["dollars", "percent", "persons"]


@dataclass(frozen=True)
class Figure:
    """One published figure beside the stored rows. Dollars are today's.

    ``error`` and ``allowed`` are percent of the published figure; for figures in percent, points. ``low`` and ``high``
    bound where 95 of 100 samples of this size would lie (None: too few to say). Verdict by ``judging.judge``.
    """

    topic: Topic
    measure: str
    group: str
    statistic: Statistic
    unit: Unit
    published: float
    stored: float | None
    """None: the rows do not hold it."""
    low: float | None
    high: float | None
    households: int
    """That the stored figure is made from: of the group, or those that hold the item."""
    error: float | None
    allowed: float
    verdict: Verdict
    source: str

    @property
    def name(self) -> str:
        return f"{self.measure} {self.group}"

    @property
    def strain(self) -> float:
        """Error as a share of what is allowed; −1 for what has no error."""
        return -1.0 if self.error is None else abs(self.error) / self.allowed


@dataclass(frozen=True)
class Check:
    """A rule that every row keeps, and how many do not. ``allowed`` is the share that may."""

    name: str
    rule: str
    checked: int
    violating: int
    allowed: float
    verdict: Verdict


@dataclass(frozen=True)
class FanOut:
    """Rows per user in one table, all users counted."""

    table: str
    mean: float
    without: float
    """Share of users who have none."""
    p50: int
    p90: int
    p99: int
    most: int


@dataclass(frozen=True)
class TableState:
    """A table's bytes, its rows out of line, and what use has left behind. None: the server cannot say."""

    size: TableSize
    bytes_per_row: float | None
    toasted_share: float | None
    """Rows with at least one value stored out of line."""
    dead_rows: int | None
    free_share: float | None
    """Of the heap, by pgstattuple; None without that extension."""


@dataclass(frozen=True)
class DocumentState:
    """The values of one wide column, from a sample of its rows. Bytes are means over values that are not NULL."""

    table: str
    column: str
    rows: int
    """Looked at."""
    null_share: float | None
    text_bytes: float | None
    """As text, as a client receives it."""
    stored_bytes: float | None
    """On disk, compressed where the server did."""
    compressed_share: float | None
    toasted_share: float | None
    """Values stored out of line."""


@dataclass(frozen=True)
class NodeEstimate:
    """A node of a plan: rows that the planner expected and rows that came, per loop."""

    node: str
    condition: str
    estimated_rows: float
    actual_rows: float | None

    @property
    def q_error(self) -> float | None:
        """max(e/a, a/e), both floored at 1: how many times the estimate is off, whichever way."""
        if self.actual_rows is None:
            return None
        estimated, actual = max(self.estimated_rows, 1.0), max(self.actual_rows, 1.0)
        return max(estimated / actual, actual / estimated)


@dataclass(frozen=True)
class StatementEstimate:
    """One statement of a scenario under ``draws`` drawn parameters: the draw whose worst node was furthest off.

    A statement that writes is planned and not run; it has no actual rows.
    """

    scenarios: tuple[str, ...]
    statement: str
    draws: int
    top: NodeEstimate | None
    worst: NodeEstimate | None
    median_worst_q_error: float | None
    """Over the draws."""
    jsonb_condition: str | None
    """A condition that looks into a document, which the planner has no statistics for."""
    note: str = ""
    """Why there is no plan, or why nothing was run."""


@dataclass(frozen=True)
class FidelityRecord:
    """``fidelity.json``: one database, read in one snapshot."""

    id: str
    measured_at: str
    database: DatabaseFacts
    users: int
    under_water: int
    """Households whose true net worth is below zero; their stored one is 0."""
    figures: tuple[Figure, ...]
    checks: tuple[Check, ...]
    fan_outs: tuple[FanOut, ...]
    tables: tuple[TableState, ...]
    documents: tuple[DocumentState, ...]
    estimates: tuple[StatementEstimate, ...]
    refusal: Refusal | None = None
    format: Literal["loadgen.fidelity/1"] = FIDELITY_FORMAT

    def count(self, verdict: Verdict) -> int:
        """How many figures and checks have this verdict."""
        return sum(f.verdict == verdict for f in self.figures) + sum(c.verdict == verdict for c in self.checks)

    @property
    def outside(self) -> tuple[str, ...]:
        """Names of what is outside, worst figures first."""
        figures = sorted((f for f in self.figures if f.verdict == "outside"), key=lambda f: -f.strain)
        return (*(f.name for f in figures), *(c.name for c in self.checks if c.verdict == "outside"))
