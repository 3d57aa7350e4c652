"""``loadgen checksum``: checksums of all rows, to compare databases."""

from __future__ import annotations

from loadgen.cli import options
from loadgen.cli.output import console, emit_values


@options.expanded
def checksum(database: options.Database, json: options.Json = False) -> None:
    """Compute a checksum of all rows, to compare databases.

    Two databases with the same rows have the same checksum, in whatever order they were written.

    Example: loadgen checksum
    """
    from loadgen.database.connect import connect, resolve
    from loadgen.database.faults import faults
    from loadgen.seeding import checksum as checksums

    target = resolve(database.settings())
    with faults(target), connect(target) as conn:
        tables = checksums.checksum(conn)
    whole = checksums.overall(tables)
    if json:
        emit_values(
            "loadgen.checksum/1",
            database=target.database,
            checksum=whole,
            tables={t.table: {"rows": t.rows, "checksum": t.checksum} for t in tables},
        )
    from rich.table import Table

    shown = Table("table", "rows", "checksum", title=f"{target}: {whole}", title_justify="left")
    for t in tables:
        shown.add_row(t.table, f"{t.rows:,}", t.checksum)
    console().print(shown)
