"""``loadgen forecast``: forecast of a growing count, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from loadgen.cli import options, quantities
from loadgen.cli.options import ParameterType, option
from loadgen.cli.output import console, emit, say

if TYPE_CHECKING:
    from capacity.growth import Duplicates, Forecast, Scenarios
    from loadgen.planning.history import History
    from loadgen.settings import Settings
else:  # Typer needs the parser alone, and this module is slow to import.
    Duplicates = object

MOST_ROWS = 24
"""Most rows of the table in the terminal; a longer horizon shows every second row, or third, …; --json has all."""

_Row = TypeVar("_Row")
_BARS = "▁▂▃▄▅▆▇█"


DuplicatesOption = Annotated[
    Duplicates,
    option(
        "--duplicates", of=ParameterType("RULE", quantities.one_of("last", "mean")), group=options.INPUT,
        help="How to combine rows of the same period: keep the last, or take the mean.",
    ),
]  # fmt: skip
ProfileFile = Annotated[
    Path | None,
    option(
        "--profile", of="FILE", group=options.INPUT,
        help="Profile of production by loadgen profile, for its tables and, without a history, its users.",
    ),
]  # fmt: skip
Sweep = Annotated[
    list[str] | None,
    option(
        "--sweep", of="SWEEP", group=options.INPUT,
        help="Sweep that measured tables and WAL, by id or directory; repeatable, one per scenario.",
    ),
]  # fmt: skip
WorkloadFile = Annotated[
    Path | None,
    option(
        "--workload", of="FILE", group=options.INPUT,
        help="With --sweep: workload file, from loadgen workload. Default: assumptions.",
    ),
]  # fmt: skip


@options.expanded
def forecast(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="CSV file with date,value or period,value. Default: the users of the database by month.",
        ),
    ] = None,
    *,
    horizon: Annotated[int, options.horizon(1200)] = 18,
    duplicates: DuplicatesOption = "last",
    profile: ProfileFile = None,
    sweep: Sweep = None,
    workload: WorkloadFile = None,
    database: options.Database,
    level: options.Level = 0.9,
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Forecast a growing count from its history, with an interval.

    The interval comes from a back-test. With fewer than 12 periods, or while growth still accelerates towards an
    unknown ceiling, the answer is scenarios without an interval. Rows may be in any order, several per period, and
    missing for up to a fifth of the periods; the output says what was corrected.

    A forecast of users also gives rows, bytes and WAL of each table, from columns such as goals.rows in the file,
    from a profile, or from sweeps.

    Example: loadgen forecast history.csv --horizon 18
    """
    from capacity.growth import Forecast
    from loadgen.cli.forecast_tables import show_tables
    from loadgen.database.connect import resolve
    from loadgen.errors import UsageError
    from loadgen.planning.answers.forecast_answer import forecast_answer
    from loadgen.planning.evidence import recorded_runs
    from loadgen.planning.sweeps import find_sweeps
    from loadgen.planning.table_forecasts import Tables, of_columns, of_profile, of_sweeps, of_target, users_of
    from loadgen.planning.workload.workload_file import read_workload
    from loadgen.profiling.profile import read_profile
    from loadgen.runs import documents

    config = database.settings(results_dir)
    if profile is not None and sweep:
        raise UsageError("--profile and --sweep exclude each other, as both have the tables; give one of them")
    block = read_workload(workload).workload
    shape = read_profile(profile) if profile is not None else None
    history = users_of(shape, str(profile)) if shape is not None and file is None else read_history(file, config)
    answer = history.forecast(horizon, level, duplicates)
    by_table = Tables()
    if isinstance(answer, Forecast):
        by_table = of_columns(history, horizon, level, duplicates)
        if shape is not None and profile is not None:
            by_table = by_table.over(of_profile(shape, profile.name, answer, block))
        elif sweep:
            sweeps = find_sweeps(config.results_dir, sweep, [share.scenario for share in block.mix])
            by_table = by_table.over(of_sweeps(sweeps, recorded_runs(config.results_dir, sweep, sweeps), answer, block))
        elif file is None:
            by_table = by_table.over(of_target(resolve(config), answer, block))
    if json:
        emit(documents.dump(forecast_answer(history, answer, by_table)))
    show(history, answer)
    show_tables(by_table)


