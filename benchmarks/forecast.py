"""How good growth forecasts are, on public series and on simulated ones, beside two peers in the same run.

    python -m benchmarks.forecast tuning      the two thirds of the public series that the method was tuned on
    python -m benchmarks.forecast untouched   the third that was not looked at until the method stood
    python -m benchmarks.forecast simulated   every family with noise, season, a level shift, an outlier
    python -m benchmarks.forecast --calibrate what the constants of the intervals do, on the tuning part

Series: forecast/series.csv (see forecast_series.py). A series is untouched when crc32 of its name is divisible by 3.
Horizons: 18 months, 8 quarters, 6 years. Origins: up to six, half a horizon apart, the last at the end less the
horizon, each with at least 14 values and a horizon behind it; histories of the latest 36 values ("short") and, where
there are more, of up to 160 ("long"). Level 0.9.

Peers, both by statsmodels 0.15 (``pip install statsmodels==0.15.0`` beside numpy and scipy, in a throw-away place):
damped smoothing with plain rolling conformal bands (ten origins, a quantile per horizon), without season and with
additive season where two seasons are known. And the last year's drift carried on, which has no band.

Scores, each per case (series, form, history, origin): MASE, the mean absolute error over all horizons in mean absolute
one-step changes of the history; Winkler's interval score in the same unit; share of values inside. Coverage has a 90 %
interval from a bootstrap of whole series, both forms of one together.

Run it with ``OMP_NUM_THREADS=1``: its processes share the cores already. Raw scores of every case lie beside the
series, one file a part, with the summary that is printed.
"""

from __future__ import annotations

import argparse
import csv
import json
import warnings
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from capacity.arrays import Floats
from capacity.growth import Forecast, forecast, intervals
from capacity.values import LEVEL

Band = tuple[Floats, Floats, Floats]

HERE = Path(__file__).parent / "forecast"
HORIZON = {12: 18, 4: 8, 1: 6}
FAMILIES = ("random walk", "linear", "exponential", "logistic", "Gompertz", "damped", "cumulated", "stationary")
VARIANTS = ("plain", "season", "shift", "outlier")
SIMULATED_SEED, SIMULATED_REPEATS = 2026, 10


@dataclass(frozen=True)
class Case:
    cluster: str
    name: str
    form: str
    season: int
    history: Floats
    future: Floats


