"""Candidate configurations, and the futures in which each meets the objective.

Let k be the number of replicas, W and R the writes and reads in units of one server's capacity at its target
utilisation, ρ the share of the reads that must see the user's own last write, and f the cost of replaying a write over
executing it. A configuration meets the objective if

- the primary alone carries writes and fresh reads: W + ρR ≤ 1;
- the replicas carry the rest, x = W + R − 1: x ≤ k(1 − fW);
- replay, which is one process, needs no more than one core (where its CPU is known);
- the working set fits into the usable share of memory, on every server.

With n spare servers, the load must still be carried without n of the replicas.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from capacity.arrays import Bools, Floats
from capacity.formatting import counted
from capacity.measurements import MeasuredServer
from capacity.sizing.futures import Futures, Work
from capacity.targets import Server, Target

SLACK = 1 + 1e-9
"""Tolerance for rounding, so that a server is large enough for exactly its capacity."""


class Shortfall(StrEnum):
    """Reason why a configuration does not meet the objective in a future; the first that holds."""

    MEMORY = "memory"
    WRITES = "writes"
    FRESH_READS = "fresh_reads"
    REPLAY_CORE = "replay_core"
    REPLAY = "replay"
    READS = "reads"


SHORT_OF = {
    Shortfall.MEMORY: "its memory is too small for the working set",
    Shortfall.WRITES: "the writes alone exceed its primary",
    Shortfall.FRESH_READS: "writes and the reads that must see them at once exceed its primary",
    Shortfall.REPLAY_CORE: "WAL replay needs more than the one core that a replica can use for it",
    Shortfall.REPLAY: "its replicas cannot both replay the writes and answer reads",
    Shortfall.READS: "it is too small for the reads",
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """A primary and ``replicas`` more servers of the same size."""

    server: Server
    replicas: int

    @property
    def name(self) -> str:
        if not self.replicas:
            return self.server.name
        return f"{self.server.name} + {counted(self.replicas, 'replica')}"


@dataclass(frozen=True, slots=True)
class Fit:
    """Fit of one size of server to the futures. Arrays have a row per date, a column per draw."""

    server: Server
    replicas: Floats
    """Fewest replicas that meet the objective, spare ones included; +inf where no number does."""
    shortfall: npt.NDArray[np.int8]
    """Index of the first Shortfall that holds without replicas; −1 if none does."""
    work: Work
    """Load in servers like this one."""

    def meets(self, replicas: int) -> Bools:
        """Return whether that many replicas are enough, by date and draw."""
        return np.asarray(self.replicas <= replicas, dtype=np.bool_)


def replicas_needed(
    reads: Floats, writes: Floats, replay_cost: Floats, target: Floats, fresh: Floats | float = 0.0
) -> Floats:
    """Return k by the law above, elementwise, for a capacity of ``target``; +inf where no number helps."""
    excess = np.maximum(reads + writes - target * SLACK, 0.0)
    room = target - replay_cost * writes
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        needed = np.where(excess > 0, np.ceil(excess / room - 1e-9), 0.0)
    bound = (writes + fresh * reads > target * SLACK) | (room <= 0)
    return np.asarray(np.where((excess > 0) & bound, np.inf, np.maximum(needed, excess > 0)), dtype=np.float64)


def fits(futures: Futures, target: Target, measured: MeasuredServer, spare: int = 0) -> tuple[Fit, ...]:
    """Return the fit of each server of the target. ``spare`` servers may fail at the peak."""
    return tuple(_fit(futures, target, server, measured, spare) for server in target.servers)


def _fit(futures: Futures, target: Target, server: Server, measured: MeasuredServer, spare: int) -> Fit:
    work = futures.on(target, server, measured)
    reads, writes = work.reads, work.writes
    needed = replicas_needed(reads, writes, work.replay_cost, np.ones(1), futures.fresh) + spare
    behind = work.replay_cores > SLACK
    needed = np.where(behind & (needed > 0), np.inf, needed)
    checks = (
        (Shortfall.READS, work.whole > SLACK),
        (Shortfall.REPLAY, (work.replay >= 1) & (work.whole > SLACK)),
        (Shortfall.REPLAY_CORE, behind & (work.whole > SLACK)),
        (Shortfall.FRESH_READS, writes + futures.fresh * reads > SLACK),
        (Shortfall.WRITES, writes > SLACK),
    )
    shortfall = np.full(reads.shape, -1, dtype=np.int8)
    order = list(Shortfall)
    for name, holds in checks:
        shortfall[holds] = order.index(name)
    if server.ram_bytes is not None and futures.working_set_bytes is not None:
        too_large = futures.working_set_bytes > target.usable_ram * server.ram_bytes * SLACK
        needed = np.where(too_large, np.inf, needed)
        shortfall[too_large] = order.index(Shortfall.MEMORY)
    return Fit(server, needed, shortfall, work)


def carried_tps(
    futures: Futures, target: Target, measured: MeasuredServer, configuration: Configuration, spare: int = 0
) -> Floats:
    """Draw the load of today's mix that a configuration carries at the objective, ignoring memory; +inf without load.

    The laws above are linear in the load, so it is today's load times the least factor at which one of them binds.
    """
    work = futures.on(target, configuration.server, measured).at(0)
    left = max(configuration.replicas - spare, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        keeping_up = 1 / work.replay_cores
        alone = np.minimum(1 / work.whole, keeping_up) if spare else 1 / work.whole
        whole = (1 + left) / (work.whole + left * work.replay)
        primary = 1 / (work.writes + futures.fresh * work.reads)
        together = np.minimum(np.minimum(whole, primary), keeping_up)
        factor = np.maximum(together, alone) if left else alone
        tps = np.where(futures.tps[0] > 0, futures.tps[0] * factor, np.inf)
    return np.asarray(tps, dtype=np.float64)
