"""How the processes of a load generator divide one load: by number, so that all of them together make all of it."""

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
    """The part of a load that one of ``processes`` makes; ``process`` counts from 0."""

    process: int = 0
    processes: int = 1

    def users(self, users: int) -> int:
        """Of so many users or connections, this one's: the first processes have one more where it does not divide."""
        return users // self.processes + (self.process < users % self.processes)

    def number(self, own: int) -> int:
        """The number among all users of this process's own n-th, both from 0: no two processes share a user."""
        return own * self.processes + self.process


WHOLE: Final = Share()
"""Of a load that one process makes."""


def arrival_times(schedule: Schedule, share: Share, warm: float, window: float) -> Iterator[float]:
    """When an open load means to send, from a warm-up at the first rate that begins at ``warm`` through the window.

    Times are on the clock of both arguments, in seconds.
    """
    assert schedule.rate is not None
    made = partial(
        arrivals,
        spacing=schedule.arrivals,
        seed=schedule.seed,
        process=share.process,
        processes=share.processes,
    )
    first = steady(schedule.rate.pieces[0].from_tps)
    before = made(first, part=Part.WARMUP, until_s=window - warm)
    measured = made(schedule.rate, part=Part.WINDOW, until_s=schedule.measure_s)
    return chain((warm + at for at in before), (window + at for at in measured))


def arrivals_meant(schedule: Schedule, share: Share, until_s: float) -> int:
    """How many arrivals of the window a share has before ``until_s`` seconds of it; 0 for a closed load."""
    if schedule.rate is None:
        return 0
    until_s = min(until_s, schedule.measure_s)
    return sum(1 for _ in arrivals(
        schedule.rate, schedule.arrivals, seed=schedule.seed, part=Part.WINDOW, until_s=until_s,
        process=share.process, processes=share.processes,
    ))  # fmt: skip
