"""``loadgen report``: the page of a run, a sweep, a plan or a fidelity report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loadgen import interrupts
from loadgen.cli import options
from loadgen.cli.options import option
from loadgen.cli.output import emit_values, say


def report(
    record: Annotated[
        str,
        typer.Argument(metavar="RECORD", help="Run, sweep, plan or fidelity check, by id, directory or JSON file."),
    ],
    output: Annotated[
        Path | None,
        option(
            "--output",
            "-o",
            of="FILE",
            group=options.OUTPUT,
            help="Write the page to this file. Default: report.html beside the record.",
        ),
    ] = None,
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Write an HTML page of a run, sweep, plan or fidelity check.

    The page works offline and contains no script.

    Example: loadgen report results/20261129T120817Z-plan-086331
    """
    from loadgen import settings
    from loadgen.runs.store import resolve

    path = resolve(settings.load(results_dir=results_dir).results_dir, record)
    target = write_page(path, output)
    if json:
        emit_values("loadgen.report/1", path=str(target))


def write_page(path: Path, output: Path | None = None) -> Path:
    """Write the page of the record at ``path``, whole or not at all; prints and returns its path."""
    from loadgen.report.page import page
    from loadgen.report.reading import read_subject
    from loadgen.runs.documents import write_atomically

    target = (output or path.with_name("report.html")).absolute()
    if interrupts.received():  # while the record was being written
        raise KeyboardInterrupt
    subject = read_subject(path)
    say("writing the page …")
    write_atomically(target, page(subject))
    say(f"report: {target}")
    return target
