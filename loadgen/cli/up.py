"""``loadgen up``: start an embedded server."""

from __future__ import annotations

from typing import Annotated

import typer

from loadgen.cli import options, servers
from loadgen.cli.output import emit_values


def up(
    name: servers.Name = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", help="Port on 127.0.0.1. Default: the last one, else any free.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Start an embedded PostgreSQL server.

    Finds it if it runs already, and prints how to reach it.

    Example: loadgen up
    """
    from loadgen import settings
    from loadgen.database.embedded import Instance

    instance = Instance.from_settings(settings.load(instance=name))
    instance.start(port)
    status = instance.status()
    if json:
        emit_values(servers.FORMAT, **servers.values(status))
    else:
        servers.show(status)
