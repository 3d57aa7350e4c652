"""How fast and how honest the engine is, beside pgbench, in one run on one server of its own.

    python -m benchmarks.engine throughput   closed load, against pgbench on exported scripts and Locust on cursors
    python -m benchmarks.engine cpu          client CPU of a six-statement pipelined transaction
    python -m benchmarks.engine rate         the highest open rate that is sent in time, and pgbench's
    python -m benchmarks.engine latency      open load: percentiles against pgbench's own log, by pairs
    python -m benchmarks.engine memory       ten minutes: proportional set size of generator, master and worker

From two minutes (cpu) to eleven (memory); --short tries one in about one, for no figure. Raw output goes to
benchmarks/engine/. The ratio of two sides is that of the medians of alternating runs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks.bench import HERE, alternating, database, facts, keep, median, say, server
from benchmarks.engine_memory import watched
from benchmarks.engine_rates import highest_rate
from benchmarks.engine_sides import Bench, Load, Run
from benchmarks.seeding import seed
from loadgen.database.target import Target
from loadgen.exporting.export import export
from loadgen.runner.scenarios import find_scenario

RAW: Final = HERE / "engine"
SEED: Final = 1
USERS: Final = 5_000
SINGLE_ROW: Final = str(HERE / "single_row.py")
DASHBOARD: Final = "dashboard"
SIX_STATEMENTS: Final = "open_dashboard"
"""Who the user is, and five reads, between BEGIN and COMMIT."""

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Short = Annotated[bool, typer.Option("--short", help="A minute, to try it: for no figure.")]
Processes = Annotated[int, typer.Option(min=1, max=16, help="Of this engine; pgbench has as many threads.")]


@contextmanager
def bench(users: int = USERS) -> Iterator[Bench]:
    """A server with a seeded database, and both scenarios exported for it."""
    with server() as of, database(of) as target, tempfile.TemporaryDirectory(prefix="bench-export-") as directory:
        seed(target, users, seed=SEED)
        scripts = {}
        for scenario in (DASHBOARD, SINGLE_ROW):
            scripts[scenario] = Path(directory) / Path(scenario).stem
            export(find_scenario(scenario), target, scripts[scenario], ("sequential", "pipeline"), variants=64, seed=1)
        yield Bench(target, scripts, users, SEED)


def more_facts(target: Target) -> dict[str, object]:
    """When and on what; interpreters of one version differ by a third, as they were built."""
    return facts(target) | {"python": sys.version, "python_loop_ms": round(min(_loop_ms() for _ in range(9)), 1)}


def _loop_ms() -> float:
    """CPU of a fixed loop of calls, sums and lookups: how fast this interpreter is on this machine."""
    began, total, seen = time.process_time(), 0, {0: 0}
    for i in range(200_000):
        seen[i & 255] = i
        total += max(seen[i & 127], i)
    return (time.process_time() - began) * 1000


@app.command()
def throughput(
    rounds: Annotated[int, typer.Option(min=3, max=50)] = 3, processes: Processes = 1, short: Short = False
) -> None:
    """Closed load without think time: transactions a second of this engine over those of its peers."""
    measure_s = 2 if short else 8
    sequential = Load(DASHBOARD, "sequential", 8, measure_s, processes=processes)
    loads = {
        "dashboard, sequential, 8": sequential,
        "dashboard, pipeline, 8": replace(sequential, mode="pipeline"),
        "dashboard, sequential, 1": replace(sequential, connections=1, processes=1),
        "dashboard, pipeline, 1": replace(sequential, mode="pipeline", connections=1, processes=1),
        "single row, sequential, 8": replace(sequential, scenario=SINGLE_ROW, writes=False),
    }
    runs: list[dict[str, object]] = []
    tps: dict[str, dict[str, list[float]]] = {name: {"loadgen": [], "pgbench": []} for name in loads}
    tps["dashboard, sequential, 8"] |= {"cursors": [], "cursors_each": []}
    with bench() as b:
        for name, load in loads.items():
            for number, side in alternating(tuple(tps[name]), 1 if short else rounds):
                run = b.sides[side](load)
                tps[name][side].append(run.tps)
                runs.append({"load": name, "round": number, "side": side, **asdict(run)})
                say(f"  {name}, round {number + 1}: {side:12} {run.tps:7,.0f} tps {run.cpu_us:6.0f} µs {run.verdict}")
        ratios = {}
        for name, sides in tps.items():
            for peer in sides.keys() - {"loadgen"}:
                ratios[f"{name} over {peer}"] = round(median(sides["loadgen"]) / median(sides[peer]), 3)
        for name, ratio in sorted(ratios.items()):
            say(f"{name}: {ratio:.2f}")
        _keep("throughput", b, short, {"processes": processes, "ratios_of_medians": ratios, "runs": runs})


@app.command()
def cpu(rounds: Annotated[int, typer.Option(min=3, max=50)] = 5, short: Short = False) -> None:
    """Client CPU a six-statement pipelined transaction, with its recording."""
    six = Load(DASHBOARD, "pipeline", 8, 2 if short else 10, only=SIX_STATEMENTS, writes=False)
    with bench() as b:
        runs = []
        for _ in range(1 if short else rounds):
            loop_ms = _loop_ms()
            run = b.ours(six)
            runs.append(asdict(run) | {"python_loop_ms": round(loop_ms, 1)})
            say(f"  {run.cpu_us:.1f} µs, {run.tps:,.0f} tps {run.verdict}; a fixed loop of Python {loop_ms:.0f} ms")
        cpu_us = round(median([float(str(run["cpu_us"])) for run in runs]), 1)
        say(f"{cpu_us} µs a six-statement pipelined transaction")
        _keep("cpu", b, short, {"transaction": SIX_STATEMENTS, "cpu_us": cpu_us, "runs": runs})


@app.command()
def rate(short: Short = False) -> None:
    """The highest open rate that is sent in time: 99th percentile of lag under 1 ms; pgbench's too."""
    found: dict[str, dict[str, object]] = {}
    with bench() as b:
        for mode in ("sequential", "pipeline"):
            load = Load(DASHBOARD, mode, 32, 2 if short else 8, warmup_s=2)
            most_tps = b.ours(replace(load, connections=8, measure_s=4)).tps
            for side, make in (("loadgen", b.ours), ("pgbench", b.pgbench)):
                found[f"{side}, {mode}"] = highest_rate(side, make, load, most_tps, steps=2 if short else 5)
        _keep("rate", b, short, {"highest_rate": found})


