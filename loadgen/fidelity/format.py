"""``loadgen.fidelity/1``: how close a database is to published figures, and its shape as a load.

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
    """Value from the stored rows; None if they do not hold it."""
    low: float | None
    high: float | None
    households: int
    """Number of households behind the stored figure: the group, or those of it that hold the item."""
    error: float | None
    allowed: float
    verdict: Verdict
    source: str

    @property
    def name(self) -> str:
        return f"{self.measure} {self.group}"

    @property
    def strain(self) -> float:
        """Error as a share of the allowed one; −1 if there is no error."""
        return -1.0 if self.error is None else abs(self.error) / self.allowed


@dataclass(frozen=True)
class Check:
    """A rule for rows, and the number of rows that violate it. ``allowed`` is the share that may."""

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
    """Share of users without rows."""
    p50: int
    p90: int
    p99: int
    most: int


@dataclass(frozen=True)
class TableState:
    """A table's bytes, its rows out of line, its dead rows and free space. None if the server cannot say."""

    size: TableSize
    bytes_per_row: float | None
    toasted_share: float | None
    """Share of rows with at least one value stored out of line."""
    dead_rows: int | None
    free_share: float | None
    """Free share of the heap, from pgstattuple; None without that extension."""


@dataclass(frozen=True)
class DocumentState:
    """The values of one wide column, from a sample of its rows. Bytes are means over values that are not NULL."""

    table: str
    column: str
    rows: int
    """Number of sampled rows."""
    null_share: float | None
    text_bytes: float | None
    """Mean bytes as text, as a client receives it."""
    stored_bytes: float | None
    """Mean bytes on disk, after compression."""
    compressed_share: float | None
    toasted_share: float | None
    """Share of values stored out of line."""


@dataclass(frozen=True)
class NodeEstimate:
    """A node of a plan: rows that the planner estimated and actual rows, per loop."""

    node: str
    condition: str
    estimated_rows: float
    actual_rows: float | None

    @property
    def q_error(self) -> float | None:
        """Factor by which the estimate e is off the actual rows a: max(e/a, a/e), with both at least 1."""
        if self.actual_rows is None:
            return None
        estimated, actual = max(self.estimated_rows, 1.0), max(self.actual_rows, 1.0)
        return max(estimated / actual, actual / estimated)


@dataclass(frozen=True)
class StatementEstimate:
    """Estimate of one statement of a scenario: the worst node of ``draws`` sets of parameters.

    A statement that writes is planned and not run; it has no actual rows.
    """

    scenarios: tuple[str, ...]
    statement: str
    draws: int
    top: NodeEstimate | None
    worst: NodeEstimate | None
    median_worst_q_error: float | None
    """Median over the draws of the worst node's q-error."""
    jsonb_condition: str | None
    """A condition on a member of a document, for which the planner has no statistics."""
    note: str = ""
    """Reason why there is no plan, or why the statement was not run."""


@dataclass(frozen=True)
class FidelityRecord:
    """``fidelity.json``: fidelity of one database, measured in one snapshot."""

    id: str
    measured_at: str
    database: DatabaseFacts
    users: int
    under_water: int
    """Households whose true net worth is below zero; 0 is stored."""
    figures: tuple[Figure, ...]
    checks: tuple[Check, ...]
    fan_outs: tuple[FanOut, ...]
    tables: tuple[TableState, ...]
    documents: tuple[DocumentState, ...]
    estimates: tuple[StatementEstimate, ...]
    refusal: Refusal | None = None
    format: Literal["loadgen.fidelity/1"] = FIDELITY_FORMAT

    def count(self, verdict: Verdict) -> int:
        """Number of figures and checks with this verdict."""
        return sum(f.verdict == verdict for f in self.figures) + sum(c.verdict == verdict for c in self.checks)

    @property
    def outside(self) -> tuple[str, ...]:
        """Names of figures and checks that are outside, worst figures first."""
        figures = sorted((f for f in self.figures if f.verdict == "outside"), key=lambda f: -f.strain)
        return (*(f.name for f in figures), *(c.name for c in self.checks if c.verdict == "outside"))
