"""Samples of a scenario's draws, sent by a child that runs its Python to an export that cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loadgen.runs.format.scenario import ScenarioDescription


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Parent to child: number of values of each draw, and the users whose rows the draws may depend on."""

    variants: int
    seed: int
    users: int
    data_seed: int


@dataclass(frozen=True, slots=True)
class Variant:
    """Values of a statement's sampled parameters, drawn together, in SQL's text form; None is NULL."""

    values: tuple[str | None, ...]
    count: int
    """Weight: how many draws of the sample have these values."""


@dataclass(frozen=True, slots=True)
class CapturedParameter:
    """A parameter that takes the value of a column of an earlier statement's row."""

    parameter: int
    statement: str
    column: str
    may_be_absent: bool
    """True if there may be no row; the parameter is then NULL."""


@dataclass(frozen=True, slots=True)
class StepDraws:
    """Parameters of one step of a transaction; those in neither ``sampled`` nor ``captured`` are the user."""

    transaction: str
    step: int
    """Place among the transaction's statements, from 0."""
    sampled: tuple[int, ...]
    """Numbers $n of the parameters that variants fill."""
    variants: tuple[Variant, ...]
    captured: tuple[CapturedParameter, ...]
    drawn: int
    """Number of draws that the variants were chosen from."""
    drawn_bytes: float
    """Mean bytes of a draw, all sampled parameters together."""
    kept_bytes: float
    """Mean bytes of a variant."""
    of_rows: bool
    """True if a draw depends on rows of the database: a variant may then be used for another user than the row's."""


@dataclass(frozen=True, slots=True)
class NotExportable:
    """A part of a transaction that cannot be exported, and why."""

    transaction: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class SampleResult:
    """Child to parent: the scenario with its draws."""

    scenario: ScenarioDescription
    steps: tuple[StepDraws, ...]
    refused: tuple[NotExportable, ...]
    statement_timeout_ms: int
    max_attempts: int
    event: Literal["sampled"] = "sampled"
