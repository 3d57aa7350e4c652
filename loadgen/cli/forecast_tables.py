"""Terminal output of forecasts by table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity.values import Interval
from loadgen.cli.output import console, say

if TYPE_CHECKING:
    from capacity.tables import Quantity, Series
    from loadgen.planning.table_forecasts import Tables

_BARS = "▁▂▃▄▅▆▇█"
_QUANTITIES: tuple[Quantity, ...] = ("rows", "bytes", "wal_bytes_per_day")
_WIDTH = 12
"""Width of a chart in characters."""


def show_tables(forecast: Tables) -> None:
    """Show each table at the horizon, with a small chart of its growth where there is room, then the sources."""
    from rich.table import Table

    from capacity.formatting import interval, size, size_interval

    out = console()
    if forecast.tables:
        end = next(iter(forecast.tables[0].series.values())).points[-1]
        charts = ("",) if out.width >= 96 else ()
        table = Table(f"at {end.date or end.period}", "rows", "bytes", "WAL per day", *charts, box=None, pad_edge=False)
        for column in table.columns:
            column.no_wrap = True
        for entry in forecast.tables:
            rows, sizes, wal = (_end(entry.series.get(name)) for name in _QUANTITIES)
            chart = _chart(_way(entry.series.get("bytes") or entry.series.get("rows")))
            cells = (
                entry.table or "(all tables)",
                interval(rows),
                size_interval(sizes),
                size_interval(wal),
                chart,
            )
            table.add_row(*cells[: len(table.columns)])
        out.print(table)
        sized = [entry.series["bytes"] for entry in forecast.tables if "bytes" in entry.series]
        if sized:
            # All tables grow with the same users, so the ends of intervals add up.
            ends = [found_end for series in sized if (found_end := _end(series)) is not None]
            total = Interval(
                sum(e.low for e in ends), sum(e.value for e in ends), sum(e.high for e in ends), ends[0].level
            )
            ways = [sum(values) for values in zip(*(_way(series) for series in sized), strict=False)]
            say(f"{_chart(ways)}  {size(sum(s.now.value for s in sized))} in total today, then {size_interval(total)}")
    sources: dict[str, None] = {}
    for entry in forecast.tables:
        for quantity, series in entry.series.items():
            law = {"history": "its own history", "users": "users", "user-months": "user-months"}[series.law]
            source = series.source.split(": ")[0]
            sources[f"{quantity.replace('_', ' ')} by {law} ({series.origin}): {source}"] = None
    for line in sources:
        say(line)
    for refusal in forecast.missing:
        say(f"not available: missing {refusal.missing} ({refusal.code}); {refusal.do}")


def _end(series: Series | None) -> Interval | None:
    """Value at the horizon."""
    if series is None:
        return None
    last = series.points[-1]
    return Interval(last.low, last.point, last.high, series.now.level)


def _way(series: Series | None) -> list[float]:
    """Values from today to the horizon."""
    return [] if series is None else [series.now.value, *(p.point for p in series.points)]


def _chart(values: list[float]) -> str:
    """Draw bars from 0 to the greatest, thinned to _WIDTH."""
    count = min(_WIDTH, len(values))
    heights = [values[round(i * (len(values) - 1) / max(count - 1, 1))] for i in range(count)]
    top = max(heights, default=0.0) or 1.0
    return "".join(_BARS[min(int(value / top * len(_BARS)), len(_BARS) - 1)] for value in heights)
