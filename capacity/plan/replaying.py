"""What replay takes of every replica: of a load, the work of applying its log, in servers like those that execute it.

A transaction with w bytes of log costs a replica c·w seconds of CPU, c by :mod:`capacity.replay`, where it cost the
primary d to execute. So of L servers' work a replica repeats L·c·w/d; of a mix that writes more or less than the one
that was measured, in proportion to its write work. Where no run with a replica told c, a write costs the share f of its
execution that the policy assumes.

One process replays, PostgreSQL's startup process: whatever a replica's cores, a log that takes more than one of them
falls behind. Measured are the primary's and the replica's CPU on cores of one speed; where they differ, c·w/d is off by
that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capacity.measured import SweptScenario
from capacity.plan.policy import Policy
from capacity.plan.values import Input
from capacity.uncertainty import Draws, Floats
from capacity.values import Interval, Origin, Refusal

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Replay:
    """Of one scenario. Draws, a row where they do not change with the date."""

    share: Floats
    """Replay's work over that of executing the scenario's transactions."""
    cpu_s: Floats
    """CPU seconds of replay a transaction, on a core of the measured server; 0 where it was not seen."""
    inputs: tuple[Input, ...]


def replay_of(
    scenario: SweptScenario, writing: Floats, measured_writing: Floats, policy: Policy, sample: Draws
) -> Replay:
    """``writing``: of the scenario's work, draws of the part that writes; ``measured_writing``: in the mix measured."""
    if not writing.any():
        return Replay(np.zeros(1), np.zeros(1), ())
    if isinstance(scenario.replay, Interval):
        given = Input(
            f"replay_cost.{scenario.name}",
            scenario.replay,
            "CPU of replaying a transaction over executing it",
            Origin.MEASURED,
            f"{scenario.source}: runs with a replica",
        )
        share = sample.of(given.name, given.value).clip(0) * writing / np.maximum(measured_writing, _TINY)
    else:
        given = policy.replay_cost
        share = sample.of(given.name, given.value).clip(0, 1) * writing
    return Replay(share, share * _executing_s(scenario, sample), (given,))


def _executing_s(scenario: SweptScenario, sample: Draws) -> Floats:
    """CPU seconds of executing a transaction at the load that is planned for; 0 where they were not seen."""
    planned = None if isinstance(scenario.demand, Refusal) else scenario.demand.planned.cpu_s
    return np.zeros(1) if planned is None else sample.of(f"cpu_s.{scenario.name}", planned).clip(0)
