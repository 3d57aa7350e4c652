"""Charts of a sweep: throughput and response time of each run against load, with law and capacity."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt

from capacity import formatting
from capacity.scalability import Usl
from capacity.values import Interval
from loadgen.report.charts.drawing import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    PANEL,
    Figure,
    Key,
    Row,
    Size,
    figure,
    milliseconds_axis,
    rows,
)
from loadgen.report.levels import percentile_of
from loadgen.runs.format.sweep import SweepPoint, SweepRecord

_SPREAD = 0.035
"""Distance of a level's repeats on the logarithmic axis, so that their intervals do not hide each other."""
_STEPS = 24
"""Number of points of a law's line."""


def throughput(sweep: SweepRecord, law: Usl | None = None) -> Figure | None:
    """Draw transactions a second by level, with the ``law`` that they follow, and the capacity as a line in its band.

    None if no run had any.
    """
    data = [_row(sweep, point, point.throughput_tps) for point in sweep.points if point.throughput_tps]
    if not data:
        return None
    answer = sweep.capacity
    along = _along(law, sweep) if law is not None else []
    top = max(float(row["high"] or 0) for row in (*data, *along))

    def build(size: Size) -> alt.LayerChart:
        y = alt.Y("value:Q", title=None, scale=alt.Scale(domain=[0, top * 1.12], nice=True), axis=_axis_y())
        layers = _points(sweep, data, y, along)
        if answer is not None:
            band = answer.throughput_tps
            limit: Row = {
                "low": band.low,
                "value": band.value if answer.bracketed else band.low,
                "high": min(band.high, top * 1.12),
            }
            source = rows([limit | {"label": f"capacity {formatting.interval(band)} transactions a second"}])
            fill = alt.Chart(source).mark_rect(color=GREEN, opacity=0.16).encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
            line = (
                alt.Chart(source)
                .mark_rule(color=GREEN, size=2)
                .encode(y=alt.Y("value:Q"), description=alt.Description("label:N"))
            )
            layers = [fill, line, *layers]
        return _chart(layers, size)

    own = [Key("line", MUTED, "a further run by the law, with its interval")] if along else []
    if answer is not None:
        own.append(Key("line", GREEN, "capacity" if answer.bracketed else "capacity, at least"))
    return figure("Throughput", "transactions a second", build, keys=own, sizes=(PANEL,))


def response(sweep: SweepRecord) -> Figure | None:
    """Draw the objective's percentile of response time by level, with the objective; None without values."""
    objective = sweep.objective
    data = [
        _row(sweep, point, percentile)
        for point in sweep.points
        if (percentile := percentile_of(point.response, objective.percentile)) and percentile.value > 0
    ]
    if not data:
        return None
    # A logarithmic axis has no 0: an interval down to 0 is drawn to the axis.
    floor = min(end_ms for row in data for end in ("low", "value") if (end_ms := float(row[end] or 0)) > 0) / 1.25
    data = [row | {"low": max(float(row["low"] or 0), floor)} for row in data]
    ends = [objective.response_ms, *(float(row[end] or 0) for row in data for end in ("low", "high"))]

    def build(size: Size) -> alt.LayerChart:
        layers = _points(sweep, data, milliseconds_axis(ends))
        limit = rows([{"value": objective.response_ms, "label": f"objective: {objective}"}])
        line = alt.Chart(limit).mark_rule(color=ORANGE, size=1.5, strokeDash=[6, 4])
        return _chart([line.encode(y=alt.Y("value:Q"), description=alt.Description("label:N")), *layers], size)

    label = f"objective, {formatting.milliseconds(objective.response_ms)}"
    own = [Key("dashed", ORANGE, label)]
    subtitle = f"p{objective.percentile:g}, logarithmic"
    return figure("Response time", subtitle, build, keys=own, sizes=(PANEL,))


def _axis_y() -> alt.Axis:
    return alt.Axis(tickCount=5, format=",~f")


