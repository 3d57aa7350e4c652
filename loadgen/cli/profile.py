"""``loadgen profile``: the shape of a production database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from loadgen.cli import options, quantities
from loadgen.cli.options import ParameterType, Seconds, option
from loadgen.cli.output import console, emit, say

if TYPE_CHECKING:
    from rich.table import Table

    from loadgen.profiling.format import ColumnShape, FanOut, Profile


Schema = Annotated[
    str, option("--schema", of="NAME", group=options.DATABASE, help="Schema of the application's tables.")
]
Timeout = Annotated[
    float,
    option(
        "--timeout", of=ParameterType("DURATION", quantities.duration(least_s=0.001)), group=options.DATABASE,
        help="Longest duration of a statement on the server.",
    ),
]  # fmt: skip
OutputFile = Annotated[
    Path | None,
    option("--output", "-o", of="FILE", group=options.OUTPUT, help="Write the profile to this file, for seed --like."),
]


@options.expanded
def profile(
    *,
    schema: Schema = "public",
    timeout: Timeout = Seconds(60),
    output: OutputFile = None,
    database: options.Database,
    json: options.Json = False,
) -> None:
    """Read a production database's shape, and no stored value.

    The shape is table and column sizes, rows per user, growth and the mix of statements. Only reads, in short
    transactions, and samples large tables. The output holds no stored value: only numbers that describe ten users or
    more, months, and words of a fixed vocabulary.

    Example: loadgen profile --output profile.json
    """
    from loadgen.database.connect import resolve
    from loadgen.profiling.profile import make_profile, to_json
    from loadgen.runs.documents import write_atomically

    target = resolve(database.settings())
    shape = make_profile(target, say, schema=schema, timeout_s=timeout)
    document = to_json(shape)
    if output is not None:
        write_atomically(output, document)
    if json:
        emit(document)
    _show(shape)
    if output is not None:
        say(f"written to {output}")
    elif not json:
        say("to write it to a file: loadgen profile --output profile.json")


def _show(profile: Profile) -> None:
    from capacity.formatting import size
    from loadgen.profiling.profile import explain

    out = console()
    rows_per_user = {fan_out.table: fan_out for fan_out in profile.fan_outs.tables} if profile.fan_outs else {}
    shown = _table("table", "rows", "heap", "toast", "indexes", "per user", "none", "90%", "99%")
    for t in profile.tables:
        about = "" if t.counted else "~"
        rows = "unknown" if t.rows is None else f"{about}{t.rows:,}"
        sizes = (size(part) for part in (t.heap_bytes, t.toast_bytes, t.index_bytes))
        shown.add_row(t.name, rows, *sizes, *_fan_out(rows_per_user.get(t.name)))
    out.print(shown)
    wide = _table("column", "null", "text bytes", "stored", "99%")
    for t in profile.tables:
        for c in t.columns:
            if c.text is not None:
                wide.add_row(f"{t.name}.{c.name}", *_widths(c))
    out.print(wide)
    for growth in profile.growth:
        if growth.months:
            first, last = growth.months[0], growth.months[-1]
            say(f"{growth.table} by month: {first.rows:,} in {first.month} … {last.rows:,} in {last.month}")
    if profile.statements is not None:
        shared = sum(s.calls for s in profile.statements.statements)
        writes = sum(s.calls for s in profile.statements.statements if s.writes)
        share = f", {writes / shared:.0%} of calls write" if shared else ""
        say(f"statements: {len(profile.statements.statements)} on these tables{share}")
    if profile.others.tables:
        say(f"other tables: {profile.others.tables:,}, {size(profile.others.bytes)}")
    for name in profile.missing:
        say(f"missing: {name}")
    for note in profile.notes:
        say(f"note: {explain(note)}")


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(*headings, box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
        column.justify = "left" if column is table.columns[0] else "right"
    return table


def _fan_out(fan_out: FanOut | None) -> tuple[str, str, str, str]:
    if fan_out is None:
        return "", "", "", ""
    by_p = {q.p: f"{q.value:,}" for q in fan_out.quantiles}
    return f"{fan_out.mean:g}", f"{fan_out.without:.0%}", by_p.get(0.9, ""), by_p.get(0.99, "")


def _widths(column: ColumnShape) -> tuple[str, str, str, str]:
    text, stored = column.text, column.stored
    top = next((f"{q.value:,}" for q in text.quantiles if q.p == 0.99), "") if text else ""
    null = "" if column.null_share is None else f"{column.null_share:.1%}"
    return null, f"{text.mean_bytes:,.0f}" if text else "", f"{stored.mean_bytes:,.0f}" if stored else "", top
