"""Part of benchmarks/engine.py: the highest rate at which arrivals are sent in time, by bisection of noisy runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Final

from benchmarks.bench import say
from benchmarks.engine_sides import Load, Run

IN_TIME_MS: Final = 1.0
"""The 99th percentile of lag stays below."""
LEAST_TPS: Final = 50.0
"""Not sought below: thirty seconds of it hold just enough arrivals for a 99th percentile."""
_ARRIVALS: Final = 1500
_LONGEST_S: Final = 30


def highest_rate(side: str, make: Callable[[Load], Run], load: Load, most_tps: float, steps: int) -> dict[str, object]:
    """Between :data:`LEAST_TPS` and ``most_tps``; a rate is met if two runs of three are in time.

    The answer is the highest rate that was met, None where none was, and everything that was tried.
    """
    met_tps: float | None = None
    low, high = LEAST_TPS, most_tps
    tried: list[dict[str, object]] = []
    for step in range(steps):
        rate = round(math.sqrt(low * high)) if step else round(high / 2)
        runs: list[Run] = []
        while not _decided(runs):
            runs.append(make(replace(load, rate=rate, measure_s=_long_enough(load, rate))))
        met = sum(map(_in_time, runs)) >= 2
        low, high = (rate, high) if met else (low, rate)
        met_tps = max(met_tps or 0.0, rate) if met else met_tps
        tried += [{"rate": rate, **asdict(run)} for run in runs]
        lags = ", ".join("unknown" if run.lag_p99_ms is None else f"{run.lag_p99_ms:.2f}" for run in runs)
        say(f"  {side}, {load.mode}: {rate:,} tps: p99 of lag {lags} ms: {'in time' if met else 'late'}")
    say(f"{side}, {load.mode}: {met_tps or 'none'} tps is the highest rate with p99 of lag under {IN_TIME_MS:g} ms")
    return {"highest_tps": met_tps, "tried": tried}


def _in_time(run: Run) -> bool:
    return run.lag_p99_ms is not None and run.lag_p99_ms < IN_TIME_MS


def _decided(runs: list[Run]) -> bool:
    """Two that agree."""
    return max(sum(map(_in_time, runs)), sum(not _in_time(run) for run in runs)) >= 2


def _long_enough(load: Load, rate: float) -> int:
    return min(max(load.measure_s, math.ceil(_ARRIVALS / rate)), _LONGEST_S)
