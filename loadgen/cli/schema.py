"""``loadgen schema``: JSON Schema of the documents of ``--json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loadgen.cli import options
from loadgen.cli.options import option
from loadgen.cli.output import emit, emit_values, say
from loadgen.errors import UsageError


def schema(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="Kind of document: run, sweep, plan, forecast, …")
    ] = None,
    output: Annotated[
        Path | None,
        option("--output", "-o", of="DIR", group=options.OUTPUT, help="Write one file per schema to this directory."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Print the JSON Schema of a document that --json prints.

    Without KIND, lists the kinds. With --json, the schema is part of a document that also names the kind.

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
