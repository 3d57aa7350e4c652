"""Charts of a run by second: throughput, and two percentiles of response time, with the measured window shaded."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from capacity import formatting
from loadgen.report.charts.drawing import (
    BLUE,
    GREEN,
    MUTED,
    NARROW,
    ORANGE,
    WIDE,
    Figure,
    Key,
    Row,
    Size,
    figure,
    milliseconds_axis,
    rows,
)
from loadgen.report.timeline import Second
from loadgen.runs.format.latency import Objective

_SIZES = (Size(WIDE.width, 180), Size(NARROW.width, 160))


def throughput(seconds: Sequence[Second]) -> Figure:
    """Draw transactions answered in each second; seconds with errors are marked."""
    data: list[Row] = [
        {
            "second": s.second,
            "value": s.transactions,
            "errors": s.errors,
            "label": f"second {s.second}, {s.phase}: {s.transactions} transactions, {s.errors} errors",
        }
        for s in seconds
    ]

    def build(size: Size) -> alt.LayerChart:
        top = max((s.transactions for s in seconds), default=0) or 1
        scale = alt.Scale(domain=[0, top * 1.1], nice=False)
        x, y = _x(seconds), alt.Y("value:Q", title=None, scale=scale, axis=alt.Axis(tickCount=4, format=",~f"))
        base = alt.Chart(rows(data))
        layers = [
            _window(seconds),
            base.mark_line(color=BLUE, strokeWidth=2).encode(x=x, y=y),
            base.mark_point(filled=True, size=60, opacity=0).encode(x=x, y=y, description=alt.Description("label:N")),
            base.transform_filter("datum.errors > 0")
            .mark_point(shape="cross", color=ORANGE, filled=True, size=60, opacity=1)
            .encode(x=x, y=y, description=alt.Description("label:N")),
        ]
        return alt.LayerChart(layer=layers).properties(width=size.width, height=size.height)

    keys = [Key("line", BLUE, "transactions"), Key("band", GREEN, "measured window")]
    if any(s.errors for s in seconds):
        keys.append(Key("cross", ORANGE, "seconds with errors"))
    return figure("Throughput", "transactions in each second", build, keys=keys, sizes=_SIZES)


def response(seconds: Sequence[Second], objective: Objective) -> Figure | None:
    """Draw median and p95 of each second on a logarithmic axis; None if nothing was answered."""
    data: list[Row] = [
        {
            "second": s.second,
            "value": value or None,  # a second without an answer breaks the line
            "which": which,
            "label": f"second {s.second}, {s.phase}: {which} {formatting.milliseconds(value)}",
        }
        for s in seconds
        for which, value in (("median", s.response_p50_ms), ("p95", s.response_p95_ms))
    ]
    ends = [float(row["value"]) for row in data if row["value"] is not None]
    if not ends:
        return None
    ends.append(objective.response_ms)

    def build(size: Size) -> alt.LayerChart:
        x = _x(seconds)
        y = milliseconds_axis(ends)
        shown = ["median", "p95"]
        colour = alt.Color("which:N", legend=None, scale=alt.Scale(domain=shown, range=[BLUE, MUTED]))
        dash = alt.StrokeDash("which:N", legend=None, scale=alt.Scale(domain=shown, range=[[1, 0], [4, 2]]))
        base = alt.Chart(rows(data))
        limit = rows([{"value": objective.response_ms, "label": f"objective: {objective}"}])
        layers = [
            _window(seconds),
            alt.Chart(limit)
            .mark_rule(color=ORANGE, strokeDash=[6, 4], size=1.5)
            .encode(y=y, description=alt.Description("label:N")),
            base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash),
            base.mark_point(filled=True, size=60, opacity=0).encode(x=x, y=y, description=alt.Description("label:N")),
        ]
        return alt.LayerChart(layer=layers).properties(width=size.width, height=size.height)

    keys = [
        Key("line", BLUE, "median"),
        Key("dashed", MUTED, "p95"),
        Key("dashed", ORANGE, f"objective for p{objective.percentile:g}"),
    ]
    return figure("Response time", "of each second, logarithmic", build, keys=keys, sizes=_SIZES)


def _x(seconds: Sequence[Second]) -> alt.X:
    last = max((s.second for s in seconds), default=1)
    scale = alt.Scale(domain=[0, max(last, 1)], nice=False)
    return alt.X("second:Q", title="seconds since the start", scale=scale, axis=alt.Axis(tickCount=6))


def _window(seconds: Sequence[Second]) -> alt.Chart:
    measured = [s.second for s in seconds if s.phase == "measure"]
    spans: list[Row] = [{"second": min(measured), "end": max(measured)}] if measured else []
    shaded: alt.Chart = (
        alt.Chart(rows(spans)).mark_rect(color=GREEN, opacity=0.1).encode(x=_x(seconds), x2=alt.X2("end:Q"))
    )
    return shaded
