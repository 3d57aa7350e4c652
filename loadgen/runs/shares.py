"""Division of one load among the processes of a load generator, by their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final

from loadgen.runs.arrivals import Part, arrivals
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.rates import steady


@dataclass(frozen=True, slots=True)
class Share:
    """Share of a load that one of ``processes`` generates; ``process`` counts from 0."""

    process: int = 0
    processes: int = 1

    def users(self, users: int) -> int:
        """This process's share of ``users`` or connections; the first processes take the remainder, one each."""
        return users // self.processes + (self.process < users % self.processes)

    def number(self, own: int) -> int:
        """Number among all users of this process's user number ``own``, both from 0; no two processes share a user."""
        return own * self.processes + self.process


WHOLE: Final = Share()
"""Share of a single process: the whole load."""


def arrival_times(schedule: Schedule, share: Share, warm: float, window: float) -> Iterator[float]:
    """Intended times of arrivals, from a warm-up at the first rate that begins at ``warm`` through the window.

    Times are on the clock of both arguments, in seconds.
    """
    assert schedule.rate is not None
    times_at = partial(
        arrivals,
        spacing=schedule.arrivals,
        seed=schedule.seed,
        process=share.process,
        processes=share.processes,
    )
    first = steady(schedule.rate.pieces[0].from_tps)
    warmup = times_at(first, part=Part.WARMUP, until_s=window - warm)
    measured = times_at(schedule.rate, part=Part.WINDOW, until_s=schedule.measure_s)
    return chain((warm + at for at in warmup), (window + at for at in measured))


def arrivals_meant(schedule: Schedule, share: Share, until_s: float) -> int:
    """Number of a share's arrivals in the first ``until_s`` seconds of the window; 0 for a closed load."""
    if schedule.rate is None:
        return 0
    until_s = min(until_s, schedule.measure_s)
    return sum(1 for _ in arrivals(
        schedule.rate, schedule.arrivals, seed=schedule.seed, part=Part.WINDOW, until_s=until_s,
        process=share.process, processes=share.processes,
    ))  # fmt: skip
