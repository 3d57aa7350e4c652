"""What a scenario's draws come to where its Python does not run: between a child that samples them and an export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loadgen.runs.format.scenario import ScenarioDescription


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """Parent to child: how many values of each draw, and for whom rows are read that draws depend on."""

    variants: int
    seed: int
    users: int
    data_seed: int


@dataclass(frozen=True, slots=True)
class Variant:
    """Values of a statement's sampled parameters that belong together, as SQL would read them; None is NULL."""

    values: tuple[str | None, ...]
    count: int
    """How many of the sample are these: their weight."""


@dataclass(frozen=True, slots=True)
class Captured:
    """A parameter that is a column of an earlier statement's row, as it is."""

    parameter: int
    statement: str
    column: str
    may_be_absent: bool
    """There may be no row: then the parameter is NULL."""


@dataclass(frozen=True, slots=True)
class StepDraws:
    """How the parameters of one step of a transaction are filled; those named nowhere are its user."""

    transaction: str
    step: int
    """Place among the transaction's statements, from 0."""
    sampled: tuple[int, ...]
    """Numbers $n of the parameters that variants fill."""
    variants: tuple[Variant, ...]
    captured: tuple[Captured, ...]
    drawn: int
    """Draws that the variants were chosen from."""
    drawn_bytes: float
    """Mean bytes of those, all sampled parameters together."""
    kept_bytes: float
    """Mean bytes of the variants."""
    of_rows: bool
    """Some draw was given rows of the database, and a variant may meet another user than the row's."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What of a transaction cannot be expressed outside of this tool, and why."""

    transaction: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """Child to parent: the scenario with its draws."""

    scenario: ScenarioDescription
    steps: tuple[StepDraws, ...]
    refused: tuple[Refused, ...]
    statement_timeout_ms: int
    max_attempts: int
    event: Literal["sampled"] = "sampled"
