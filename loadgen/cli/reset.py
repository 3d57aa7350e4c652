"""``loadgen reset``: remove what init and seed made."""

from __future__ import annotations

import sys

import typer

from loadgen.cli import options
from loadgen.cli.output import emit_values, say
from loadgen.errors import NegativeAnswer, UsageError


def reset(
    dsn: options.Dsn = None,
    instance: options.Instance = None,
    allow_unmarked: options.AllowUnmarked = None,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Remove the application's tables with all rows, and the mark; the database itself stays.

    ``loadgen.reset/1``: database.
    """
    from loadgen import settings
    from loadgen.database import schema
    from loadgen.database.connect import connect, resolve
    from loadgen.database.faults import faults
    from loadgen.database.guard import require_synthetic

    target = resolve(settings.load(dsn=dsn, instance=instance))
    with faults(target), connect(target) as conn:
        require_synthetic(conn, allow_unmarked)
        conn.rollback()  # no transaction stays open while somebody thinks
        if not yes:
            _confirm(str(target))
        schema.drop(conn)
    if json:
        emit_values("loadgen.reset/1", database=target.database)
    say(f"{target}: its tables and its mark are removed; make them anew: loadgen init")


def _confirm(what: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("reset removes every row and there is no terminal to ask on; add --yes if that is meant")
    if not typer.confirm(f"Remove every table and row of {what}?", err=True):
        raise NegativeAnswer("nothing was changed")