def public(untouched: bool) -> Iterator[Case]:
    with (HERE / "series.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if (zlib.crc32(row["series"].encode()) % 3 == 0) != untouched:
            continue
        values = np.array(row["values"].split(), dtype=np.float64)
        season = int(row["periods_a_year"])
        horizon = HORIZON[season]
        ends = [len(values) - horizon - i * max(1, horizon // 2) for i in range(6)]
        for length, kept in (("short", 36), ("long", 160)):
            for end in ends:
                if end < max(14, horizon) or (length == "long" and end <= 36):
                    continue
                name, form = f"{row['series']}@{end}", f"{row['form']}/{length}"
                yield Case(
                    row["series"], name, form, season, values[max(0, end - kept) : end], values[end : end + horizon]
                )


def simulated() -> Iterator[Case]:
    for family in FAMILIES:
        for variant in VARIANTS:
            for i in range(SIMULATED_REPEATS):
                rng = np.random.default_rng([SIMULATED_SEED, zlib.crc32(f"{family}{variant}".encode()), i])
                count, horizon = int(rng.choice([24, 36, 48, 60])), int(rng.choice([12, 18]))
                values = _changed(_family(family, rng, count, count + horizon), variant, rng, count)
                values = np.maximum(values, 1.0)
                name = f"{family}/{variant}/{i}"
                yield Case(name, name, f"{family}/{variant}", 12, values[:count], values[count:])


def _family(family: str, rng: np.random.Generator, count: int, length: int) -> Floats:
    t, noise = np.arange(length), rng.standard_normal(length)
    middle, speed = count * rng.uniform(0.3, 0.8), rng.uniform(4, 10) / count
    match family:
        case "random walk":
            made = 1000 + np.cumsum(20 * rng.uniform(0.2, 1.5) + 30 * noise)
        case "linear":
            made = 500 + 20 * t * rng.uniform(0.3, 2) + rng.uniform(10, 60) * noise
        case "exponential":
            made = 300 * np.exp(rng.uniform(0.01, 0.05) * t + rng.uniform(0.01, 0.06) * noise)
        case "logistic":
            made = 5000 / (1 + np.exp(-speed * (t - middle))) * (1 + rng.uniform(0.005, 0.03) * noise)
        case "Gompertz":
            made = 5000 * np.exp(-np.exp(-0.6 * speed * (t - 0.8 * middle))) * (1 + rng.uniform(0.005, 0.03) * noise)
        case "damped":
            made = _damped_walk(rng, noise)
        case "cumulated":
            made = 500 + np.cumsum(100 * np.exp(np.cumsum(0.08 * noise) + rng.uniform(0, 0.02) * t))
        case _:
            made = 1000 + 60 * _persistent(noise)
    return np.asarray(made)


def _persistent(noise: Floats) -> Floats:
    values = np.zeros(len(noise))
    for i in range(1, len(noise)):
        values[i] = 0.6 * values[i - 1] + noise[i]
    return values


def _damped_walk(rng: np.random.Generator, noise: Floats) -> Floats:
    level, trend, values = 1000.0, 20.0, np.empty(len(noise))
    phi, alpha, beta = rng.uniform(0.85, 0.98), rng.uniform(0.3, 1), rng.uniform(0.05, 0.3)
    for i, error in enumerate(15 * noise):
        values[i] = level + phi * trend + error
        level, trend = level + phi * trend + alpha * error, phi * trend + beta * error
    return values


def _changed(values: Floats, variant: str, rng: np.random.Generator, count: int) -> Floats:
    t, values = np.arange(len(values)), values.copy()
    if variant == "season":
        wave = rng.uniform(0.05, 0.25) * np.sin(2 * np.pi * t / 12 + rng.uniform(0, 6))
        values *= 1 + wave + 0.05 * np.cos(4 * np.pi * t / 12)
    elif variant == "shift":
        at, sign = rng.integers(count // 3, count - 4), rng.choice([-1, 1])
        values[at:] += sign * rng.uniform(0.2, 0.4) * np.ptp(values[:count])
    elif variant == "outlier":
        values[rng.integers(4, count - 4)] *= rng.choice([0.5, 1.7])
    return values


# --- the methods --------------------------------------------------------------------------------------------------


def ours(case: Case) -> Band | None:
    answer = forecast(case.history, len(case.future), LEVEL, season=case.season)
    return _band(answer) if isinstance(answer, Forecast) else None


def ours_numbered(case: Case) -> Band | None:
    """As from a file of numbered periods, which does not say what a period is."""
    answer = forecast(case.history, len(case.future), LEVEL)
    return _band(answer) if isinstance(answer, Forecast) else None


def _band(answer: Forecast) -> Band:
    low, point, high = np.array([(p.low, p.point, p.high) for p in answer.forecast]).T
    return point, low, high


def last_season_drift(case: Case) -> Band:
    span = min(12, len(case.history) - 1)
    step = (case.history[-1] - case.history[-1 - span]) / span
    point = case.history[-1] + step * np.arange(1, len(case.future) + 1)
    return point, point, point


def damped(case: Case) -> Band:
    return _rolling(case, 1)


def damped_seasonal(case: Case) -> Band:
    return _rolling(case, case.season)


def _rolling(case: Case, season: int) -> Band:
    values, horizon = case.history, len(case.future)
    first = max(8, len(values) // 2)
    origins = np.unique(np.linspace(first, len(values) - 1, min(10, len(values) - first)).astype(int))
    errors = np.full((len(origins), horizon), np.nan)
    for row, origin in enumerate(origins):
        later = values[origin : origin + horizon]
        errors[row, : len(later)] = np.abs(later - _smoothing(values[:origin], horizon, season)[: len(later)])
    width = np.zeros(horizon)
    for h in range(horizon):
        seen = np.sort(errors[~np.isnan(errors[:, h]), h])
        width[h] = seen[min(int(np.ceil((len(seen) + 1) * LEVEL)), len(seen)) - 1] if len(seen) else width[h - 1]
    point = _smoothing(values, horizon, season)
    return point, point - width, point + width


def _smoothing(values: Floats, horizon: int, season: int) -> Floats:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seasonal = {"seasonal": "add", "seasonal_periods": season} if 1 < season <= (len(values) - 2) / 2 else {}
        fitted = ExponentialSmoothing(values, trend="add", damped_trend=True, **seasonal).fit()
        return np.asarray(fitted.forecast(horizon), dtype=np.float64)


METHODS: dict[str, Callable[[Case], Band | None]] = {
    "ours": ours,
    "ours, numbered": ours_numbered,
    "last-season drift": last_season_drift,
    "damped": damped,
    "damped, seasonal": damped_seasonal,
}
BANDLESS = {"last-season drift"}


# --- scores -------------------------------------------------------------------------------------------------------


def scored(case: Case) -> dict[str, tuple[float, float, float] | None]:
    """MASE, Winkler score and share inside by method; None: no interval was given."""
    unit = float(np.abs(np.diff(case.history)).mean())
    scores: dict[str, tuple[float, float, float] | None] = {}
    for name, method in METHODS.items():
        band = method(case)
        if band is None:
            scores[name] = None
            continue
        point, low, high = band
        mase = float(np.abs(case.future - point).mean()) / unit
        if name in BANDLESS:
            scores[name] = (mase, np.nan, np.nan)
            continue
        missed = np.maximum(low - case.future, 0) + np.maximum(case.future - high, 0)
        winkler = float((high - low + 2 / (1 - LEVEL) * missed).mean()) / unit
        scores[name] = (mase, winkler, float(np.mean(missed <= 0)))
    return scores


def clustered(shares: dict[str, list[float]], draws: int = 4000) -> tuple[float, float, float]:
    """Mean over cases with the central 90 % of a bootstrap of clusters."""
    sums = np.array([(sum(values), len(values)) for values in shares.values()])
    chosen = np.random.default_rng(1).integers(0, len(sums), (draws, len(sums)))
    means = sums[chosen, 0].sum(axis=1) / sums[chosen, 1].sum(axis=1)
    low, high = np.quantile(means, [0.05, 0.95])
    return float(sums[:, 0].sum() / sums[:, 1].sum()), float(low), float(high)


def summary(cases: list[Case], scores: list[dict[str, tuple[float, float, float] | None]]) -> dict[str, object]:
    """Over the cases that we answered: medians over cases, and over series of their means."""
    both = list(zip(cases, scores, strict=True))
    answered = [(case, score) for case, score in both if score["ours"] and score["ours, numbered"]]
    unanswered = {case.cluster for case, score in both if not (score["ours"] and score["ours, numbered"])}
    clusters = {case.cluster for case in cases}
    made: dict[str, object] = {
        "cases": len(cases),
        "series": len(clusters),
        "answered_share": round(len(answered) / len(cases), 4),
        "series_answered_at_every_origin": len(clusters - unanswered),
    }
    for method in METHODS:
        got = [(case, found) for case, score in answered if (found := score[method])]
        table = np.array([found for _, found in got])
        by_series: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        for case, found in got:
            by_series[case.cluster].append(found)
        series = np.array([np.mean(values, axis=0) for values in by_series.values()])
        accuracy = {
            "median_mase": round(float(np.median(table[:, 0])), 3),
            "median_mase_over_series": round(float(np.median(series[:, 0])), 3),
        }
        made[method] = accuracy
        if method in BANDLESS:
            continue
        coverage = clustered({k: [v[2] for v in values] for k, values in by_series.items()})
        made[method] = accuracy | {
            "median_winkler": round(float(np.median(table[:, 1])), 2),
            "median_winkler_over_series": round(float(np.median(series[:, 1])), 2),
            "coverage": [round(c, 3) for c in coverage],
        }
    return made


def run(part: str, processes: int) -> None:
    cases = list(simulated() if part == "simulated" else public(part == "untouched"))
    with Pool(processes) as pool:
        scores = pool.map(scored, cases, chunksize=8)
    with (HERE / f"{part}.csv").open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("series", "origin", "form", "horizon", "values", "method", "mase", "winkler", "inside"))
        for case, score in zip(cases, scores, strict=True):
            for method, found in score.items():
                numbers = ["" if np.isnan(v) else f"{v:.4g}" for v in found] if found else ["", "", ""]
                out.writerow(
                    (case.cluster, case.name, case.form, len(case.future), len(case.history), method, *numbers)
                )
    made: dict[str, object] = {"part": part, "all": summary(cases, scores)}
    groups = {case.form.split("/")[0] for case in cases} | {case.form.split("/")[1] for case in cases}
    for group in sorted(groups):
        chosen = [i for i, case in enumerate(cases) if group in case.form.split("/")]
        made[group] = summary([cases[i] for i in chosen], [scores[i] for i in chosen])
    text = json.dumps(made, indent=1)
    (HERE / f"{part}.json").write_text(text + "\n")
    print(json.dumps(made["all"], indent=1))


# --- calibration --------------------------------------------------------------------------------------------------

SETTINGS = [
    {"MATURITY": m, "NU_BASE": base, "NU_PER_BLOCK": per, "NU_MOST": most}
    for m, base, per, most in (
        (3.0, 3.0, 2.0, 8.0),
        (0.0, 3.0, 2.0, 8.0),
        (2.0, 3.0, 2.0, 8.0),
        (5.0, 3.0, 2.0, 8.0),
        (3.0, 2.0, 2.0, 8.0),
        (3.0, 5.0, 2.0, 8.0),
        (3.0, 3.0, 1.0, 8.0),
        (3.0, 3.0, 2.0, 5.0),
        (3.0, 3.0, 2.0, 20.0),
        (3.0, 1e6, 0.0, 1e6),
    )
]


def calibrate() -> None:
    """Coverage and median Winkler score of the tuning part by setting; the first is the one in use."""
    cases = [case for i, case in enumerate(public(untouched=False)) if i % 2 == 0]
    with (HERE / "calibration.csv").open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow((*SETTINGS[0], "coverage", "coverage_under_3_horizons", "median_winkler"))
        for setting in SETTINGS:
            for name, value in setting.items():
                setattr(intervals, name, value)
            rows = []
            for case in cases:
                if (band := ours(case)) is not None:
                    unit, (_, low, high) = float(np.abs(np.diff(case.history)).mean()), band
                    missed = np.maximum(low - case.future, 0) + np.maximum(case.future - high, 0)
                    winkler = float((high - low + 2 / (1 - LEVEL) * missed).mean()) / unit
                    rows.append((np.mean(missed <= 0), len(case.history) < 3 * len(case.future), winkler))
            table = np.array(rows)
            line = (table[:, 0].mean(), table[table[:, 1] == 1, 0].mean(), np.median(table[:, 2]))
            out.writerow((*setting.values(), *(f"{v:.3f}" for v in line)))
            print(setting, [round(float(v), 3) for v in line], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=("tuning", "untouched", "simulated"))
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    if given.calibrate:
        calibrate()
    elif given.part:
        run(given.part, given.processes)
    else:
        parser.error("name a part, or --calibrate")


if __name__ == "__main__":
    main()
