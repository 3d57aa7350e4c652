"""``loadgen workload``: measured workload block, by which a plan turns users into load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadgen.cli import options
from loadgen.cli.options import option
from loadgen.cli.output import console, emit, say
from loadgen.errors import UsageError

if TYPE_CHECKING:
    from loadgen.planning.workload.workload_measured import WorkloadAnswer
    from loadgen.runs.format.scenario import ScenarioDescription


RequestsFile = Annotated[
    Path | None,
    option(
        "--requests", of="FILE", group=options.INPUT,
        help="CSV file with timestamp,requests of production, for the ratio of peak to mean.",
    ),
]  # fmt: skip
ProfileFile = Annotated[
    Path | None,
    option(
        "--profile", of="FILE", group=options.INPUT,
        help="Profile of production by loadgen profile, for transactions per user and their mix.",
    ),
]  # fmt: skip
BaseFile = Annotated[
    Path | None,
    option(
        "--base", of="FILE", group=options.INPUT,
        help="Workload file for values that are not measured, such as events. Default: assumptions.",
    ),
]  # fmt: skip
OutputFile = Annotated[
    Path | None,
    option("--output", "-o", of="FILE", group=options.OUTPUT, help="Write the workload to this file. Default: stdout."),
]


def workload(
    record: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECORD",
            help="Runs and sweeps, by id or directory, for which of their transactions read. With --profile: records "
            "whose scenarios describe its statements. Default: the scenarios of the mix.",
        ),
    ] = None,
    requests: RequestsFile = None,
    profile: ProfileFile = None,
    base: BaseFile = None,
    output: OutputFile = None,
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Compute how users become load, from production's numbers.

    Writes a workload file for loadgen plan --workload, each number with its source. Request counts, hourly or finer
    for a week or more, give the ratio of peak to mean. A profile with pg_stat_statements gives transactions per user
    and day, their mix and the share of reads. A run of a scenario gives only which of its transactions read, and is
    called synthetic.

    Example: loadgen workload --requests requests.csv --output workload.toml
    """
    if requests is None and profile is None and not record:
        raise UsageError("nothing to measure from; give --requests FILE, --profile FILE, or runs")

    from dataclasses import replace

    from loadgen import settings
    from loadgen.planning.workload.production_mix import production_mix
    from loadgen.planning.workload.request_rates import measured_peak
    from loadgen.planning.workload.run_reads import run_reads
    from loadgen.planning.workload.workload_file import read_workload
    from loadgen.planning.workload.workload_measured import described_by, measured_block, workload_answer
    from loadgen.profiling.profile import read_profile
    from loadgen.runs import documents

    config = settings.load(results_dir=results_dir)
    block = read_workload(base)
    peak = measured_peak(requests) if requests is not None else None
    mix = None
    runs = run_reads(config.results_dir, record) if record and profile is None else ()
    if profile is not None:
        shape = read_profile(profile)
        described = (
            described_by(config.results_dir, record)
            if record
            else tuple(_describe(share.scenario) for share in block.workload.mix)
        )
        mix = production_mix(shape, described, profile.name)
    answer = workload_answer(measured_block(block, peak, mix, runs), peak, mix, runs)
    if output is not None:
        documents.write_atomically(output, answer.toml)
        answer = replace(answer, file=str(output))
    if json:
        emit(documents.dump(answer))
    elif output is None:
        emit(answer.toml)
    show(answer)


def _describe(scenario: str) -> ScenarioDescription:
    from loadgen.runner.generator import ScenarioChild
    from loadgen.runner.scenarios import find_scenario

    with ScenarioChild(find_scenario(scenario), {}) as child:
        return child.description


def show(answer: WorkloadAnswer) -> None:
    """Show a workload block on stderr."""
    from rich.table import Column, Table

    from capacity.formatting import interval
    from capacity.values import Interval

    table = Table(
        Column("number", no_wrap=True),
        Column("value", no_wrap=True),
        Column("origin", no_wrap=True),
        "unit",
        box=None,
        pad_edge=False,
    )
    for entry in answer.entries:
        table.add_row(entry.name, interval(Interval(entry.low, entry.value, entry.high)), str(entry.origin), entry.unit)
    console().print(table)
    for source in dict.fromkeys(e.source for e in answer.entries if e.origin != "assumption"):
        say(source)
    for note in answer.notes:
        say(note)
    if answer.file is not None:
        say(f"written to {answer.file}; plan with it: loadgen plan --workload {answer.file}")
