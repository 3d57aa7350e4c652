"""Workload block from measurements: request rates, a profile's statements, runs; other entries stay unchanged.

Runs of this tool show which of a scenario's transactions read; how often production executes them, and when, only
production's own counts show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from capacity.formatting import counted
from capacity.values import Input, Interval, Origin
from capacity.workload import UNITS, MixShare
from loadgen.errors import UsageError
from loadgen.planning.workload.production_mix import ProductionMix
from loadgen.planning.workload.request_rates import MeasuredPeak
from loadgen.planning.workload.run_reads import RunReads
from loadgen.planning.workload.workload_file import READ_SHARE_UNIT, SHARE_UNIT, Block
from loadgen.planning.workload.workload_toml import to_toml
from loadgen.runs import documents, store
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.sweep import SweepRecord

WORKLOAD_FORMAT: Final = "loadgen.workload/1"
OTHER_MIX: Final = 0.02
"""Difference between reading shares of production and scenario above which a note says so (assumption: below it the
work of a transaction is the same)."""
_SIGNIFICANT: Final = 6
"""Significant digits of a measured value in the file, more than any count has."""
_DIGITS: Final = 6
"""Decimals of a share in the file; shares must sum to 1 to as many."""


@dataclass(frozen=True)
class Entry:
    """One number of the block. ``low`` to ``high`` holds the true value with a probability of 0.9."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    origin: Origin
    source: str


@dataclass(frozen=True)
class PeakAnswer:
    """Peak to mean of the busiest bucket and of the busiest second, and the counts that it is from."""

    bucket: Interval
    second: Interval
    bucket_s: float
    mean_requests_per_s: float
    first_day: str
    last_day: str
    days: int
    left_out_days: int
    rows: int
    unordered: int
    zone: Literal["UTC", "given"]
    """``UTC`` if the times have no time zone and were read as UTC."""


@dataclass(frozen=True)
class StatementsAnswer:
    """Basis of the mix. ``counted`` has transactions by kind over ``days``."""

    counted: dict[str, Interval]
    explained: float
    users: int
    days: float


@dataclass(frozen=True)
class WorkloadAnswer:
    """Document ``loadgen.workload/1``: the block with the origin of each number, and the same as TOML."""

    entries: tuple[Entry, ...]
    events: int
    peak: PeakAnswer | None
    statements: StatementsAnswer | None
    notes: tuple[str, ...]
    file: str | None
    toml: str
    format: Literal["loadgen.workload/1"] = WORKLOAD_FORMAT


def measured_block(
    base: Block, peak: MeasuredPeak | None, mix: ProductionMix | None, runs: Sequence[RunReads] = ()
) -> Block:
    """Replace entries of ``base`` by measured ones. Raises UsageError for runs of a scenario that it does not have."""
    workload = base.workload
    if peak is not None:
        ratio = _rounded(peak.peak.second)
        entry = Input("peak_to_mean", ratio, UNITS["peak_to_mean"], peak.origin, peak.in_words)
        workload = replace(workload, peak_to_mean=entry)
    if mix is not None:
        rate = Input(
            "transactions_per_user_day",
            _rounded(mix.per_user_day),
            UNITS["transactions_per_user_day"],
            mix.origin,
            mix.in_words,
        )
        workload = replace(workload, transactions_per_user_day=rate, mix=_mix(mix))
    for one in runs:
        if one.scenario not in {share.scenario for share in workload.mix}:
            raise UsageError(
                f"runs of {one.scenario!r}: the mix has no such scenario; give one that has it with --base"
            )
        entry = Input(f"read_share.{one.scenario}", _rounded(one.share), READ_SHARE_UNIT, Origin.SYNTHETIC, one.source)
        given = tuple(replace(m, read_share=entry) if m.scenario == one.scenario else m for m in workload.mix)
        workload = replace(workload, mix=given)
    return Block(workload, base.policy)


def _mix(found: ProductionMix) -> tuple[MixShare, ...]:
    middles = _summing_to_one([use.share.value for use in found.scenarios.values()])
    shares = []
    for (name, use), middle in zip(found.scenarios.items(), middles, strict=True):
        ends = _rounded(use.share)
        share = Interval(min(ends.low, middle), middle, max(ends.high, middle), ends.level)
        reads = None
        if use.read_share is not None:
            reads = Input(f"read_share.{name}", _rounded(use.read_share), READ_SHARE_UNIT, found.origin, found.in_words)
        shares.append(MixShare(name, Input(f"mix.{name}", share, SHARE_UNIT, found.origin, found.in_words), reads))
    return tuple(shares)


