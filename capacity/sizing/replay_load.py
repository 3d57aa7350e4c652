"""What replay takes of every replica: of a load, the work of applying its log, in servers like those that execute it.

A transaction with w bytes of log costs a replica c·w seconds of CPU, c by :mod:`capacity.demand.replay`, where it cost
the primary d to execute. So of L servers' work a replica repeats L·c·w/d; of a mix that writes more or less than the
one that was measured, in proportion to its write work. Where no run with a replica told c, or no server d, a write
costs the share f of its execution that the policy assumes.

One process replays, PostgreSQL's startup process: whatever a replica's cores, a log that takes more than one of them
falls behind. Measured are the primary's and the replica's CPU on cores of one speed; where they differ, c·w/d is off by
that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.measurements import SweptScenario
from capacity.sizing.policy import Policy
from capacity.sizing.transfer import cpu_input
from capacity.uncertainty import TINY, Draws
from capacity.values import Input, Interval, Origin, Refusal


@dataclass(frozen=True, slots=True)
class Replay:
    """Of one scenario. Draws, a row where they do not change with the date."""

    share: Floats
    """Replay's work over that of executing the scenario's transactions."""
    cpu_s: Floats
    """CPU seconds of replay a transaction, on a core of the measured server; 0 where no CPU was seen."""
    inputs: tuple[Input, ...]


def replay_of(
    scenario: SweptScenario, writing: Floats, measured_writing: Floats, policy: Policy, sample: Draws
) -> Replay:
    """``writing``: of the scenario's work, draws of the part that writes; ``measured_writing``: in the mix measured."""
    if not writing.any():
        return Replay(np.zeros(1), np.zeros(1), ())
    executing = _executing(scenario)
    executing_s = None if executing is None else sample.of(executing.name, executing.value).clip(0)
    if isinstance(scenario.replay_s, Interval) and executing is not None and executing_s is not None:
        given = Input(
            f"replay_s.{scenario.name}",
            scenario.replay_s,
            "CPU seconds of a replica to replay a transaction",
            Origin.MEASURED,
            f"{scenario.source}: runs with a replica",
        )
        cpu_s = sample.of(given.name, given.value).clip(0) * writing / np.maximum(measured_writing, TINY)
        return Replay(cpu_s / np.maximum(executing_s, TINY), cpu_s, (given, executing))
    share = sample.of(policy.replay_cost.name, policy.replay_cost.value).clip(0, 1) * writing
    return Replay(share, share * (0.0 if executing_s is None else executing_s), (policy.replay_cost,))


def _executing(scenario: SweptScenario) -> Input | None:
    """CPU of executing a transaction at the load that is planned for; None where it was not seen."""
    demand = scenario.demand
    return None if isinstance(demand, Refusal) or demand.planned.cpu_s is None else cpu_input(scenario, demand)
