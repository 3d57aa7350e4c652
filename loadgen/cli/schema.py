"""``loadgen schema``: JSON Schema of the documents of ``--json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loadgen.cli import options
from loadgen.cli.output import emit, emit_values, say
from loadgen.errors import UsageError


def schema(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help="run, sweep, plan, forecast, …; without one, a list of all.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write every schema there, a file each.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Print the JSON Schema of a document that --json prints.

    It goes to stdout as it is; with --json inside of ``loadgen.schema/1``. Without a kind there is a list of them.

    Example: loadgen schema run
    """
    import orjson

    from loadgen.cli import schemas
    from loadgen.runs.documents import write_atomically

    known = schemas.kinds()
    if kind is not None and kind not in known:
        raise UsageError(f"no schema {kind!r}; there are {', '.join(known)}")
    if output is not None:
        for name in [kind] if kind is not None else known:
            text = orjson.dumps(schemas.schema(name), option=orjson.OPT_INDENT_2).decode()
            write_atomically(output / f"{name}.json", text + "\n")
        say(f"written to {output}")
    elif kind is None:
        say("kinds: " + ", ".join(known))
    elif not json:
        emit(orjson.dumps(schemas.schema(kind), option=orjson.OPT_INDENT_2).decode())
    if json and kind is not None:
        emit_values("loadgen.schema/1", kind=kind, schema=schemas.schema(kind))
    elif json:
        emit_values("loadgen.schemas/1", kinds=list(known))
