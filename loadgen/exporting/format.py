"""``loadgen.export/1``: an export as ``export.json`` beside its scripts, printed under ``--json``.

History
-------
loadgen.export/1   first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from loadgen.runs.draws import NotExportable

EXPORT_FORMAT: Final = "loadgen.export/1"

Mode = Literal["sequential", "pipeline"]


@dataclass(frozen=True)
class Script:
    """One transaction: its weight, and its file by mode, below the export's directory."""

    transaction: str
    weight: int
    share: float
    writes: bool
    statements: tuple[str, ...]
    repeat: int
    files: dict[Mode, str]
    file_bytes: dict[Mode, int]


@dataclass(frozen=True)
class Approximation:
    """A difference between the scripts and what the engine sends."""

    of: str
    how: str


@dataclass(frozen=True)
class Data:
    """Rows that the scripts were written for. Without a mark only the number of users is known."""

    database: str
    marked: bool
    users: int
    seed: int
    model_version: str | None
    as_of: str | None
    ageing_months: int | None
    shape_sha256: str | None


@dataclass(frozen=True)
class Export:
    """A scenario exported as pgbench scripts."""

    scenario: str
    summary: str
    think_time_s: str
    data: Data
    user_skew: float
    user_distribution_error: float
    """Bound of the total variation distance between users drawn by the scripts and by the engine."""
    variants: int
    seed: int
    scripts: tuple[Script, ...]
    commands: dict[Mode, str]
    """Commands to run in the export's directory, to be completed by clients, duration and database."""
    approximations: tuple[Approximation, ...]
    refused: tuple[NotExportable, ...]
    """Transactions left out, with the reason."""
    format: Literal["loadgen.export/1"] = EXPORT_FORMAT
