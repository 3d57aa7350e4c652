"""Whether plans keep what they promise, on planted truth; and how long one takes.

    python -m benchmarks.planning planted --worlds 400   known demand, contention and growth; what came true
    python -m benchmarks.planning speed                  loadgen plan on stored sweeps, imports included

Planted: a world has two scenarios that follow the Universal Scalability Law, growth of one of four families, a workload
and a policy. The planner sees noisy sweeps of six levels in three blocks, 36 months of history, and 90 % intervals of
the rest that are off by an error of their own size. Every second world plans for a catalogue of seven servers instead
of the one measured. Counted: whether the truth at the horizon lies in the plan's intervals (replicas, load, pool), and
whether what the plan has in place on each date meets the objective in the world as it then is, beside the probability
that the plan had printed; of pools also the high end of the interval over the low one. A world whose history carries no
interval, or whose sweep no capacity, is a refusal. Intervals are Wilson's, 95 %. Raw output lies in planning/.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from benchmarks.planning_worlds import World, world
from capacity.arrays import Floats
from capacity.plan import Plan
from capacity.planner import make_plan
from capacity.targets import Server, measured_target

HERE = Path(__file__).parent / "planning"
FIELDS = (
    "seed", "target", "refused", "met", "printed", "throughout", "met_at_horizon", "met_dates", "met_throughout",
    "load_inside", "replicas_inside", "pool_inside", "pool_width", "stages", "cost", "cheapest",
)  # fmt: skip
WITHIN_S = 5.0


def judged(seed: int) -> dict[str, object]:
    """One world's row."""
    made = world(seed)
    row: dict[str, object] = dict.fromkeys(FIELDS, "") | {"seed": seed, "target": seed % 2, "refused": ""}
    if made is None:
        return row | {"refused": "history"}
    plan = make_plan(made.inputs)
    sizing = plan.sizing
    if sizing is None:
        return row | {"refused": plan.refused[0].refusal.code}
    measured = made.inputs.server.cores or 1
    servers = {s.name: s for s in made.inputs.target.servers} if made.inputs.target else {}
    met, cheapest = [], 0.0
    for index, at in enumerate(sizing.by_date):
        server = servers.get(at.server)
        needs = made.replicas(server, measured, True) if server else _alone(made)
        met.append(bool(needs[index] <= at.replicas))
    row |= {
        "met": int(sizing.met),
        "printed": round(sizing.probability, 4),
        "throughout": round(sizing.throughout, 4),
        "met_at_horizon": int(met[-1]),
        "met_dates": round(float(np.mean(met)), 4),
        "met_throughout": int(all(met)),
        "load_inside": int(sizing.need.low <= made.need <= sizing.need.high),
        "stages": len(sizing.stages),
        "cost": round(sizing.cost.value, 1),
        "cheapest": cheapest,
    }
    return row | _inside(made, plan, servers, measured)


def _alone(made: World) -> Floats:
    return made.replicas(measured_target(made.inputs.server).servers[0], 1, False)


def _inside(made: World, plan: Plan, servers: dict[str, Server], measured: int) -> dict[str, object]:
    """Whether the true optimum lies in the recommendations' intervals; empty where there is none."""
    found: dict[str, object] = {}
    reads = next(r for r in plan.recommendations if (r.kind, r.subject) == ("replicas", "reads"))
    last = plan.sizing.by_date[-1] if plan.sizing else None
    server = servers.get(last.server) if last else None
    truth = float((made.replicas(server, measured, True) if server else _alone(made))[-1])
    if math.isfinite(truth):
        found["replicas_inside"] = int(reads.at_horizon.low <= truth <= reads.at_horizon.high)
    pool = next((r for r in plan.recommendations if r.kind == "pool"), None)
    if pool is not None and not servers:
        found["pool_inside"] = int(pool.now.low <= made.pool <= pool.now.high)
        found["pool_width"] = round(pool.now.high / pool.now.low, 3)
    return found


def wilson(hits: int, of: int) -> dict[str, float]:
    """A share with its 95 % interval."""
    z, p = 1.96, hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return {"share": round(p, 4), "low": round(middle - half, 4), "high": round(middle + half, 4), "of": of}


def planted(worlds: int, first: int, processes: int) -> None:
    with Pool(processes) as pool:
        rows = list(pool.imap_unordered(judged, range(first, first + worlds), chunksize=4))
    rows.sort(key=lambda row: int(str(row["seed"])))
    HERE.mkdir(exist_ok=True)
    with (HERE / "planted.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, FIELDS, lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    answered = [row for row in rows if not row["refused"]]
    promised = [row for row in answered if row["met"]]
    summary: dict[str, object] = {
        "worlds": worlds,
        "refused": {code: sum(row["refused"] == code for row in rows) for code in {r["refused"] for r in rows} - {""}},
        "out_of_reach": len(answered) - len(promised),
    }
    for name in ("load_inside", "replicas_inside", "pool_inside"):
        known = [int(str(row[name])) for row in answered if row[name] != ""]
        summary[name] = wilson(sum(known), len(known))
    widths = [float(str(row["pool_width"])) for row in answered if row["pool_width"] != ""]
    summary["pool_width"] = round(statistics.median(widths), 3)
    for name in ("met_at_horizon", "met_throughout"):
        summary[name] = wilson(sum(int(str(row[name])) for row in promised), len(promised))
    summary["met_dates"] = round(statistics.fmean(float(str(row["met_dates"])) for row in promised), 4)
    summary["printed"] = round(statistics.fmean(float(str(row["printed"])) for row in promised), 4)
    summary["printed_throughout"] = round(statistics.fmean(float(str(row["throughout"])) for row in promised), 4)
    (HERE / "planted.json").write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary, indent=1))


def speed(rounds: int) -> None:
    """Wall clock and CPU of the command, in an empty directory with two stored sweeps and a history."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from sweep_samples import history_csv, store, sweep

    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        store(place / "results", sweep("dashboard"))
        store(place / "results", sweep("montecarlo", writes=10, single_tps=60))
        history_csv(place / "history.csv", rows=36)
        kinds: dict[str, Sequence[str]] = {"measured": (), "neon": ("--target", "neon")}
        found = {name: [_timed(place, extra) for _ in range(rounds)] for name, extra in kinds.items()}
    made = {
        name: {
            "wall_s": [round(wall, 2) for wall, _ in times],
            "cpu_s": [round(cpu, 2) for _, cpu in times],
            "median_wall_s": round(statistics.median(wall for wall, _ in times), 2),
            "within_s": WITHIN_S,
        }
        for name, times in found.items()
    }
    HERE.mkdir(exist_ok=True)
    (HERE / "speed.json").write_text(json.dumps({"cores": os.cpu_count(), **made}, indent=1) + "\n")
    print(json.dumps(made, indent=1))


def _timed(place: Path, extra: Sequence[str]) -> tuple[float, float]:
    command = [sys.executable, "-m", "loadgen", "plan", "--history", "history.csv", "--results-dir", "results", *extra]
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, cwd=place, check=True, capture_output=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - began, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("planted", "speed"))
    parser.add_argument("--worlds", type=int, default=400)
    parser.add_argument("--first", type=int, default=0, help="seed of the first world")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    if given.part == "planted":
        planted(given.worlds, given.first, given.processes)
    else:
        speed(given.rounds)


if __name__ == "__main__":
    main()
