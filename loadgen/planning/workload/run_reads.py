"""Share of a scenario's transactions that only read, from its runs.

It describes this tool's own load and is never a measurement of production.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from capacity.formatting import counted
from capacity.uncertainty import share_interval
from capacity.values import LEVEL, Interval, Refusal
from loadgen.errors import RefusalError, UsageError
from loadgen.planning.demands import runs_of
from loadgen.runs import documents, store
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepRecord


@dataclass(frozen=True, slots=True)
class RunReads:
    """Share of one scenario's transactions that only read.

    Users draw transactions independently, so it is binomial in each run; overdispersion between runs (Pearson's χ² over
    its degrees of freedom, where above 1) divides the number of transactions.
    """

    scenario: str
    share: Interval
    source: str


def run_reads(results_dir: Path, names: Sequence[str]) -> tuple[RunReads, ...]:
    """Estimate reading shares by scenario from runs and sweeps; a run named twice, or with its sweep, counts once.

    Raises UsageError for another record, RefusalError for one without transactions, or with only some of its scenario.
    """
    runs: dict[str, RunRecord] = {}
    for name in names:
        found = [run for run in _runs(results_dir, name) if run.verdict.status == "valid" and run.result]
        if any(run.schedule.only for run in found):
            missing = f"{name}: a run of all transactions of its scenario"
            raise RefusalError(Refusal("restricted_run", missing, "give a run without --only"))
        if not any(run.result and run.result.count for run in found):
            missing = f"{name}: a valid run that carried out transactions"
            raise RefusalError(Refusal("no_valid_runs", missing, "give another run, or run it again"))
        runs |= {run.id: run for run in found}
    by_scenario: dict[str, list[tuple[int, int]]] = {}
    for run in runs.values():
        if run.result is not None and run.result.count:
            writes = {t.name for t in run.scenario.transactions if t.writes}
            reads = sum(t.count for t in run.result.transactions if t.name not in writes)
            by_scenario.setdefault(run.scenario.name, []).append((reads, run.result.count))
    return tuple(_of(scenario, counts) for scenario, counts in by_scenario.items())


def _of(scenario: str, counts: Sequence[tuple[int, int]]) -> RunReads:
    """Reading share from ``counts``: reading and all transactions of each run."""
    total = sum(count for _, count in counts)
    share = sum(reads for reads, _ in counts) / total
    scatter = 1.0
    if len(counts) > 1 and 0 < share < 1:
        squares = sum((reads - count * share) ** 2 / count for reads, count in counts)
        scatter = max(squares / (share * (1 - share)) / (len(counts) - 1), 1.0)
    source = f"{total:,} transactions of {counted(len(counts), 'run')} of {scenario}: our own load"
    return RunReads(scenario, share_interval(share, total / scatter, LEVEL), source)


def _runs(results_dir: Path, name: str) -> Iterator[RunRecord]:
    path = store.resolve(results_dir, name)
    kind = store.kind_of(path)
    if kind == "run":
        yield documents.read(RunRecord, path)
    elif kind == "sweep":
        yield from runs_of(documents.read(SweepRecord, path), path)
    else:
        raise UsageError(f"{path} is a {kind}; give runs and sweeps")