def _rounded(value: Interval) -> Interval:
    low, middle, high = (float(f"{end:.{_SIGNIFICANT}g}") for end in (value.low, value.value, value.high))
    return Interval(low, middle, high, value.level)


def _summing_to_one(shares: Sequence[float]) -> list[float]:
    rounded = [round(share, _DIGITS) for share in shares]
    largest = max(range(len(rounded)), key=rounded.__getitem__)
    rounded[largest] = round(rounded[largest] + 1 - sum(rounded), _DIGITS)
    return rounded


def notes_of(peak: MeasuredPeak | None, mix: ProductionMix | None, runs: Sequence[RunReads] = ()) -> tuple[str, ...]:
    """Return what a reader of the block must know, one line each."""
    notes = []
    if runs:
        notes.append(
            "Runs have a synthetic load: they show only which of a scenario's transactions read. Sessions, "
            "transactions per user, the mix of scenarios and the ratio of peak to mean need --profile and --requests."
        )
    if peak is not None:
        notes.append("Assumed: a request causes as many transactions at the peak as on average.")
        if (peak.last - peak.first).days < 365:
            notes.append(
                f"The counts cover less than a year, {peak.first} to {peak.last}: describe a season or campaign "
                "outside it as an event."
            )
        if peak.unordered:
            notes.append(f"{counted(peak.unordered, 'row')} of {peak.source} were out of order and were sorted.")
        if peak.zone == "UTC":
            notes.append(f"Times of {peak.source} have no time zone; UTC is assumed.")
        if peak.origin is not Origin.MEASURED:
            notes.append(
                f"{peak.source} declares its numbers as {_said(peak.origin)}, not as a measurement of production."
            )
    if mix is not None:
        notes.append(
            f"Transactions per user and day are the mean of {mix.days:g} days; their interval does not include the "
            "difference to other months."
        )
        if mix.explained < 0.9995:
            notes.append(
                f"{1 - mix.explained:.0%} of the statements' calls belong to no scenario; they count as transactions "
                "like the others, except at the low end of the interval."
            )
        for name, use in mix.scenarios.items():
            reads = use.read_share
            if reads is not None and not reads.low - OTHER_MIX <= use.described_read_share <= reads.high + OTHER_MIX:
                notes.append(
                    f"{name}: {reads.value:.0%} of production's transactions only read, {use.described_read_share:.0%} "
                    "of the scenario's: its capacity was measured on a different mix from production."
                )
        if mix.origin is Origin.SYNTHETIC:
            notes.append(f"{mix.source} describes a database that this tool filled: a synthetic load, not production.")
    return tuple(notes)


def _said(origin: Origin) -> str:
    return "assumptions" if origin is Origin.ASSUMPTION else "synthetic"


def workload_answer(
    block: Block, peak: MeasuredPeak | None, mix: ProductionMix | None, runs: Sequence[RunReads] = ()
) -> WorkloadAnswer:
    """Make the document, with the text of the file in it."""
    notes = notes_of(peak, mix, runs)
    inputs = (*block.workload.inputs, *block.policy.inputs)
    return WorkloadAnswer(
        entries=tuple(
            Entry(i.name, i.value.value, i.value.low, i.value.high, i.unit, i.origin, i.source) for i in inputs
        ),
        events=len(block.workload.events),
        peak=None if peak is None else _peak_answer(peak),
        statements=None if mix is None else StatementsAnswer(mix.by_transaction, mix.explained, mix.users, mix.days),
        notes=notes,
        file=None,
        toml=to_toml(block, notes),
    )


def _peak_answer(found: MeasuredPeak) -> PeakAnswer:
    peak = found.peak
    return PeakAnswer(
        bucket=peak.ratio,
        second=peak.second,
        bucket_s=peak.bucket_s,
        mean_requests_per_s=peak.mean_per_s,
        first_day=found.first.isoformat(),
        last_day=found.last.isoformat(),
        days=peak.days,
        left_out_days=peak.left_out_days,
        rows=found.rows,
        unordered=found.unordered,
        zone=found.zone,
    )


def described_by(results_dir: Path, names: Sequence[str]) -> tuple[ScenarioDescription, ...]:
    """Return the scenarios of runs and sweeps, each as in the last record. Raises UsageError for another record."""
    found: dict[str, ScenarioDescription] = {}
    for name in names:
        path = store.resolve(results_dir, name)
        kind = store.kind_of(path)
        if kind == "run":
            scenario = documents.read(RunRecord, path).scenario
        elif kind == "sweep":
            scenario = documents.read(SweepRecord, path).scenario
        else:
            raise UsageError(f"{path} is a {kind}; give runs and sweeps")
        found[scenario.name] = scenario
    return tuple(found.values())
