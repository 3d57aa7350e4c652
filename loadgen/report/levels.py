"""A sweep read level by level, for its table and its charts."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from capacity.values import Interval
from loadgen.runs.format.latency import PERCENTILES, Latency
from loadgen.runs.format.sweep import SweepPoint, SweepRecord
from loadgen.runs.format.verdict import Reason

MET = 0.95
"""Probability from which an objective counts as met (see ``CapacityAnswer``)."""


@dataclass(frozen=True, slots=True)
class Level:
    """Means and ranges over the valid runs of one level; None without a value of any."""

    level: int
    runs: int
    excluded: int
    throughput_tps: Interval | None
    response_ms: Interval | None
    """Response time at the objective's percentile, in ms."""
    error_share: float | None
    server_cpu_cores: float | None
    met_probability: float | None

    @property
    def met(self) -> bool | None:
        return None if self.met_probability is None else self.met_probability >= MET


def levels(sweep: SweepRecord) -> tuple[Level, ...]:
    """Summarise every level in order, with or without valid runs."""
    return tuple(_level(sweep, level) for level in sorted(sweep.levels))


def excluded(sweep: SweepRecord) -> tuple[SweepPoint, ...]:
    """Runs that are shown but not used, in order of running."""
    return tuple(sorted((p for p in sweep.points if p.verdict.status != "valid"), key=lambda p: p.order))


def limits(sweep: SweepRecord) -> tuple[Reason, ...]:
    """Notes of the valid runs, the first of each kind."""
    notes = [note for point in sweep.points if point.verdict.status == "valid" for note in point.verdict.notes]
    return tuple({note.code: note for note in reversed(notes)}[code] for code in dict.fromkeys(n.code for n in notes))


def percentile_of(latency: Latency | None, percentile: float) -> Interval | None:
    """Look up a recorded percentile; None where it was not recorded or had too few observations."""
    return latency.percentile_ms(percentile) if latency is not None and percentile in PERCENTILES else None


def _level(sweep: SweepRecord, level: int) -> Level:
    of_level = [point for point in sweep.points if point.level == level]
    valid = [point for point in of_level if point.verdict.status == "valid"]
    rates = [point.throughput_tps.value for point in valid if point.throughput_tps]
    percentile = sweep.objective.percentile
    responses = [response.value for point in valid if (response := percentile_of(point.response, percentile))]
    errors = [point.error_share for point in valid if point.error_share is not None]
    cores = [point.server_cpu_cores for point in valid if point.server_cpu_cores is not None]
    return Level(
        level=level,
        runs=len(valid),
        excluded=len(of_level) - len(valid),
        throughput_tps=_range(rates),
        response_ms=_range(responses),
        error_share=max(errors, default=None),
        server_cpu_cores=fmean(cores) if cores else None,
        met_probability=sweep.capacity.met_probability.get(level) if sweep.capacity else None,
    )


def _range(values: list[float]) -> Interval | None:
    # By rounding, the mean of equal values may differ from them in the last bit.
    return Interval(low := min(values), min(max(fmean(values), low), high := max(values)), high) if values else None
