"""Charts of the planned servers' capacity beside the demand, and of the inputs' uncertainty."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from capacity import formatting
from capacity.plan import Plan
from capacity.sizing import Sensitivity, Sizing
from loadgen.report.charts.drawing import BLUE, GREEN, INK, MUTED, ORANGE, Figure, Key, Row, Size, figure, rows
from loadgen.report.charts.growth import FAR, axis_y, banded, demand_rows, layered, time_axis


def carried(plan: Plan, sizing: Sizing) -> Figure | None:
    """Draw peak demand over time beside the capacity of each stage's servers; None without demand or servers."""
    data = demand_rows(plan)
    stages: list[Row] = [
        {
            "x": stage.from_date.isoformat(),
            "until": stage.until.isoformat(),
            "low": held.low,
            "value": held.value,
            "high": held.high,
            "label": f"{stage.server}, {formatting.counted(stage.replicas, 'read replica')}: "
            f"{formatting.interval(held)} transactions per second",
        }
        for stage in sizing.stages
        if (held := stage.carries_tps) is not None
    ]
    top = max((float(row["high"] or 0) for row in data), default=0.0)
    # A capacity far above the demand would flatten the demand to a line at the bottom.
    if not data or not stages or min(float(str(stage["low"])) for stage in stages) > FAR * top:
        return None

    def build(size: Size) -> alt.LayerChart:
        x = time_axis(size)
        y = alt.Y("value:Q", title=None, axis=axis_y(size), scale=alt.Scale(zero=True))
        held = alt.Chart(rows(stages))
        layers = [
            held.mark_rect(color=GREEN, opacity=0.13).encode(
                x=x, x2=alt.X2("until:T"), y=alt.Y("low:Q", title=None), y2=alt.Y2("high:Q")
            ),
            *banded(data, x, y),
            held.mark_rule(color=GREEN, size=2.5).encode(
                x=x, x2=alt.X2("until:T"), y=y, description=alt.Description("label:N")
            ),
        ]
        return layered(layers, size)

    keys = [
        Key("line", BLUE, "peak demand, with its interval"),
        Key("line", GREEN, "what the planned servers carry at the objective, with its interval"),
    ]
    return figure("Peak demand and what the servers carry", "transactions a second", build, keys=keys)


def tornado(matters: Sequence[Sensitivity]) -> Figure | None:
    """Draw the load at the horizon over the range of each input alone, widest first; None without uncertainty."""
    shown = sorted(
        ((one, alone) for one in matters if (alone := one.alone) is not None),
        key=lambda pair: pair[1].low - pair[1].high,
    )
    if not shown:
        return None
    middle = shown[0][1].value
    data: list[Row] = []
    for one, alone in shown:
        for end in (alone.low, alone.high):
            greater = (end > alone.value) is one.raises
            name = one.name.replace("_", " ").replace(".", ": ")
            data.append(
                {
                    "name": name,
                    "from": middle,
                    "to": end,
                    "kind": "high" if greater else "low",
                    "label": f"{name} at its {'upper' if greater else 'lower'} end: {formatting.number(end)} servers",
                }
            )
    order = list(dict.fromkeys(str(row["name"]) for row in data))

    def build(size: Size) -> alt.LayerChart:
        title = "load at the horizon, in measured servers"
        y = alt.Y("name:N", sort=order, title=None, axis=None if size.narrow else _names())
        colour = alt.Color("kind:N", legend=None, scale=alt.Scale(domain=["low", "high"], range=[BLUE, ORANGE]))
        base = alt.Chart(rows(data))
        bars = base.mark_bar(height=14, opacity=0.85).encode(
            y=y,
            x=alt.X("from:Q", title=title, axis=alt.Axis(tickCount=4 if size.narrow else 8, grid=True, domain=False)),
            x2=alt.X2("to:Q"),
            color=colour,
            description=alt.Description("label:N"),
        )
        rule = alt.Chart(rows([{"from": middle, "label": f"all in their middle: {formatting.number(middle)} servers"}]))
        layers = [
            bars,
            rule.mark_rule(color=INK, size=1.5).encode(x=alt.X("from:Q"), description=alt.Description("label:N")),
        ]
        if size.narrow:
            # Names stand above their bars, without room at the side.
            text = base.transform_filter("datum.kind == 'high'").mark_text(
                align="left", baseline="bottom", dy=-9, color=INK
            )
            layers.append(text.encode(x=alt.value(0), y=y, text=alt.Text("name:N")))
        return layered(layers, Size(size.width, (40 if size.narrow else 28) * len(order)))

    keys = (
        Key("block", BLUE, "with the input at its lower end"),
        Key("block", ORANGE, "with the input at its upper end"),
        Key("line", INK, "all inputs in their middle"),
    )
    subtitle = "the load over the range of each input alone"
    return figure("What the load depends on", subtitle, build, keys=keys, sizes=(Size(600, 0), Size(296, 0)))


def _names() -> alt.Axis:
    return alt.Axis(domain=False, ticks=False, labelLimit=220, labelColor=INK, titleColor=MUTED)
