"""``loadgen reset``: remove what init and seed created."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from loadgen.cli import options
from loadgen.cli.options import option
from loadgen.cli.output import emit_values, say
from loadgen.errors import NegativeAnswer, UsageError


@options.expanded
def reset(
    database: options.Database,
    allow_unmarked: options.AllowUnmarked = None,
    yes: Annotated[
        bool, option("--yes", of=options.FLAG, group=options.DATABASE, help="Skip the confirmation.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Drop what init and seed created; the database itself stays.

    Removes all synthetic rows and the mark, and lists first what it will drop. Refuses while the database is in use,
    and if one of these tables holds rows or columns that loadgen did not create.

    Example: loadgen reset --dsn "host=db.example.com dbname=load"
    """
    from capacity.formatting import counted
    from loadgen.database.connect import connect, resolve
    from loadgen.database.faults import faults
    from loadgen.database.guard import one_at_a_time
    from loadgen.database.locks import Use, hold, holder_name
    from loadgen.database.removal import plan_removal, remove
    from loadgen.observe.pooler import require_sessions

    if not yes and not sys.stdin.isatty():
        raise UsageError("reset needs confirmation, and stdin is not a terminal; add --yes to confirm")
    target = resolve(database.settings())
    require_sessions(target)
    with faults(target), connect(target, autocommit=True, application_name=holder_name(Use.RESET)) as conn:
        hold(conn, Use.RESET)
        removal = plan_removal(conn, allow_unmarked)
        say(f"{target}: to be dropped:")
        for item in removal.objects:
            say(f"  {item}")
        if not yes and not typer.confirm(f"Drop all of this in {target}?", err=True):
            raise NegativeAnswer("nothing was changed")
        with one_at_a_time(conn):
            remove(conn, removal)
    if json:
        dropped = [{"type": item.type, "name": item.name} for item in removal.objects]
        emit_values("loadgen.reset/2", database=target.database, dropped=dropped)
    say(f"{target}: dropped {counted(len(removal.objects), 'object')} and the mark; to create them again: loadgen init")
