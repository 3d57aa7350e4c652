"""Options of a plan besides its measurements: mix, objective, growth, target, required probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from capacity.formatting import counted
from capacity.pool import ONE_INSTANCE, Deployment
from capacity.values import Input, Interval, Origin
from capacity.workload import MixShare, Workload
from loadgen.errors import UsageError
from loadgen.planning.workload.workload_file import SHARE_UNIT, Block
from loadgen.runs.format.latency import Objective

ASKED: Final = "What-if: "
"""Prefix of a plan's notes on what was assumed on request, not measured."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Options of a plan; by default nothing is changed. ``mix`` has shares by scenario."""

    wanted: float = 0.95
    target: str | None = None
    spare: int = 0
    growth: float = 1.0
    mix: Mapping[str, float] | None = None
    objective: Objective | None = None
    retention_months: float | None = None
    round_trip_ms: float | None = None
    deployment: Deployment = ONE_INSTANCE

    def applied(self, block: Block) -> Block:
        """Return the workload block with this mix and round trip. Raises UsageError for shares that are not a mix."""
        workload, policy = block.workload, block.policy
        if self.mix is not None:
            workload = self._mixed(workload)
        if self.round_trip_ms is not None:
            trip = Interval.exact(self.round_trip_ms)
            given = replace(policy.round_trip_ms, value=trip, source="what-if: --round-trip")
            policy = replace(policy, round_trip_ms=given)
        return Block(workload, policy)

    def _mixed(self, workload: Workload) -> Workload:
        assert self.mix is not None
        shares = tuple(
            MixShare(name, Input(f"mix.{name}", Interval.exact(share), SHARE_UNIT, Origin.ASSUMPTION, "what-if: --mix"))
            for name, share in self.mix.items()
        )
        try:
            return replace(workload, mix=shares)
        except ValueError as error:
            raise UsageError(f"--mix: {error}; correct it") from error

    @property
    def notes(self) -> tuple[str, ...]:
        """Assumptions of the plan, one line each."""
        found = []
        if self.growth != 1:
            found.append(f"{ASKED}users grow {self.growth:g} times as much as forecast.")
        if self.mix is not None:
            found.append(f"{ASKED}the mix is {', '.join(f'{n} {s:.0%}' for n, s in self.mix.items())}.")
        if self.objective is not None:
            found.append(f"{ASKED}the objective is {self.objective}, checked against the measured runs.")
        if self.retention_months is not None:
            found.append(f"{ASKED}messages are deleted after {self.retention_months:g} months.")
        if self.spare:
            found.append(f"{ASKED}{counted(self.spare, 'server')} may fail at the peak.")
        return tuple(found)
