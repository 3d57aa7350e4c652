"""What each process of a load generator made of a run, and all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from loadgen.runs import spool
from loadgen.runs.control import Done, PhaseBegan
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.use import GeneratorPart
from loadgen.runs.histogram import merge
from loadgen.runs.shares import Share, arrivals_meant
from loadgen.runs.spool import Second

OnLoss = Literal["stop", "continue"]
"""What a run does when a process that makes a part of its load is lost."""


@dataclass(frozen=True, slots=True)
class Made:
    """One process after a run. ``done`` None: it died or was cut off; what it had reported is in its spool."""

    name: str
    spool: Path
    done: Done | None
    clock_error_ms: float | None = None
    """On another machine: how far its seconds may be off those of this one."""
    left: bool = False
    """It ended its part before the run did, in good order."""
    ending: str | None = None
    """How it ended, if it was lost and its end was seen: "was killed by SIGKILL"."""

    def seconds(self) -> list[Second]:
        """What it reported, in order."""
        return list(spool.read(self.spool))


class Generator(Protocol):
    """What makes a load: children of this process, or a master's workers."""

    description: ScenarioDescription
    interrupted: bool
    """Whether a signal to this process, its parent, ended the run early."""

    def run(self, schedule: Schedule, directory: Path, on_phase: Callable[[PhaseBegan], None]) -> list[Made]:
        """Carry out one schedule, with spools in ``directory``; what each process made of it, by its share."""


def all_seconds(parts: Iterable[Sequence[Second]]) -> list[Second]:
    """The seconds of all processes as those of one generator: nothing is lost or counted twice by adding up."""
    by_start: dict[float, Second] = {}
    for part in parts:
        for second in part:
            other = by_start.get(second.at)
            by_start[second.at] = second if other is None else spool.beside(other, second)
    return [by_start[at] for at in sorted(by_start)]


def part_of(
    made: Made, seconds: Sequence[Second], share: Share, schedule: Schedule, window: tuple[int, int]
) -> GeneratorPart:
    """One process's line of the record, over the whole seconds of a ``window`` [first, end)."""
    first, end = window
    mine = [second for second in seconds if first <= second.at < end]
    gone = made.done is None or made.left
    until_s = (max((second.at for second in seconds), default=first) + 1 - first) if gone else None
    return GeneratorPart(
        name=made.name,
        users=share.users(schedule.users),
        arrivals_meant=None if schedule.rate is None else arrivals_meant(schedule, share, end - first),
        count=sum(t.calls for second in mine for t in second.transactions.values()),
        cpu_cores=made.done.cpu_cores if made.done else None,
        hub_lag_p99_ms=merge(second.hub_lag for second in mine).percentile_us(99) / 1000,
        peak_rss_bytes=made.done.peak_rss_bytes if made.done else None,
        lost_after_s=until_s,
        ending=made.ending,
        clock_error_ms=made.clock_error_ms,
    )
