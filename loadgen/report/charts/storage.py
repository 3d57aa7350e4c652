"""Chart of bytes on disk, by table and part of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt

from capacity import formatting
from capacity.values import TableSize
from loadgen.report.charts.drawing import DEEP, MIDDLE, PALE, Figure, Key, Row, Size, figure, rows

PARTS: Final = (("heap", DEEP), ("TOAST", MIDDLE), ("indexes", PALE))
_MB: Final = 1_024**2


def tables(sizes: Sequence[TableSize]) -> Figure:
    """Draw a bar a table, largest first: heap, TOAST and indexes."""
    ordered = sorted(sizes, key=lambda table: -table.total_bytes)
    data = [row for table in ordered for row in _rows(table)]

    def build(size: Size) -> alt.LayerChart:
        y = alt.Y(
            "table:N",
            sort=[table.name for table in ordered],
            title=None,
            axis=alt.Axis(domain=False, ticks=False, labelLimit=180, labelColor="var(--ink)"),
            scale=alt.Scale(paddingInner=0.35),
        )
        x = alt.X("mb:Q", title="MB", axis=alt.Axis(tickCount=4 if size.narrow else 8, grid=True, domain=False))
        colour = alt.Color(
            "part:N",
            legend=None,
            scale=alt.Scale(domain=[name for name, _ in PARTS], range=[colour for _, colour in PARTS]),
        )
        bars = (
            alt.Chart(rows(data))
            .mark_bar()
            .encode(y=y, x=x, color=colour, order=alt.Order("rank:O"), description=alt.Description("label:N"))
        )
        return alt.LayerChart(layer=[bars]).properties(width=size.width, height=28 * len(ordered))

    keys = [Key("block", colour, name) for name, colour in PARTS]
    sizes_drawn = (Size(640, 0), Size(210, 0))
    return figure("Storage by table", "bytes on disk, measured", build, keys=keys, sizes=sizes_drawn)


def _rows(table: TableSize) -> list[Row]:
    parts = (table.heap_bytes, table.toast_bytes, table.index_bytes)
    return [
        {
            "table": table.name,
            "part": name,
            "rank": rank,
            "mb": value / _MB,
            "label": f"{table.name}, {name}: {formatting.size(value)}",
        }
        for rank, ((name, _), value) in enumerate(zip(PARTS, parts, strict=True))
    ]
