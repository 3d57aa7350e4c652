"""``loadgen report``: the page of a run, a sweep, a plan or a fidelity report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loadgen import interrupts
from loadgen.cli.options import Json, ResultsDir
from loadgen.cli.output import emit_values, say


def report(
    record: Annotated[
        str,
        typer.Argument(
            metavar="RECORD", help="A run, sweep, plan or fidelity report: its id, its directory or its JSON file."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write. Default: report.html beside the record."),
    ] = None,
    results_dir: ResultsDir = None,
    json: Json = False,
) -> None:
    """Write an HTML page of a run, a sweep or a plan.

    Also of what fidelity found. It works offline, holds no script and prints well.

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
    say("drawing the page …")
    write_atomically(target, page(subject))
    say(f"report: {target}")
    return target