def _row(sweep: SweepRecord, point: SweepPoint, value: Interval) -> Row:
    """Datum of a run: its level, whether it is valid, and whether the level met the objective, where known."""
    offset = (point.repeat - (sweep.repeats - 1) / 2) * _SPREAD
    probability = sweep.capacity.met_probability.get(point.level) if sweep.capacity else None
    status = point.verdict.status
    kind = "unused" if status != "valid" else "missed" if probability is not None and probability < 0.95 else "met"
    label = f"{point.level} {_load(sweep)}, run {point.repeat + 1}: {formatting.interval(value)}"
    if status != "valid":
        label += f" ({status}: not used)"
    return {
        "x": point.level * 2.0**offset,
        "level": point.level,
        "value": value.value,
        "low": value.low,
        "high": value.high if math.isfinite(value.high) else value.value,
        "kind": kind,
        "label": label,
    }


def _load(sweep: SweepRecord) -> str:
    return "users" if sweep.schedule.think else "busy connections"


def _along(law: Usl, sweep: SweepRecord) -> list[Row]:
    """Points of the law between the measured levels, evenly spaced on the logarithmic axis."""
    first, last = min(sweep.levels), max(sweep.levels)
    loads = [first * (last / first) ** (step / _STEPS) for step in range(_STEPS + 1)]
    predictions = [(n, law.predict(n)) for n in loads]
    return [{"x": n, "value": x.value, "low": x.low, "high": x.high} for n, x in predictions if isinstance(x, Interval)]


def _points(sweep: SweepRecord, data: Sequence[Row], y: alt.Y, along: Sequence[Row] = ()) -> list[alt.Chart]:
    """Layer of runs and their intervals over ``along`` in its band, or over the means of levels."""
    x = alt.X(
        "x:Q",
        title=_load(sweep),
        scale=alt.Scale(type="log", base=2, domain=[min(sweep.levels) * 0.85, max(sweep.levels) * 1.18], nice=False),
        axis=alt.Axis(values=list(sweep.levels), format="d"),
    )
    shown = alt.Scale(domain=["met", "missed", "unused"])
    colour = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=shown.domain, range=[BLUE, ORANGE, MUTED]))
    shape = alt.Shape("kind:N", legend=None, scale=alt.Scale(domain=shown.domain, range=["circle", "diamond", "cross"]))
    base = alt.Chart(rows(data))
    used = [row for row in data if row["kind"] != "unused"]
    line = alt.Chart(rows(along or _middles(used)))
    middle = line.mark_line(color=MUTED, opacity=0.6 if along else 0.4, strokeWidth=2)
    band = line.mark_area(color=MUTED, opacity=0.15).encode(x=x, y=alt.Y("low:Q", title=None), y2=alt.Y2("high:Q"))
    bars = base.mark_rule(size=1.5).encode(x=x, y=alt.Y("low:Q", title=None), y2=alt.Y2("high:Q"), color=colour)
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=x, y=y, color=colour, shape=shape, description=alt.Description("label:N")
    )
    return [*([band] if along else []), middle.encode(x=x, y=y), bars, dots]


def _middles(data: Sequence[Row]) -> list[Row]:
    """Mean of each level's runs, to guide the eye."""
    levels: dict[int, list[float]] = {}
    for row in data:
        levels.setdefault(int(row["level"] or 0), []).append(float(row["value"] or 0))
    return [{"x": level, "value": sum(values) / len(values)} for level, values in sorted(levels.items())]


def _chart(layers: Sequence[alt.Chart], size: Size) -> alt.LayerChart:
    return alt.LayerChart(layer=list(layers)).properties(width=size.width, height=size.height)


def keys(sweep: SweepRecord) -> tuple[Key, ...]:
    """Legend of a sweep's charts."""
    met = "a run, with its interval" if sweep.capacity is None else "run at a level that met the objective"
    legend = [Key("dot", BLUE, met)]
    if sweep.capacity is not None and any(p < 0.95 for p in sweep.capacity.met_probability.values()):
        legend.append(Key("open", ORANGE, "run at a level that did not"))
    if any(point.verdict.status != "valid" for point in sweep.points):
        legend.append(Key("cross", MUTED, "run not valid, not used"))
    return tuple(legend)
