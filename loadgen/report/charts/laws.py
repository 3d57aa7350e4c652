"""Chart of a sweep's latency against utilisation, with bounds and objective."""

from __future__ import annotations

import math

import altair as alt

from capacity import formatting
from capacity.latency import CurvePoint, LatencyCurve
from loadgen.report.charts.drawing import (
    BLUE,
    GREEN,
    INK,
    MIDDLE,
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
from loadgen.report.laws import Laws

_SHARE = "share of the greatest throughput measured"
_PERCENT = "format(datum.value * 100, '~r') + '%'"


def latency(laws: Laws, objective_ms: float) -> Figure | None:
    """Draw a percentile of response against the share of the greatest throughput, by level; None without a curve."""
    curve, target = laws.curve, laws.target
    if not isinstance(curve, LatencyCurve):
        return None
    name = f"p{laws.percentile:g}"
    data = [_point(name, point.measured) for point in laws.points]
    drawn: list[Row] = [{"x": x, "value": ms, "order": order} for order, (x, ms) in enumerate(curve.drawn())]
    top = max(objective_ms, *(float(row["high"] or 0) for row in data)) * 1.5
    mva: list[Row] = [
        {"x": p.measured.utilisation.value, "value": p.cpu_alone_ms.value, "order": p.measured.level}
        for p in laws.points
        if p.cpu_alone_ms
    ]
    erlang: list[Row] = [{"x": x, "value": ms, "order": x} for x, ms in laws.latency.arrivals_ms if ms <= top]
    ends = [objective_ms, *(float(row[end] or 0) for row in data for end in ("low", "high"))]
    ends += [float(row["value"] or 0) for row in (*mva, *erlang)]

    def build(size: Size) -> alt.LayerChart:
        x = alt.X(
            "x:Q",
            title=_SHARE,
            scale=alt.Scale(domain=[0, 1.02], nice=False, clamp=True),
            axis=alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], labelExpr=_PERCENT),
        )
        y = milliseconds_axis(ends)
        layers = []
        if target is not None:
            crossing = target.crossing
            label = f"met with P ≥ 95% up to {formatting.share(target.utilisation)}"
            low = target.utilisation if target.met_everywhere else min(crossing.low, target.utilisation)
            source = rows([{"low": low, "x": target.utilisation, "high": crossing.high, "label": label}])
            layers.append(
                alt.Chart(source)
                .mark_rect(color=GREEN, opacity=0.13)
                .encode(x=alt.X("low:Q", title=_SHARE), x2=alt.X2("high:Q"))
            )
            layers.append(
                alt.Chart(source).mark_rule(color=GREEN, size=2).encode(x=x, description=alt.Description("label:N"))
            )
        limit = rows([{"value": objective_ms, "label": f"objective: {formatting.milliseconds(objective_ms)}"}])
        layers.append(
            alt.Chart(limit)
            .mark_rule(color=ORANGE, size=1.5, strokeDash=[6, 4])
            .encode(y=y, description=alt.Description("label:N"))
        )
        for bound, colour, dash in ((mva, MUTED, [3, 3]), (erlang, MIDDLE, [1, 0])):
            if bound:
                layers.append(
                    alt.Chart(rows(bound))
                    .mark_line(color=colour, strokeWidth=2, strokeDash=dash)
                    .encode(x=x, y=y, order=alt.Order("order:Q"))
                )
        base = alt.Chart(rows(data))
        layers += [
            alt.Chart(rows(drawn)).mark_line(color=BLUE, strokeWidth=2.5).encode(x=x, y=y, order=alt.Order("order:Q")),
            base.mark_rule(color=BLUE, size=1.5).encode(x=x, y=alt.Y("low:Q", title=None), y2=alt.Y2("high:Q")),
            base.mark_rule(color=BLUE, size=1.5).encode(x=alt.X("left:Q", title=_SHARE), x2=alt.X2("right:Q"), y=y),
            base.mark_point(color=BLUE, filled=True, size=60, opacity=1).encode(
                x=x, y=y, description=alt.Description("label:N")
            ),
            base.mark_text(color=INK, dy=-12, dx=-8).encode(x=x, y=y, text=alt.Text("level:N")),
        ]
        return alt.LayerChart(layer=layers).properties(width=size.width, height=size.height)

    keys = [
        Key("dot", BLUE, f"measured {name}, with its interval; the number is that of busy connections"),
        Key("line", BLUE, "the curve that decides: it never falls, and past the best level the load stays what it was"),
    ]
    if mva:
        keys.append(Key("dashed", MUTED, "busy connections queueing for the CPU alone, mean (MVA)"))
    if erlang:
        keys.append(Key("line", MIDDLE, f"arrivals queueing for the CPU alone, {name} (Erlang C)"))
    keys.append(Key("dashed", ORANGE, f"objective, {formatting.milliseconds(objective_ms)}"))
    if target is not None:
        crossed = "" if target.met_everywhere else ", with the interval of the crossing"
        keys.append(Key("line", GREEN, f"target: how busy it may be{crossed}"))
    sizes = (WIDE, NARROW)
    return figure("Latency against utilisation", f"{name} of response, logarithmic", build, keys=keys, sizes=sizes)


def _point(name: str, point: CurvePoint) -> Row:
    share, response = point.utilisation, point.response_ms
    return {
        "x": share.value,
        "left": share.low,
        "right": share.high,
        "value": response.value,
        "low": response.low,
        "high": response.high if math.isfinite(response.high) else response.value,
        "level": point.level,
        "label": f"{point.level} busy connections: {formatting.share(share.value)} of the greatest throughput, "
        f"{name} {formatting.interval(response)} ms",
    }
