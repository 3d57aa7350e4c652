"""Result of each process of a load generator, and of all together."""

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
class ProcessResult:
    """Result of one process of a run. ``done`` is None if it died or was cut off after what its spool holds."""

    name: str
    spool: Path
    done: Done | None
    clock_error_ms: float | None = None
    """Largest error of its clock against this machine's, in ms; None for a process of this machine."""
    left: bool = False
    """True if it left in good order before the end of the run."""
    ending: str | None = None
    """How it ended, such as "was killed by SIGKILL"; None if it was not lost or its end is unknown."""

    def seconds(self) -> list[Second]:
        """Read the seconds of its spool, in order."""
        return list(spool.read(self.spool))


class Generator(Protocol):
    """A source of load: children of this process, or a master's workers."""

    description: ScenarioDescription
    interrupted: bool
    """True if a signal to this process, its parent, ended the run early."""

    def run(self, schedule: Schedule, directory: Path, on_phase: Callable[[PhaseBegan], None]) -> list[ProcessResult]:
        """Carry out one schedule, with spools in ``directory``; returns each process's result, by share."""


def all_seconds(parts: Iterable[Sequence[Second]]) -> list[Second]:
    """Add up the processes' seconds to those of one generator."""
    by_start: dict[float, Second] = {}
    for part in parts:
        for second in part:
            other = by_start.get(second.at)
            by_start[second.at] = second if other is None else spool.merge_processes(other, second)
    return [by_start[at] for at in sorted(by_start)]


def part_of(
    process: ProcessResult, seconds: Sequence[Second], share: Share, schedule: Schedule, window: tuple[int, int]
) -> GeneratorPart:
    """Sum up one process for the record, over the whole seconds of a ``window`` [first, end)."""
    first, end = window
    measured = [second for second in seconds if first <= second.at < end]
    lost = process.done is None or process.left
    until_s = (max((second.at for second in seconds), default=first) + 1 - first) if lost else None
    return GeneratorPart(
        name=process.name,
        users=share.users(schedule.users),
        arrivals_meant=None if schedule.rate is None else arrivals_meant(schedule, share, end - first),
        count=sum(t.calls for second in measured for t in second.transactions.values()),
        cpu_cores=process.done.cpu_cores if process.done else None,
        hub_lag_p99_ms=merge(second.hub_lag for second in measured).percentile_us(99) / 1000,
        peak_rss_bytes=process.done.peak_rss_bytes if process.done else None,
        lost_after_s=until_s,
        ending=process.ending,
        clock_error_ms=process.clock_error_ms,
    )
