"""``loadgen calibrate``: speed of a server at the scenarios' statements, commits and round trips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from loadgen.cli import options, quantities
from loadgen.cli.options import ParameterType, Seconds, option
from loadgen.cli.output import console, emit, say

if TYPE_CHECKING:
    from loadgen.planning.calibration import CalibrationRecord

SCENARIOS = ("dashboard", "montecarlo")


Scenario = Annotated[
    list[str] | None,
    option(
        "--scenario", of="SCENARIO", group=options.LOAD,
        help="Scenario whose statements to time, by name or path; repeatable. Default: dashboard and montecarlo.",
    ),
]  # fmt: skip
Time = Annotated[
    float,
    option(
        "--time", of=ParameterType("DURATION", quantities.duration(least_s=2.0)), group=options.LENGTH,
        help="Time to measure, not counting the loading of data.",
    ),
]  # fmt: skip
OutputFile = Annotated[
    Path | None,
    option(
        "--output", "-o", of="FILE", group=options.OUTPUT,
        help="Write the calibration to this file as well, for use on another machine.",
    ),
]  # fmt: skip


@options.expanded
def calibrate(
    *,
    scenario: Scenario = None,
    time: Time = Seconds(10),
    database: options.Database,
    output: OutputFile = None,
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Measure a server's speed, to plan for another server.

    Measures the CPU time of the scenarios' statements, commits and round trips. Runs read-only statements one at a
    time in read-only transactions; no row changes. Times commits only on a database that is marked as synthetic. The
    ratio of two calibrations on the same data is the ratio of the two servers' speeds.

    Example: loadgen calibrate --dsn "host=db.example.com dbname=load" --output there.json
    """
    from loadgen.database.connect import resolve
    from loadgen.planning.calibrating import calibrate as measure
    from loadgen.planning.calibration import write_calibration
    from loadgen.runs import documents

    config = database.settings(results_dir)
    record = measure(resolve(config), tuple(dict.fromkeys(scenario or SCENARIOS)), time, say)
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

    from capacity.formatting import counted, interval

    table = Table("statement", "server ms", "executions", box=None, pad_edge=False)
    for s in record.statements:
        table.add_row(f"{s.scenario}.{s.name}", interval(s.server_ms), f"{s.executions:,}")
    console().print(table)
    say(f"round trip {interval(record.round_trip_ms, 'ms')}, commit {interval(record.commit_ms, 'ms')}")
    if (idle := record.idle) is not None:
        cores = "unknown CPU" if idle.cpu_cores is None else f"{idle.cpu_cores:.3f} cores"
        wal = "unknown WAL" if idle.wal_bytes_per_s is None else f"{idle.wal_bytes_per_s:,.0f} bytes of WAL per second"
        say(f"idle server: {cores}, {wal}")
    writes = sum(skipped.why == "it writes" for skipped in record.skipped)
    if writes:
        say(f"not timed, as they write: {counted(writes, 'statement')}")
    for skipped in record.skipped:
        if skipped.why != "it writes":
            say(f"not measured: {skipped.what}: {skipped.why}")