def read_history(file: Path | None, config: Settings) -> History:
    """Read the history from ``file``, else from the database."""
    from loadgen.database.connect import resolve
    from loadgen.planning.history import from_database, read_csv

    return read_csv(file) if file is not None else from_database(resolve(config))


def show(history: History, answer: Forecast | Scenarios) -> None:
    """Show a forecast on stderr."""
    from capacity.growth import Forecast

    dated = answer.history[-1].date is not None
    if isinstance(answer, Forecast):
        _show_forecast(answer, "date" if dated else "period")
    else:
        _show_scenarios(answer, "date" if dated else "period")
    for adjustment in answer.adjustments:
        say(f"{adjustment.kind} {adjustment.count}: {adjustment.what}")
    say(f"history ({history.origin}): {history.source}")


def _show_scenarios(answer: Scenarios, label: str) -> None:
    from rich.table import Table

    from capacity.formatting import number

    table = Table(label, *(s.name for s in answer.scenarios), box=None)
    rows = list(zip(*(s.points for s in answer.scenarios), strict=True))
    for row in _thinned(rows):
        table.add_row(str(row[0].date or row[0].period), *(number(p.point) for p in row))
    console().print(table)
    say(f"{answer.why}: these are scenarios, none more likely than another")


def _show_forecast(answer: Forecast, label: str) -> None:
    from rich.table import Table

    from capacity.formatting import counted, interval, number

    points = answer.forecast
    low, high = min(p.low for p in points), max(p.high for p in points)
    scale = (low if low > high / 2 else 0.0, high)
    table = Table(label, "point", "low", "high", "", box=None)
    for p in _thinned(points):
        table.add_row(
            str(p.date or p.period), *(number(v, 4) for v in (p.point, p.low, p.high)), _band(p.low, p.high, scale)
        )
    console().print(table)
    values = [*(o.value for o in answer.history), *(p.point for p in points)]
    say(f"{_spark(values)}  {counted(len(answer.history), 'period')} of history, then the forecast")
    sure = answer.coverage_range
    say(
        f"{answer.model}; {answer.level:.0%} intervals; back-tested at {counted(answer.origins, 'past ' + label)}, "
        f"{answer.coverage:.0%} of the values were inside"
        + (f" ({sure.low:.0%} to {sure.high:.0%}, since few of these are independent)" if sure else "")
        + (": fewer than stated, so the intervals are too narrow" if answer.claims_too_much else "")
    )
    if answer.tested_horizon is not None and answer.tested_horizon < len(points):
        say(f"back-tested up to {counted(answer.tested_horizon, 'period')} ahead; intervals beyond are extrapolated")
    if answer.ceiling:
        say(f"growth saturates at {interval(answer.ceiling)}")
    for finding in answer.findings:
        what = "an outlier" if finding.kind == "outlier" else "a level shift"
        say(f"{finding.date or f'period {finding.period}'}: {what} of {number(finding.amount)}, not counted as growth")


def _thinned(rows: Sequence[_Row]) -> list[_Row]:
    """Thin rows evenly to at most MOST_ROWS, keeping the last."""
    step = -(-len(rows) // MOST_ROWS)
    return list(rows[::-1][::step][::-1])


def _band(low: float, high: float, scale: tuple[float, float], width: int = 32) -> str:
    """Draw an interval as a bar on a scale."""
    bottom, top = scale
    start, end = (round(width * (value - bottom) / (top - bottom)) if top > bottom else 0 for value in (low, high))
    return " " * start + "█" * max(end - start, 1)


def _spark(values: list[float], width: int = 60) -> str:
    """Draw values as a row of small bars from 0 to the greatest, thinned to ``width``."""
    shown = (
        [values[round(i * (len(values) - 1) / (width - 1))] for i in range(width)] if len(values) > width else values
    )
    top = max(shown) or 1.0
    return "".join(_BARS[min(int(value / top * len(_BARS)), len(_BARS) - 1)] for value in shown)