@app.command()
def latency(
    pairs: Annotated[int, typer.Option(min=9, max=50)] = 9,
    mode: Annotated[str, typer.Option(help="sequential or pipeline")] = "sequential",
    short: Short = False,
) -> None:
    """The same open rate, half of capacity: response of this engine less that of pgbench's log, by pairs."""
    measure_s = 2 if short else 12
    sides: dict[str, list[Run]] = {"loadgen": [], "pgbench": []}
    with bench() as b:
        load = Load(DASHBOARD, mode, 8, measure_s)
        capacity = median([b.pgbench(replace(load, measure_s=4)).tps for _ in range(3)])
        load = replace(load, rate=round(capacity / 2))
        say(f"{load.rate:,} tps is half of pgbench's closed load on {load.connections} connections")
        for number, side in alternating(tuple(sides), 2 if short else pairs):
            run = b.sides[side](load)
            sides[side].append(run)
            say(f"  pair {number + 1}: {side:8} p50 {run.p50_ms:.3f} p95 {run.p95_ms:.3f} p99 {run.p99_ms:.3f} ms")
        figures = {name: _compared(sides, name) for name in ("p50_ms", "p95_ms", "p99_ms")}
        for name, figure in figures.items():
            say(f"{name}: {figure}")
        _keep(
            f"latency_{mode}", b, short,
            {"rate": load.rate, "figures": figures,
             "runs": {side: [asdict(run) for run in runs] for side, runs in sides.items()}},
        )  # fmt: skip


def _compared(sides: dict[str, list[Run]], name: str) -> dict[str, object]:
    """The median difference of pairs, beside how pgbench differs from itself: median of all its pairs of runs."""
    ours, theirs = ([float(getattr(run, name)) for run in sides[side]] for side in ("loadgen", "pgbench"))
    difference = median([o - t for o, t in zip(ours, theirs, strict=True)])
    itself = median([abs(one - other) for one, other in combinations(theirs, 2)])
    allowed = max(itself, 0.1 * median(theirs) + 0.1)
    return {
        "loadgen": round(median(ours), 3), "pgbench": round(median(theirs), 3), "difference": round(difference, 3),
        "pgbench_from_itself": round(itself, 3), "allowed": round(allowed, 3), "met": abs(difference) <= allowed,
    }  # fmt: skip


@app.command()
def memory(
    minutes: Annotated[int, typer.Option(min=2, max=120)] = 10,
    rate: Annotated[float | None, typer.Option(help="Default: 0.7 of what a closed load reaches.")] = None,
    short: Short = False,
) -> None:
    """A high rate for ten minutes from a worker of a master here: memory of both, after a fifth and at the end."""
    measure_s = 20 if short else minutes * 60
    with bench() as b:
        rate = rate or round(0.7 * b.ours(Load(DASHBOARD, "pipeline", 8, 3 if short else 8)).tps)
        load = Load(DASHBOARD, "pipeline", 16, measure_s, rate=rate)
        with b.fresh() as target:
            run, found = watched(target, load, 1.0 if short else 5.0)
        growth = {name: memory.growth() for name, memory in found.items()}
        for name, of in growth.items():
            say(f"{name}: {of['early_mb']} MB PSS, at the load's end {of['late_mb']}: {of['ratio']}")
        say(f"master: {growth['master']['summing_up_mb']} MB at most while it sums up")
        _keep(
            "memory", b, short,
            {"rate": rate, "measure_s": measure_s, "growth": growth, "run": asdict(run),
             "pss_mb": {name: asdict(memory) for name, memory in found.items()}},
        )  # fmt: skip


def _keep(name: str, b: Bench, short: bool, found: dict[str, object]) -> None:
    if short:
        say("tried only: nothing is kept")
    else:
        keep(RAW / f"{name}.json", {"facts": more_facts(b.source), "users": b.users, **found})


if __name__ == "__main__":
    app()
