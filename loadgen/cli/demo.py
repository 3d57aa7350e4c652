"""``loadgen demo``: all steps to a plan, on a server of its own."""

from __future__ import annotations

import shlex
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from loadgen import interrupts
from loadgen.cli import options, quantities
from loadgen.cli.options import Seconds, option
from loadgen.cli.output import console, emit_values, say
from loadgen.cli.plan import plan
from loadgen.cli.report import write_page
from loadgen.cli.seed import seed
from loadgen.cli.sweep import LEVELS, carry_out
from loadgen.errors import RefusalError

if TYPE_CHECKING:
    from loadgen.settings import Settings

INSTANCE: Final = "demo"
SEED: Final = 1
SWEPT: Final = {
    # The objective is low enough for the levels to reach it on a laptop, so that the page shows a limit.
    "dashboard": ("1,2,4,8,16,32", "p95=25ms"),
    "montecarlo": ("1,2,4,8,16,32", "p95=100ms"),
}
"""Levels and objective by scenario."""


def demo(
    users: Annotated[
        int, option("--users", of=options.USERS, group=options.DATABASE, help="Number of synthetic users.")
    ] = 5_000,
    duration: options.Duration = Seconds(5),
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Show every step up to a plan in about four minutes.

    Seeds synthetic users on an embedded server of its own, sweeps both scenarios, and writes a plan and its HTML
    page. The runs are too short for a decision.

    Example: loadgen demo
    """
    from loadgen import settings
    from loadgen.runner.run import DRAIN_S
    from loadgen.runner.sweep_runs import SweepPlan
    from loadgen.runs.store import newest

    began = time.monotonic()
    config = settings.load(instance=INSTANCE, results_dir=results_dir)
    say("These runs show what the tool does; they are too short for a decision.")
    say(f"Each command below can be run by itself. The server {INSTANCE!r} keeps running.")
    _typed("seed", "--users", str(users), "--seed", str(SEED), "--instance", INSTANCE)
    seed(users=users, seed=SEED, instance=INSTANCE)
    sweeps = []
    for scenario, (levels, objective) in SWEPT.items():
        _typed(
            "sweep", scenario, "--levels", levels, "--repeats", "2", "--duration", quantities.duration_text(duration),
            "--warmup", "1s", "--objective", objective, "--instance", INSTANCE,
        )  # fmt: skip
        schedule = SweepPlan(
            levels=LEVELS.parse(levels),
            repeats=2,
            think=False,
            ramp_s=1.0,
            warmup_s=1.0,
            measure_s=duration,
            drain_s=DRAIN_S,
            seed=SEED,
        )
        record, directory = carry_out(scenario, schedule, quantities.objective(objective), config)
        if record.interrupted or interrupts.received():
            raise KeyboardInterrupt
        if record.partial and record.refusal is not None:
            raise RefusalError(record.refusal)
        sweeps.append(str(directory))
    say(f"\nThe growth is an example: {users} synthetic users are a sample of an application's data, not its history.")
    with as_file(files("loadgen.planning") / "example_history.csv") as history:
        _typed("plan", "--history", str(history), "--instance", INSTANCE)
        plan(sweep=sweeps, history=history, instance=INSTANCE, results_dir=results_dir)
    document = newest(config.results_dir, "plan")
    assert document is not None, "plan has just written one"
    page = write_page(document)
    _end(page, config, time.monotonic() - began)
    if json:
        emit_values("loadgen.demo/1", page=str(page), plan=str(document), seconds=round(time.monotonic() - began, 1))


def _typed(*arguments: str) -> None:
    """Print the command of the next step."""
    console().print(f"\n[bold]$ loadgen {shlex.join(arguments)}[/bold]", soft_wrap=True)


def _end(page: Path, config: Settings, seconds: float) -> None:
    from capacity.formatting import seconds as duration

    out = console()
    out.print(f"\n[bold]Open the page: {page.as_uri()}[/bold]", soft_wrap=True)
    out.print(f"took {duration(seconds)}; records are in {config.results_dir.absolute()}", soft_wrap=True)
    out.print(f"stop the server with: loadgen down {INSTANCE}")
