"""Charts of users and peak demand over time, with intervals, and of the plan's steps."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import altair as alt

from capacity import formatting
from capacity.growth import Forecast
from capacity.plan import Plan
from capacity.values import Interval
from loadgen.report import dates
from loadgen.report.charts.drawing import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    Figure,
    Key,
    Row,
    Size,
    figure,
    rows,
)
from loadgen.report.steps import DatedStep

FAR = 4
"""Largest capacity of a server that is drawn beside the demand, as a multiple of its maximum."""


_MOST_STEPS = 10
"""Most steps drawn; the list beside the chart has all."""


def users(forecast: Forecast) -> Figure:
    """Draw history and forecast of users, by date, or by period where there are no dates."""
    dated = all(o.date for o in forecast.history) and all(p.date for p in forecast.forecast)
    past = [_point(_when(o.date, o.period, dated), o.value) for o in forecast.history]
    ahead = [
        _point(_when(p.date, p.period, dated), p.point, p.low, p.high, f"{_name(p.date, p.period)}: ")
        for p in forecast.forecast
    ]
    joined = [past[-1], *ahead] if past else ahead

    def build(size: Size) -> alt.LayerChart:
        x = time_axis(size) if dated else alt.X("x:Q", title="period")
        y = alt.Y("value:Q", title=None, axis=axis_y(size))
        layers = [
            *banded(joined, x, y),
            alt.Chart(rows(past)).mark_line(color=INK, strokeWidth=1.5).encode(x=x, y=y),
            alt.Chart(rows(past)).mark_point(color=INK, filled=True, size=16, opacity=1).encode(x=x, y=y),
        ]
        return layered(layers, size)

    keys = (
        Key("dot", INK, "history"),
        Key("line", BLUE, "forecast"),
        Key("band", BLUE, f"{formatting.share(forecast.level)} interval"),
    )
    return figure("Users", "all users, at the end of each period", build, keys=keys)


def demand(plan: Plan, one_server: Interval | None) -> Figure:
    """Draw peak transactions a second, beside one server's capacity for that mix."""
    data = demand_rows(plan)
    top = max(float(row["high"] or 0) for row in data)
    # A capacity far above the demand would flatten the demand to a line at the bottom.
    shown = one_server if one_server and one_server.low < FAR * top else None

    def build(size: Size) -> alt.LayerChart:
        x = time_axis(size)
        y = alt.Y("value:Q", title=None, axis=axis_y(size), scale=alt.Scale(zero=True))
        layers = banded(data, x, y)
        if shown is not None:
            high = shown.high if math.isfinite(shown.high) else max(shown.value, top)
            label = f"one server: {formatting.interval(shown)} transactions a second"
            source = rows([{"low": shown.low, "value": shown.value, "high": high, "label": label}])
            band = alt.Chart(source).mark_rect(color=GREEN, opacity=0.13).encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
            line = (
                alt.Chart(source)
                .mark_rule(color=GREEN, size=2)
                .encode(y=alt.Y("value:Q"), description=alt.Description("label:N"))
            )
            layers = [band, *layers, line]
        return layered(layers, size)

    keys = [Key("line", BLUE, "peak demand, with its interval")]
    if shown is not None:
        keys.append(Key("line", GREEN, "what one server carries at the objective, with its interval"))
    return figure("Peak demand", "transactions a second", build, keys=keys)


def demand_rows(plan: Plan) -> list[Row]:
    """Peak demand by date."""
    return [
        _point(date.isoformat(), value.value, value.low, value.high, f"{dates.month(date)}: ")
        for date, value in plan.demand_tps
    ]


