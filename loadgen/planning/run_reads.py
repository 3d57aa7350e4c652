"""Which part of a scenario's transactions only read, as its runs carried them out.

It is our own load, so never a measurement of production; how many users there are, how often they come and when, no run
of ours can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from capacity.prose import counted
from capacity.uncertainty import share_interval
from capacity.values import Interval, Refusal
from loadgen.errors import RefusalError, UsageError
from loadgen.planning.demands import runs_of
from loadgen.runs import documents, store
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepRecord

LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class RunReads:
    """Of one scenario's transactions, the share that writes nothing: binomial, since users draw them independently."""

    scenario: str
    share: Interval
    source: str


def run_reads(results_dir: Path, names: Sequence[str]) -> tuple[RunReads, ...]:
    """Of runs and sweeps, by scenario. Raises UsageError for another record, RefusalError for one that did nothing."""
    done: dict[str, tuple[int, int, int]] = {}
    for name in names:
        runs = 0
        for run in _runs(results_dir, name):
            if run.result is None or run.verdict.status != "valid":
                continue
            writes = {t.name for t in run.scenario.transactions if t.writes}
            reads = sum(t.count for t in run.result.transactions if t.name not in writes)
            before = done.get(run.scenario.name, (0, 0, 0))
            done[run.scenario.name] = (before[0] + reads, before[1] + run.result.count, before[2] + 1)
            runs += run.result.count > 0
        if not runs:
            missing = f"{name}: a valid run that carried out transactions"
            raise RefusalError(Refusal("no_valid_runs", missing, "name another run, or run it again"))
    return tuple(
        RunReads(
            scenario,
            share_interval(reads / count, count, LEVEL),
            f"{counted(count, 'transaction')} of {counted(runs, 'run')} of {scenario}: our own load",
        )
        for scenario, (reads, count, runs) in done.items()
    )


def _runs(results_dir: Path, name: str) -> Iterator[RunRecord]:
    path = store.resolve(results_dir, name)
    kind = store.kind_of(path)
    if kind == "run":
        yield documents.parse(RunRecord, path.read_bytes(), str(path))
    elif kind == "sweep":
        yield from runs_of(documents.parse(SweepRecord, path.read_bytes(), str(path)), path)
    else:
        raise UsageError(f"{path} is a {kind}; give runs and sweeps")
