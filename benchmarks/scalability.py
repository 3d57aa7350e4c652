"""Whether throughput and p95 at levels that were left out are what the fit to the other levels says.

    python -m benchmarks.scalability          sweep both scenarios, then judge: about 12 minutes on a quiet machine
    python -m benchmarks.scalability judge    judge the sweeps that are kept, without a server

Both scenarios are swept with busy connections on a server of its own, each level three times in randomised blocks. Each
inner level in turn is left out: throughput there is predicted by the law that the others follow, bent to where they lie
(``capacity.scalability.fit_sweep``), p95 by the curve through the others (``capacity.latency.latency_curve``). The
error is against the geometric mean of the runs that were left out; coverage is the share of those runs inside of the
interval for a further run. Raw output: scalability/, the sweeps as recorded and predictions.csv.
"""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Annotated, Final, Literal

import orjson
import typer

from benchmarks.bench import HERE, database, facts, keep, say, server, settle
from capacity.latency import latency_curve
from capacity.scalability import fit_sweep
from capacity.values import LEVEL, Interval, Refusal
from loadgen.database.target import Target
from loadgen.planning.latencies import latency_runs
from loadgen.planning.sweeps import read_sweep, swept_scenario
from loadgen.runs.format.sweep import SweepRecord

RAW: Final = HERE / "scalability"
SCENARIOS: Final = ("dashboard", "montecarlo")
LEVELS: Final = (1, 2, 3, 4, 6, 8, 12, 16)
REPEATS: Final = 3
USERS: Final = 5000
WANTED: Final = {"throughput": 0.05, "p95": 0.20}
"""Most median error over the levels left out."""

Figure = Literal["throughput", "p95"]
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Prediction:
    """One level that was left out: what was said of it and what its runs were."""

    scenario: str
    figure: Figure
    level: int
    predicted: float
    low: float
    high: float
    measured: float
    runs: int
    inside: int

    @property
    def error(self) -> float:
        return abs(self.predicted / self.measured - 1)


@app.callback(invoke_without_command=True)
def measure(
    context: typer.Context,
    duration: Annotated[int, typer.Option(min=2, max=120, help="Seconds of each run's window.")] = 9,
) -> None:
    """Sweep, keep, judge."""
    if context.invoked_subcommand is not None:
        return
    RAW.mkdir(exist_ok=True)
    with server() as of, database(of) as target:
        about = facts(target)
        _loadgen(target, "seed", "--users", str(USERS), "--seed", "1")
        for scenario in SCENARIOS:
            settle(target)
            _sweep(target, scenario, duration)
    judged(about | {"duration_s": duration, "users": USERS})


@app.command()
def judge() -> None:
    """Judge what is kept."""
    kept = orjson.loads((RAW / "summary.json").read_bytes()) if (RAW / "summary.json").exists() else {}
    judged(kept.get("about", {}))


def _sweep(target: Target, scenario: str, duration: int) -> None:
    with tempfile.TemporaryDirectory() as results:
        _loadgen(
            target, "sweep", scenario, "--levels", ",".join(map(str, LEVELS)), "--repeats", str(REPEATS),
            "--duration", f"{duration}s", "--warmup", "1s", "--ramp", "0.5s", "--objective", "p95=1s",
            "--results-dir", results,
        )  # fmt: skip
        (document,) = Path(results).glob("*/sweep.json")
        (RAW / f"{scenario}.json").write_bytes(document.read_bytes())


def _loadgen(target: Target, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "loadgen", *arguments], env=os.environ | target.environment(), check=True)


# --- judging ------------------------------------------------------------------------------------------------------


def judged(about: dict[str, object]) -> None:
    """Predict every inner level from the others, and say how far off that was."""
    predictions = [one for scenario in SCENARIOS for one in leave_out(read_sweep(RAW / f"{scenario}.json"))]
    with (RAW / "predictions.csv").open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow((*Prediction.__dataclass_fields__, "error"))
        for one in predictions:
            out.writerow([f"{v:.5g}" if isinstance(v, float) else v for v in (*asdict(one).values(), one.error)])
    found: dict[str, dict[str, object]] = {}
    for scenario in ("both", *SCENARIOS):
        found[scenario] = {
            figure: _summed([p for p in predictions if p.figure == figure and scenario in ("both", p.scenario)])
            for figure in WANTED
        }
    keep(RAW / "summary.json", {"about": about, **found})
    for scenario in ("both", *SCENARIOS):
        for figure, wanted in WANTED.items():
            say(f"{scenario:<11} {figure:<11} {found[scenario][figure]} wanted: median error {wanted:.0%}")


def leave_out(sweep: SweepRecord) -> list[Prediction]:
    """Of each inner level, both figures from the other levels."""
    repeats, latencies = swept_scenario(sweep).repeats, latency_runs(sweep, 95.0)
    found = []
    for level in sorted({r.level for r in repeats})[1:-1]:
        law = fit_sweep([r for r in repeats if r.level != level], LEVEL)
        curve = latency_curve([r for r in latencies if r.level != level], LEVEL)
        if isinstance(law, Refusal) or isinstance(curve, Refusal):
            raise SystemExit(f"{sweep.id}, without level {level}: {law if isinstance(law, Refusal) else curve}")
        runs = [r.throughput_tps for r in repeats if r.level == level]
        found.append(_compared(sweep, "throughput", level, law.predict(level), runs))
        runs = [r.response_ms for r in latencies if r.level == level]
        found.append(_compared(sweep, "p95", level, curve.predict_ms(level), runs))
    return found


def _compared(
    sweep: SweepRecord, figure: Figure, level: int, said: Interval | Refusal, runs: list[float]
) -> Prediction:
    assert isinstance(said, Interval)  # an inner level is within reach
    inside = sum(said.low <= run <= said.high for run in runs)
    measured = math.exp(fmean(map(math.log, runs)))
    return Prediction(sweep.scenario.name, figure, level, said.value, said.low, said.high, measured, len(runs), inside)


def _summed(predictions: list[Prediction]) -> dict[str, float]:
    errors = [p.error for p in predictions]
    return {
        "levels": len(predictions),
        "median_error": round(median(errors), 4),
        "worst_error": round(max(errors), 4),
        "coverage": round(sum(p.inside for p in predictions) / sum(p.runs for p in predictions), 3),
        "median_width": round(median((p.high - p.low) / p.predicted for p in predictions), 3),
    }


if __name__ == "__main__":
    app()
