"""Terminal output of a fidelity record, largest errors first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from capacity.formatting import counted
from loadgen.cli.output import console

if TYPE_CHECKING:
    from rich.table import Table

    from loadgen.fidelity.format import Check, FidelityRecord, Figure

WORST = 10
_WIDE = 140
"""Width in columns without a terminal."""
_SIGNS = {"within": "[green]✓[/green]", "outside": "[red]✗[/red]", "undecided": "[yellow]?[/yellow]"}


def show(record: FidelityRecord, *, everything: bool) -> None:
    """Show figures outside and the worst ten others, broken rules, bytes, rows per user, documents and estimates."""
    out = console()
    if not out.is_terminal:
        out.width = _WIDE
    data = record.database.fingerprint
    out.print(
        f"[bold]{record.database.name}[/bold]: {record.users:,} users, seed {data.seed}, model {data.model_version}; "
        f"{counted(record.under_water, 'household')} with a negative net worth, stored as 0"
    )
    out.print(
        f"figures and rules: {record.count('within')} within ✓, {record.count('outside')} outside ✗, "
        f"{record.count('undecided')} undecided ? (too few households to decide, or not stored)"
    )
    out.print(_figures(record, everything=everything))
    broken = [c for c in record.checks if everything or c.verdict == "outside"]
    if broken:
        out.print(_checks(broken))
    holding = sum(c.verdict == "within" for c in record.checks)
    out.print(f"{holding} of {len(record.checks)} rules hold")
    for table in (_sizes(record), _use(record), _documents(record), _estimates(record, everything=everything)):
        out.print()
        out.print(table)


def _figures(record: FidelityRecord, *, everything: bool) -> Table:
    """Show figures, worst first by error as a share of the tolerance."""
    worst_first = sorted(record.figures, key=lambda f: -f.strain)
    outside = [f for f in worst_first if f.verdict == "outside"]
    others = [f for f in worst_first if f.verdict != "outside"]
    table = _table("", "figure", "published", "stored", "error (allowed)", left=2)
    for f in (*outside, *(others if everything else others[:WORST])):
        unit = " pt" if f.unit == "percent" else "%"
        error = "" if f.error is None else f"{f.error:+.1f}{unit} ({f.allowed:.3g})"
        stored = "not stored" if f.stored is None else _amount(f, f.stored)
        table.add_row(_SIGNS[f.verdict], f.name, _amount(f, f.published), stored, error)
    return table


def _amount(figure: Figure, value: float) -> str:
    if figure.unit == "dollars":
        return f"${value:,.0f}"
    return f"{value:.1f}%" if figure.unit == "percent" else f"{value:.2f}"


def _checks(checks: Iterable[Check]) -> Table:
    table = _table("", "violations", "rows", "rule", folds="rule")
    for check in checks:
        table.add_row(_SIGNS[check.verdict], f"{check.violating:,}", f"{check.checked:,}", check.rule)
    return table


def _sizes(record: FidelityRecord) -> Table:
    from capacity.formatting import size

    table = _table("table", "rows", "heap", "TOAST", "indexes", "per row")
    for state in record.tables:
        t = state.size
        sizes = (size(t.heap_bytes), size(t.toast_bytes), size(t.index_bytes), size(state.bytes_per_row))
        table.add_row(t.name, f"{t.rows:,}", *sizes)
    return table


def _use(record: FidelityRecord) -> Table:
    """Show traces of use, and rows per user."""
    from capacity.formatting import count, share

    fan_outs = {fan_out.table: fan_out for fan_out in record.fan_outs}
    table = _table("table", "in TOAST", "dead rows", "per user", "none", "50%", "90%", "99%", "max")
    for state in record.tables:
        fan_out = fan_outs.get(state.size.name)
        per_user = (
            (
                f"{fan_out.mean:.2f}",
                share(fan_out.without),
                *map(count, (fan_out.p50, fan_out.p90, fan_out.p99, fan_out.most)),
            )
            if fan_out
            else ()
        )
        table.add_row(state.size.name, share(state.toasted_share), count(state.dead_rows), *per_user)
    return table


def _documents(record: FidelityRecord) -> Table:
    from capacity.formatting import count, share

    table = _table("column", "null", "text bytes", "stored", "compressed", "in TOAST")
    for d in record.documents:
        shares = share(d.compressed_share), share(d.toasted_share)
        table.add_row(d.column, share(d.null_share), count(d.text_bytes), count(d.stored_bytes), *shares)
    return table


def _estimates(record: FidelityRecord, *, everything: bool) -> Table:
    """Show the planner's estimates by the worst node of the worst draw."""
    from capacity.formatting import number

    table = _table("statement", "estimated", "actual", "factor", "median", "worst node", folds="worst node")
    ordered = sorted(record.estimates, key=lambda e: -((e.worst.q_error if e.worst else None) or 0.0))
    for e in ordered if everything else [e for e in ordered if e.worst is not None or not e.draws][:WORST]:
        node = e.worst or e.top
        document = f"searches a document: {e.jsonb_condition}" if e.jsonb_condition else ""
        about = "; ".join(filter(None, (node.node if node else "", e.note, document)))
        if node is None:
            table.add_row(e.statement, "", "", "", "", about)
            continue
        off = f"{node.q_error:.3g} ×" if node.q_error is not None else ""
        median = f"{e.median_worst_q_error:.3g} ×" if e.median_worst_q_error is not None else ""
        came = "" if node.actual_rows is None else number(node.actual_rows)
        table.add_row(e.statement, number(node.estimated_rows), came, off, median, about)
    return table


def _table(*headings: str, left: int = 1, folds: str = "") -> Table:
    """Make a table whose first ``left`` columns, and the one that may fold, are aligned left."""
    from rich.table import Table

    table = Table(*headings, box=None, pad_edge=False)
    for place, column in enumerate(table.columns):
        column.no_wrap = column.header != folds
        column.justify = "left" if place < left or column.header == folds else "right"
    return table
