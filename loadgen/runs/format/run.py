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
    """Largest share of the window's transactions that may fail in a valid run."""
    database: DatabaseFacts
    client: ClientFacts
    verdict: Verdict
    result: RunResult | None
    refusal: Refusal | None = None
    """First reason of an invalid run."""
    server_statements: tuple[ServerStatement, ...] = ()
    """Statements counted by the server; empty if it did not (see the verdict's notes), and in older records."""
    format: Literal["loadgen.run/2"] = RUN_FORMAT

    @model_validator(mode="before")
    @classmethod
    def _older(cls, document: Any) -> Any:
        return from_version_1(document)
