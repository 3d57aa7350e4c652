"""``loadgen forecast``: how a count goes on, with what certainty."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from loadgen.cli import options, quantities
from loadgen.cli.output import console, emit_values, say

if TYPE_CHECKING:
    import datetime as dt

    from capacity.growth import Forecast, Scenarios
    from loadgen.planning.history import History
    from loadgen.settings import Settings

MOST_ROWS = 24
"""Of the table in the terminal; a longer horizon shows every second row, or third, …; --json has all."""

_Row = TypeVar("_Row")
_BARS = "▁▂▃▄▅▆▇█"


def forecast(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="CSV with date,value or period,value. Default: the database's users by month."
        ),
    ] = None,
    horizon: options.Horizon = "18",
    level: Annotated[str, typer.Option("--level", metavar="P", help="Probability that an interval aims for.")] = "0.9",
    dsn: options.Dsn = None,
    instance: options.Instance = None,
    json: options.Json = False,
) -> None:
    """Forecast a growing count from its history, with an interval from a back-test; under 12 periods only scenarios."""
    from loadgen import settings

    periods = quantities.whole(horizon, "--horizon", most=1200)
    wanted = quantities.share(level, "--level", least=0.5, most=0.99)
    history = read_history(file, settings.load(dsn=dsn, instance=instance))
    answer = history.forecast(periods, wanted)
    if json:
        _emit(history, answer)
    show(history, answer)


def read_history(file: Path | None, found: Settings) -> History:
    """The history in ``file``, else the database's own."""
    from loadgen.database.connect import resolve
    from loadgen.planning.history import from_database, read_csv

    return read_csv(file) if file is not None else from_database(resolve(found))


def _emit(history: History, answer: Forecast | Scenarios) -> None:
    from capacity.growth import Forecast

    about = {"history": len(history.values), "origin": history.origin, "source": history.source}
    if not isinstance(answer, Forecast):
        scenarios = {
            s.name: [_labelled(p.period, p.date) | {"point": p.point} for p in s.points] for s in answer.scenarios
        }
        emit_values("loadgen.forecast/1", scenarios=scenarios, **about)
        return
    emit_values(
        "loadgen.forecast/1",
        forecast=[
            _labelled(p.period, p.date) | {"point": p.point, "low": p.low, "high": p.high} for p in answer.forecast
        ],
        level=answer.level,
        coverage=answer.coverage,
        origins=answer.origins,
        model=answer.model,
        **about,
    )


def _labelled(period: int, date: dt.date | None) -> dict[str, object]:
    return {"period": period} if date is None else {"period": period, "date": date}


def show(history: History, answer: Forecast | Scenarios) -> None:
    """The forecast as people read it, on stderr."""
    from rich.table import Table

    from capacity.growth import Forecast
    from loadgen.report.numbers import number

    out = console()
    label = "date" if history.dates else "period"
    if not isinstance(answer, Forecast):
        table = Table(label, *(s.name for s in answer.scenarios), box=None)
        rows = list(zip(*(s.points for s in answer.scenarios), strict=True))
        for row in _thinned(rows):
            table.add_row(str(row[0].date or row[0].period), *(number(p.point) for p in row))
        out.print(table)
        say(f"{len(history.values)} periods of history are too few for an interval: scenarios, none more likely")
        return
    points = answer.forecast
    top = max(p.high for p in points)
    table = Table(label, "point", "low", "high", "", box=None)
    for p in _thinned(points):
        table.add_row(
            str(p.date or p.period), number(p.point), number(p.low), number(p.high), _band(p.low, p.high, top)
        )
    out.print(table)
    seen = [*history.values, *(p.point for p in points)]
    say(f"{_spark(seen)}  {len(history.values)} periods seen, then the forecast")
    say(
        f"{answer.model}; {answer.level:.0%} intervals, which held {answer.coverage:.0%} in the back-test "
        f"({answer.origins} origins)"
    )
    say(f"history ({history.origin}): {history.source}")


def _thinned(rows: Sequence[_Row]) -> list[_Row]:
    """At most MOST_ROWS of the rows, evenly spread, the last always among them."""
    step = -(-len(rows) // MOST_ROWS)
    return list(rows[::-1][::step][::-1])


def _band(low: float, high: float, top: float, width: int = 32) -> str:
    """The interval as a bar on a scale from 0 to ``top``."""
    start, end = (round(width * value / top) if top else 0 for value in (low, high))
    return " " * start + "█" * max(end - start, 1)


def _spark(values: list[float], width: int = 60) -> str:
    """Values as a row of small bars from 0 to the greatest, thinned to ``width``."""
    shown = (
        [values[round(i * (len(values) - 1) / (width - 1))] for i in range(width)] if len(values) > width else values
    )
    top = max(shown) or 1.0
    return "".join(_BARS[min(int(value / top * len(_BARS)), len(_BARS) - 1)] for value in shown)
