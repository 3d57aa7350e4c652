"""``loadgen fidelity``: stored rows against published figures, and their properties as a load."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

from loadgen.cli import options
from loadgen.cli.options import option
from loadgen.cli.output import console, emit, say
from loadgen.errors import NegativeAnswer, RefusalError

if TYPE_CHECKING:
    from loadgen.fidelity.format import FidelityRecord

SCENARIOS = ("dashboard", "montecarlo")
_LINE_EVERY_S = 2.0
_NAMED = 3


Scenario = Annotated[
    list[str] | None,
    option(
        "--scenario", of="SCENARIO", group=options.INPUT,
        help="Scenario whose statements to check the planner's estimates of, by name or path; repeatable. "
        "Default: dashboard and montecarlo.",
    ),
]  # fmt: skip
ShowAll = Annotated[
    bool,
    option(
        "--all", of=options.FLAG, group=options.OUTPUT,
        help="Show every figure, not only those with the largest errors.",
    ),
]  # fmt: skip
ExportFile = Annotated[
    Path | None,
    option("--export", of="FILE", group=options.OUTPUT, help="Write a CSV file with a row per stored household."),
]
PageFile = Annotated[
    Path | None, option("--report", of="FILE", group=options.OUTPUT, help="Write the HTML page to this file.")
]


@options.expanded
def fidelity(
    *,
    scenario: Scenario = None,
    database: options.Database,
    all_: ShowAll = False,
    export: ExportFile = None,
    page: PageFile = None,
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Compare the stored rows with published statistics.

    Also checks rules that the rows must satisfy, and shows table sizes, rows per user and the planner's estimates.
    Only reads, in one snapshot. The exit code is 1 if a figure is outside its tolerance or a row breaks a rule, and 4
    if there are too few households to decide.

    Tolerances are 8% for medians, 2 percentage points for shares, and for means 8% or three standard errors,
    whichever is larger. A figure is undecided if its sampling error is larger than its tolerance.

    Example: loadgen fidelity --report fidelity.html
    """
    import datetime as dt

    from capacity.formatting import counted
    from loadgen.cli.fidelity_result import show
    from loadgen.database.connect import connect, resolve
    from loadgen.fidelity.export import export as write_csv
    from loadgen.fidelity.measure import keep, measure
    from loadgen.runner.generator import ScenarioChild
    from loadgen.runner.scenarios import find_scenario
    from loadgen.runs import documents

    paths = [find_scenario(name) for name in scenario or SCENARIOS]
    config = database.settings(results_dir)
    target = resolve(config)
    connect(target).close()  # before starting scenarios
    with Steps() as steps:
        if export is not None:
            rows = write_csv(target, export, lambda done: steps.step(f"{export}: {done:,} households"))
            say(f"{counted(rows, 'household')} written to {export}")
        descriptions = []
        for path in paths:
            with ScenarioChild(path, {}) as child:
                descriptions.append(child.description)
        record = measure(target, descriptions, dt.datetime.now(dt.UTC), steps.step)
    directory = keep(record, config.results_dir)
    show(record, everything=all_)
    say(f"recorded in {directory}; HTML page: loadgen report {directory}")
    if page is not None:
        from loadgen.cli.report import write_page
        from loadgen.runs.store import DOCUMENTS

        write_page(directory / DOCUMENTS["fidelity"], page)
    document = documents.dump(record)
    error = outcome(record)
    if error is not None:
        error.document = document
        raise error
    if json:
        emit(document)


def outcome(record: FidelityRecord) -> NegativeAnswer | RefusalError | None:
    """The verb's error: figures outside before undecided; None if all that could be decided is within."""
    outside = record.outside
    if outside:
        more = f" and {len(outside) - _NAMED} more" if len(outside) > _NAMED else ""
        return NegativeAnswer(
            f"database {record.database.name}: outside tolerance: {', '.join(outside[:_NAMED])}{more}; "
            "see the table above, or --json"
        )
    return None if record.refusal is None else RefusalError(record.refusal)


class Steps:
    """Progress of reading: one changing line on a terminal, elsewhere a line at most every two seconds."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __enter__(self) -> Steps:
        out = console()
        self._status = out.status("starting …") if out.is_terminal else None
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()

    def step(self, line: str) -> None:
        """Show the step that begins."""
        if self._status is not None:
            self._status.update(line)
        elif time.monotonic() - self._said >= _LINE_EVERY_S:
            self._said = time.monotonic()
            say(line)
