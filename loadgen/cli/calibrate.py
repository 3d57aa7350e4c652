"""``loadgen calibrate``: speed of a server at the scenarios' statements, commits and round trips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadgen.cli import options, quantities
from loadgen.cli.output import console, emit, say

if TYPE_CHECKING:
    from loadgen.planning.calibration import CalibrationRecord

SCENARIOS = ("dashboard", "montecarlo")


def calibrate(
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="SCENARIO", help="Whose statements; repeatable. Default: the shipped ones."),
    ] = None,
    time: Annotated[str, typer.Option("--time", metavar="TIME", help="How long to measure, besides loading.")] = "10s",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it here too, to take it to another machine."),
    ] = None,
    dsn: options.Dsn = None,
    instance: options.Instance = None,
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Measure a server's speed, to plan for another server.

    CPU on the scenarios' statements, commits and round trips. Runs only statements that read, one at a time in
    read-only transactions; no row changes. Commits are timed on a database that loadgen marked as synthetic. Two
    calibrations on the same data are the ratio of two servers.

    Example: loadgen calibrate --dsn "host=db.example.com dbname=load" --output there.json
    """
    seconds = quantities.duration_s(time, "--time", least_s=2.0)

    from loadgen import settings
    from loadgen.database.connect import resolve
    from loadgen.planning.calibrating import calibrate as measure
    from loadgen.planning.calibration import write_calibration
    from loadgen.runs import documents

    config = settings.load(dsn=dsn, instance=instance, results_dir=results_dir)
    record = measure(resolve(config), tuple(dict.fromkeys(scenario or SCENARIOS)), seconds, say)
    directory = write_calibration(record, config.results_dir)
    document = documents.dump(record)
    if output is not None:
        documents.write_atomically(output, document)
    if json:
        emit(document)
    show(record)
    say(f"recorded in {directory}" + (f" and {output}" if output is not None else ""))


def show(record: CalibrationRecord) -> None:
    """Show a calibration on stderr."""
    from rich.table import Table

    from capacity.formatting import interval

    table = Table("statement", "server ms", "times", box=None, pad_edge=False)
    for s in record.statements:
        table.add_row(f"{s.scenario}.{s.name}", interval(s.server_ms), f"{s.executions:,}")
    console().print(table)
    say(f"round trip {interval(record.round_trip_ms, 'ms')}, commit {interval(record.commit_ms, 'ms')}")
    if (idle := record.idle) is not None:
        cores = "unseen" if idle.cpu_cores is None else f"{idle.cpu_cores:.3f} cores"
        wal = "unseen" if idle.wal_bytes_per_s is None else f"{idle.wal_bytes_per_s:,.0f} bytes of WAL a second"
        say(f"idle it uses {cores}, {wal}")
    writes = sum(skipped.why == "it writes" for skipped in record.skipped)
    if writes:
        say(f"not timed: {writes} statements that write")
    for skipped in record.skipped:
        if skipped.why != "it writes":
            say(f"not measured: {skipped.what}: {skipped.why}")
