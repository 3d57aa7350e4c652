"""``loadgen init``: the application's schema and the synthetic mark."""

from __future__ import annotations

from loadgen.cli import options
from loadgen.cli.output import emit_values, say


@options.expanded
def init(
    database: options.Database,
    allow_unmarked: options.AllowUnmarked = None,
    json: options.Json = False,
) -> None:
    """Mark an empty database as synthetic and create the schema.

    On a marked database, applies the schema files that are missing. loadgen seed does this by itself.

    Example: loadgen init --dsn "host=db.example.com dbname=load"
    """
    from capacity.formatting import counted
    from loadgen.database.connect import connect, resolve
    from loadgen.database.faults import faults
    from loadgen.database.guard import initialise, read_mark
    from loadgen.errors import EnvironmentFault
    from loadgen.observe.pooler import require_sessions

    target = resolve(database.settings())
    require_sessions(target)
    with faults(target), connect(target) as conn:
        applied = initialise(conn, allow_unmarked)
        mark = read_mark(conn)
    if mark is None:
        raise EnvironmentFault(f"{target}: its mark was removed at the same time; run: loadgen init")
    if json:
        emit_values(
            "loadgen.init/1",
            database=target.database,
            schema_version=mark.schema_version,
            applied=list(applied),
            marked_at=mark.marked_at.isoformat(),
        )
    what = f"applied {counted(len(applied), 'schema file')}" if applied else "nothing to do"
    say(f"{target}: {what}; schema {mark.schema_version}, marked as synthetic")