def due_steps(plan: Plan, steps: Sequence[DatedStep]) -> Figure | None:
    """Draw the first steps from earliest to latest date; None without steps."""
    if not steps:
        return None
    data = [_due_row(index, dated, plan) for index, dated in enumerate(steps[:_MOST_STEPS])]

    def build(size: Size) -> alt.LayerChart:
        x = time_axis(size, "low", [plan.start.isoformat(), plan.horizon.isoformat()])
        y = alt.Y("order:O", title=None, axis=None)
        base = alt.Chart(rows(data))
        expected = base.transform_filter("datum.value != null")
        beyond = base.transform_filter("datum.beyond")
        layers = [
            base.mark_bar(height=10, color=BLUE, opacity=0.25, cornerRadius=5).encode(
                x=x, x2=alt.X2("high:T"), y=y, description=alt.Description("label:N")
            ),
            beyond.mark_point(shape="triangle-right", color=BLUE, filled=True, size=70, opacity=1).encode(
                x=alt.X("high:T"), y=y
            ),
            expected.mark_point(color=BLUE, filled=True, size=90, opacity=1).encode(
                x=alt.X("value:T"), y=y, description=alt.Description("label:N")
            ),
            base.mark_text(align="left", baseline="bottom", dy=-10, color=INK).encode(
                x=alt.value(0), y=y, text=alt.Text("name:N")
            ),
        ]
        # These bars have no axis at the left: their labels start where the other charts' axes do.
        return layered(layers, Size(size.width + 40, 52 * len(data) + 8))

    keys = [Key("dot", BLUE, "expected"), Key("band", BLUE, "from the earliest to the latest date")]
    if any(row["beyond"] for row in data):
        keys.append(Key("arrow", BLUE, "the latest lies beyond the horizon"))
    return figure("When each step is due", "by the forecast of users", build, keys=keys)


def _due_row(index: int, dated: DatedStep, plan: Plan) -> Row:
    due = dated.step.due
    return {
        "order": index,
        "name": dated.name,
        "low": (due.earliest or plan.start).isoformat(),
        "value": due.expected.isoformat() if due.expected else None,
        "high": (due.latest or plan.horizon).isoformat(),
        "beyond": due.latest is None,
        "label": f"{dated.name}: {dates.due(due)}",
    }


def _point(x: str | float, value: float, low: float | None = None, high: float | None = None, name: str = "") -> Row:
    low, high = value if low is None else low, value if high is None else high
    high = high if math.isfinite(high) else value
    label = f"{name}{formatting.number(value)} ({formatting.number(low)}–{formatting.number(high)})"
    return {"x": x, "value": value, "low": low, "high": high, "label": label}


def _when(date: dt.date | None, period: int, dated: bool) -> str | float:
    return date.isoformat() if dated and date else period


def _name(date: dt.date | None, period: int) -> str:
    return dates.month(date) if date else f"period {period}"


def layered(layers: Sequence[alt.Chart], size: Size) -> alt.LayerChart:
    """Charts drawn over one another, at this size."""
    return alt.LayerChart(layer=list(layers)).properties(width=size.width, height=size.height)


def banded(data: Sequence[Row], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """A line in its interval, from rows with ``low``, ``high`` and ``label``."""
    base = alt.Chart(rows(data))
    band = base.mark_area(color=BLUE, opacity=0.18).encode(x=x, y=alt.Y("low:Q", title=None), y2=alt.Y2("high:Q"))
    line = base.mark_line(color=BLUE, strokeWidth=2.5).encode(x=x, y=y)
    # A wide invisible mark is a target for the pointer.
    target = base.mark_point(filled=True, size=140, opacity=0).encode(x=x, y=y, description=alt.Description("label:N"))
    return [band, line, target]


def axis_y(size: Size) -> alt.Axis:
    """An axis of large numbers, abbreviated on a narrow page."""
    return alt.Axis(tickCount=5, format="~s" if size.narrow else ",~f")


def time_axis(size: Size, field: str = "x", domain: list[str] | None = None) -> alt.X:
    """A channel of dates, with its axis by month."""
    axis = alt.Axis(format="%b %Y", tickCount=4 if size.narrow else 8, labelOverlap=True, title=None, labelColor=MUTED)
    scale = alt.Scale(type="utc", domain=domain) if domain else alt.Scale(type="utc")
    return alt.X(f"{field}:T", axis=axis, scale=scale)
