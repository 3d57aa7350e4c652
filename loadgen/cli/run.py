"""``loadgen run``: one scenario at one load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from loadgen.cli import options, quantities
from loadgen.cli.describe import Scenario
from loadgen.cli.output import console, emit, say
from loadgen.errors import ExitCode, LoadgenError, NegativeAnswer, RefusalError

if TYPE_CHECKING:
    from loadgen.runs.format import RunRecord

Users = Annotated[str, typer.Option("--users", "-u", metavar="N", help="Concurrent users, each with a session.")]
Duration = Annotated[str, typer.Option("--duration", "-t", metavar="TIME", help="Measured window: 30s, 5m, 1h.")]


def run(
    scenario: Scenario,
    users: Users = "8",
    duration: Duration = "60s",
    warmup: options.Warmup = "10s",
    ramp: options.Ramp = "2s",
    think: Annotated[bool, typer.Option("--think/--no-think", help="Keep the scenario's think time.")] = True,
    objective: options.ObjectiveText = None,
    seed: options.LoadSeed = "1",
    dsn: options.Dsn = None,
    instance: options.Instance = None,
    results_dir: options.ResultsDir = None,
    allow_unmarked: options.AllowUnmarked = None,
    json: options.Json = False,
) -> None:
    """Run a scenario at one load and record it: ramp, warm-up, measure, drain. Ctrl-C keeps what was measured."""
    wanted = quantities.objective(objective)
    users_n = quantities.whole(users, "--users", most=quantities.MOST_USERS)
    measure_s = quantities.duration_s(duration, "--duration", least_s=1.0)
    warmup_s = quantities.duration_s(warmup, "--warmup")
    ramp_s = quantities.duration_s(ramp, "--ramp")
    seed_n = quantities.whole(seed, "--seed", least=0, most=2**31 - 1)

    from loadgen import settings
    from loadgen.cli.phases import PhaseProgress
    from loadgen.database.connect import resolve
    from loadgen.runner.child import ScenarioChild, find_scenario
    from loadgen.runner.quality import objective_met
    from loadgen.runner.run import DRAIN_S, record_run
    from loadgen.runs import documents
    from loadgen.runs.format import Schedule
    from loadgen.seeding.starter import ensure_data

    path = find_scenario(scenario)
    found = settings.load(dsn=dsn, instance=instance, results_dir=results_dir)
    target = resolve(found)
    ensure_data(target)
    schedule = Schedule(users_n, think, ramp_s, warmup_s, measure_s, DRAIN_S, seed_n)
    with (
        ScenarioChild(path, target.environment(), allow_unmarked) as child,
        PhaseProgress(child.description.name, schedule) as shown,
    ):
        record, directory = record_run(child, target, schedule, wanted, found.results_dir, shown.phase_began)
    show(record)
    say(f"recorded in {directory}; a page of it: loadgen report {directory}")
    document = documents.dump(record)
    error: LoadgenError | None = None
    if record.refusal is not None:
        error = RefusalError(record.refusal)
    elif (
        objective is not None
        and record.verdict.status == "valid"
        and not (record.result and objective_met(record.result, wanted))
    ):
        error = NegativeAnswer(f"the objective was not met: {wanted}")
    if error is not None:
        error.document = document
        raise error
    if json:
        emit(document)
    if record.verdict.status == "partial":
        raise typer.Exit(ExitCode.INTERRUPTED)


def show(record: RunRecord) -> None:
    """The result as people read it, on stderr."""
    from rich.table import Table

    from loadgen.report.numbers import interval

    out = console()
    result = record.result
    if result is not None:
        errors = f", {result.errors} failed" if result.errors else ""
        out.print(
            f"[bold]{interval(result.throughput_tps)} transactions/s[/bold] over {result.window_s:g} s, "
            f"{record.schedule.users} users{errors}"
        )
        table = Table("transaction", "count", "service p50 ms", "p95 ms", "p99 ms", "response p95 ms", box=None)
        for name, count, service, response in [
            *((t.name, t.count, t.service, t.response) for t in result.transactions),
            ("all", result.count, result.service, result.response),
        ]:
            columns = (service.p50_ms, service.p95_ms, service.p99_ms, response.p95_ms)
            table.add_row(name, f"{count:,}", *(interval(value) for value in columns))
        out.print(table)
        for sqlstate, message in result.error_examples.items():
            out.print(f"error {sqlstate}, {result.errors_by_sqlstate[sqlstate]} times: {message}", soft_wrap=True)
    for reason in (*record.verdict.reasons, *record.verdict.notes):
        out.print(f"{reason.code}: {reason.what}; {reason.do}", soft_wrap=True)
    out.print(f"verdict: [bold]{record.verdict.status}[/bold]")
