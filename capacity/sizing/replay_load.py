"""Load of WAL replay on every replica, in servers like those that execute the transactions.

Replay of a transaction with w bytes of WAL costs a replica c·w seconds of CPU, with c by :mod:`capacity.demand.replay`;
its execution cost the primary d seconds. So of L servers' work each replica repeats L·c·w/d, scaled by the share of
write work where the mix differs from the measured one. Where c or d was not measured, replaying a write costs the share
f of its execution that the policy assumes.

PostgreSQL replays in one process, the startup process: a replica falls behind a log that takes more than one core,
however many it has. Primary and replica are assumed to have cores of the same speed; c·w/d is off by any difference.
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
    """Draws of one scenario's replay; a single row where they do not change with the date."""

    share: Floats
    """Work of replay over that of executing the scenario's transactions."""
    cpu_s: Floats
    """CPU seconds of replay per transaction, on a core of the measured server; 0 if CPU was not measured."""
    inputs: tuple[Input, ...]


def replay_of(
    scenario: SweptScenario, writing: Floats, measured_writing: Floats, policy: Policy, sample: Draws
) -> Replay:
    """Draw a scenario's replay. ``writing`` is the share of its work that writes, ``measured_writing`` as measured."""
    if not writing.any():
        return Replay(np.zeros(1), np.zeros(1), ())
    executing = _executing(scenario)
    executing_s = None if executing is None else sample.of(executing.name, executing.value).clip(0)
    if isinstance(scenario.replay_s, Interval) and executing is not None and executing_s is not None:
        measured = Input(
            f"replay_s.{scenario.name}",
            scenario.replay_s,
            "CPU seconds of a replica to replay a transaction",
            Origin.MEASURED,
            f"{scenario.source}: its runs with a replica",
        )
        cpu_s = sample.of(measured.name, measured.value).clip(0) * writing / np.maximum(measured_writing, TINY)
        return Replay(cpu_s / np.maximum(executing_s, TINY), cpu_s, (measured, executing))
    share = sample.of(policy.replay_cost.name, policy.replay_cost.value).clip(0, 1) * writing
    return Replay(share, share * (0.0 if executing_s is None else executing_s), (policy.replay_cost,))


def _executing(scenario: SweptScenario) -> Input | None:
    """CPU of executing a transaction at the planned load; None if it was not measured."""
    demand = scenario.demand
    return None if isinstance(demand, Refusal) or demand.planned.cpu_s is None else cpu_input(scenario, demand)
