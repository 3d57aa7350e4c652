"""Charts of published against stored figures: by age, and errors beside their tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt

from loadgen.fidelity.format import Figure as Stored
from loadgen.report.charts.drawing import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PANEL,
    Figure,
    Key,
    Row,
    Size,
    figure,
    rows,
)

PANELS: Final = {
    "income_median": ("Income", "median, thousands of today's dollars"),
    "net_worth_median": ("Net worth", "median, thousands of today's dollars"),
    "net_worth_mean": ("Net worth", "mean, thousands of today's dollars"),
    "home_hold": ("Home", "percent of households"),
    "home_debt_hold": ("Home-secured debt", "percent of households"),
    "retirement_hold": ("Retirement accounts", "percent of households"),
    "student_loan_hold": ("Student loans", "percent of households"),
    "card_balance_hold": ("Card balances", "percent of households"),
}
"""Measures drawn by age: title and unit."""

COLOURS: Final = {"within": GREEN, "outside": ORANGE, "undecided": MUTED}
_MOST = 3.0
"""Largest error drawn, in tolerances; larger ones stand at the edge."""


def by_age(figures: Sequence[Stored]) -> tuple[Figure, ...]:
    """Draw a panel a measure: published as a line with its tolerance, stored as a dot with its interval."""
    panels = []
    for measure, (title, unit) in PANELS.items():
        of_measure = [f for f in figures if f.measure == measure and f.topic == "by age"]
        if of_measure and any(f.stored is not None for f in of_measure):
            panels.append(_panel(title, unit, of_measure))
    return tuple(panels)


def _panel(title: str, unit: str, figures: Sequence[Stored]) -> Figure:
    data = [_row(f) for f in figures]
    order = [f.group for f in figures]

    def build(size: Size) -> alt.LayerChart:
        x = alt.X("group:N", sort=order, title=None, axis=alt.Axis(labelAngle=0, domain=False, ticks=False))
        y = alt.Y("published:Q", title=None, axis=alt.Axis(tickCount=5, format="~s"), scale=alt.Scale(zero=True))
        base = alt.Chart(rows(data))
        layers = [
            base.mark_bar(color=BLUE, opacity=0.22, size=26).encode(
                x=x, y=alt.Y("low_allowed:Q", title=None), y2=alt.Y2("high_allowed:Q")
            ),
            base.mark_tick(color=BLUE, thickness=2.5, size=26).encode(x=x, y=y),
            base.transform_filter("datum.low != null && datum.high != null")
            .mark_rule(color=INK, strokeWidth=1.5)
            .encode(x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q")),
            base.transform_filter("datum.stored != null")
            .mark_point(filled=True, size=70, opacity=1)
            .encode(
                x=x,
                y=alt.Y("stored:Q"),
                color=alt.Color(
                    "verdict:N", legend=None, scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
                ),
                description=alt.Description("label:N"),
            ),
        ]
        return alt.LayerChart(layer=layers).properties(width=size.width, height=170)

    return figure(title, unit, build, sizes=(PANEL,))


def _row(f: Stored) -> Row:
    scale = 1e-3 if f.unit == "dollars" else 1.0
    allowed = f.allowed if f.unit == "percent" else f.published * f.allowed / 100

    def scaled(value: float | None) -> float | None:
        return None if value is None else value * scale

    return {
        "group": f.group,
        "published": f.published * scale,
        "low_allowed": max((f.published - allowed) * scale, 0.0),
        "high_allowed": (f.published + allowed) * scale,
        "stored": scaled(f.stored),
        "low": scaled(f.low),
        "high": scaled(f.high),
        "verdict": f.verdict,
        "label": f"{f.group}: published {f.published * scale:,.1f}, stored "
        + ("nothing" if f.stored is None else f"{f.stored * scale:,.1f}, {f.verdict}"),
    }


def errors(figures: Sequence[Stored]) -> Figure | None:
    """Draw every figure's error as a share of its tolerance, a dot each; None if none was stored."""
    data: list[Row] = []
    for f in sorted(figures, key=lambda f: f.strain):
        if f.error is not None:
            strain = f.error / f.allowed
            shown = max(-_MOST, min(_MOST, strain))
            data.append(
                {
                    "topic": f.topic,
                    "strain": shown,
                    "verdict": f.verdict,
                    "label": f"{f.name}: {strain:+.2f} of what is allowed",
                }
            )
    if not data:
        return None
    topics = [topic for topic in ("by age", "households", "joint") if any(row["topic"] == topic for row in data)]

    def build(size: Size) -> alt.LayerChart:
        x = alt.X(
            "strain:Q",
            title="error, as a share of what is allowed",
            scale=alt.Scale(domain=[-_MOST, _MOST]),
            axis=alt.Axis(values=[-3, -2, -1, 0, 1, 2, 3], domain=False),
        )
        y = alt.Y("topic:N", sort=topics, title=None, axis=alt.Axis(domain=False, ticks=False, labelColor=INK))
        band = (
            alt.Chart(rows([{"low": -1, "high": 1}]))
            .mark_rect(color=GREEN, opacity=0.12)
            .encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"))
        )
        dots = (
            alt.Chart(rows(data))
            .mark_tick(thickness=2, size=28, opacity=0.75)
            .encode(
                x=x,
                y=y,
                color=alt.Color(
                    "verdict:N", legend=None, scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
                ),
                description=alt.Description("label:N"),
            )
        )
        return alt.LayerChart(layer=[band, dots]).properties(width=size.width, height=52 * len(topics))

    keys = [Key("block", colour, verdict) for verdict, colour in COLOURS.items()]
    keys.append(Key("band", GREEN, "allowed"))
    return figure(
        "Errors of all figures",
        "larger errors are drawn at the edge",
        build,
        keys=keys,
        sizes=(Size(680, 0), Size(230, 0)),
    )


def keys() -> tuple[Key, ...]:
    """Legend of the panels by age."""
    return (
        Key("line", BLUE, "published"),
        Key("band", BLUE, "what is allowed around it"),
        Key("dot", GREEN, "stored: within"),
        Key("dot", ORANGE, "outside"),
        Key("dot", MUTED, "undecided"),
        Key("line", INK, "95 of 100 samples of this size"),
    )
