"""``loadgen up``: start an embedded server."""

from __future__ import annotations

from typing import Annotated

from loadgen.cli import options, servers
from loadgen.cli.options import option
from loadgen.cli.output import emit_values


def up(
    name: servers.Name = None,
    port: Annotated[
        int | None,
        option(
            "--port",
            of=options.integer(1024, 65_535, "PORT"),
            group=options.SERVER,
            help="Port on 127.0.0.1. Default: the previous one, else any free port.",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Start an embedded PostgreSQL server, or find it running.

    Prints how to connect to it.

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
