"""``loadgen.run/2``: the record of one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import model_validator

from capacity.values import Refusal
from loadgen.runs.format import from_version_1
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.machines import ClientFacts, DatabaseFacts
from loadgen.runs.format.ranges import Share
from loadgen.runs.format.result import RunResult
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.use import ServerStatement
from loadgen.runs.format.verdict import Verdict

RUN_FORMAT: Final = "loadgen.run/2"


@dataclass(frozen=True)
class RunRecord:
    """``manifest.json`` of a run: everything needed to read it without the machine it ran on."""

    id: str
    started_at: str
    scenario: ScenarioDescription
    schedule: Schedule
    objective: Objective
    max_error_share: Share
    """Of the window's transactions, how many may fail; above it the run is not valid."""
    database: DatabaseFacts
    client: ClientFacts
    verdict: Verdict
    result: RunResult | None
    refusal: Refusal | None = None
    """Of an invalid run: the first of its reasons."""
    server_statements: tuple[ServerStatement, ...] = ()
    """Empty: the server did not count them, and the verdict's notes say why; or an older record."""
    format: Literal["loadgen.run/2"] = RUN_FORMAT

    @model_validator(mode="before")
    @classmethod
    def _older(cls, document: Any) -> Any:
        return from_version_1(document)
