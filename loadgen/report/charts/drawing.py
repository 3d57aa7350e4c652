"""Drawing of Vega-Lite specifications as inline SVG, without JavaScript, for light and dark and paper.

Colours are CSS variables of the page, so one drawing serves both schemes; a mark's description becomes its native
tooltip. Nothing is fetched: vl-convert holds Vega and its fonts.

Charts name their channels by class, ``alt.Y2("high:Q")``: for ``y2="high:Q"`` Altair hashes its whole schema each time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from xml.etree import ElementTree

import altair as alt
import vl_convert
from markupsafe import Markup

Mark = Literal["dot", "open", "cross", "line", "dashed", "band", "block", "arrow"]
Row = dict[str, str | float | int | bool | None]
"""One datum of a chart."""

INK, MUTED, GRID = "var(--ink)", "var(--muted)", "var(--grid)"
BLUE, ORANGE, GREEN = "var(--blue)", "var(--orange)", "var(--green)"
DEEP, MIDDLE, PALE = "var(--deep)", "var(--middle)", "var(--pale)"

_SVG: Final = "{http://www.w3.org/2000/svg}"
_MS_LABEL: Final = "datum.value >= 1000 ? format(datum.value / 1000, '~r') + ' s' : format(datum.value, '~r') + ' ms'"
_VEGA_LITE: Final = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


@dataclass(frozen=True, slots=True)
class Size:
    """Plotting area in CSS pixels, without axes."""

    width: int
    height: int

    @property
    def narrow(self) -> bool:
        return self.width < 420


WIDE: Final = Size(790, 260)
NARROW: Final = Size(296, 210)
PANEL: Final = Size(360, 230)
"""Size for half of the page or a phone's whole width."""


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend: mark, colour and meaning."""

    mark: Mark
    colour: str
    label: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawn chart. ``narrow`` replaces ``wide`` on a phone; None if one drawing serves both."""

    title: str
    subtitle: str
    keys: tuple[Key, ...]
    wide: Markup
    narrow: Markup | None


Build = Callable[[Size], alt.LayerChart]


def figure(
    title: str,
    subtitle: str,
    build: Build,
    *,
    keys: Sequence[Key] = (),
    sizes: Sequence[Size] = (WIDE, NARROW),
) -> Figure:
    """Draw ``build`` once for each size; the first is for wide pages, the second, if any, for phones."""
    drawings = [draw(build(size), f"{title}: {subtitle}") for size in sizes]
    return Figure(title, subtitle, tuple(keys), drawings[0], drawings[1] if len(drawings) > 1 else None)


def draw(chart: alt.LayerChart, label: str) -> Markup:
    """Draw SVG for embedding in HTML; ``label`` is its text for screen readers."""
    svg = vl_convert.vegalite_to_svg(_styled(chart).to_dict(), vl_version=_VEGA_LITE, allowed_base_urls=[])
    return Markup(_inline(svg, label))  # ElementTree has escaped all text


class _Shared(alt.InlineData):
    """Rows shared by copies of a chart: Altair copies deeply each time that it combines layers."""

    def __deepcopy__(self, memo: object = None) -> _Shared:
        return self


def rows(data: Sequence[Row]) -> alt.InlineData:
    """Data of a chart or layer."""
    return _Shared(values=[dict(row) for row in data])


def milliseconds_axis(values: Sequence[float]) -> alt.Y:
    """Logarithmic axis over positive ``values`` in ms, with a margin and few, round ticks."""
    low, high = min(values) / 1.25, max(values) * 1.25
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    return alt.Y("value:Q", title=None, scale=scale, axis=alt.Axis(values=_log_ticks(low, high), labelExpr=_MS_LABEL))


def _log_ticks(low: float, high: float) -> list[float]:
    """Ticks at 1, 2 and 5 of every decade, fewer over many decades."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low <= 100 else (1, 3) if high / low <= 1_000 else (1,)
    return [tick for decade in decades for step in steps if low <= (tick := step * 10.0**decade) <= high]


def _styled(chart: alt.LayerChart) -> alt.LayerChart:
    # In one call, since each call copies the chart.
    styled: alt.LayerChart = chart.configure(
        font="inherit",
        background="transparent",
        padding={"left": 4, "right": 14, "top": 12, "bottom": 4},
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=MUTED,
            titleColor=MUTED,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=10,
            labelPadding=6,
            domainColor=GRID,
            tickColor=GRID,
            gridColor=GRID,
        ),
        axisX=alt.AxisConfig(grid=False, labelFlush=False),
        axisY=alt.AxisConfig(domain=False, ticks=False, minExtent=54),
        text=alt.MarkConfig(fontSize=12, color=MUTED),
    )
    return styled


def _inline(svg: str, label: str) -> str:
    root = ElementTree.fromstring(svg)
    width = root.attrib.pop("width")
    root.attrib.pop("height")
    root.set("style", f"max-width:{float(width):.0f}px")
    root.set("role", "img")
    root.set("aria-label", label)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        described = element.attrib.pop("aria-label", None) if element is not root else None
        if described and element.get("aria-roledescription") not in {"axis", "legend", None}:
            ElementTree.SubElement(element, "title").text = described
        if element is not root:
            for name in ("role", "aria-roledescription", "aria-hidden"):
                element.attrib.pop(name, None)
    text = ElementTree.tostring(root, encoding="unicode")
    return re.sub(r"(\d\.\d\d)\d+", r"\1", text)  # to a hundredth of a pixel
