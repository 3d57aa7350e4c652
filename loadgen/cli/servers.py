"""How every verb prints an embedded server: a table for people, fields for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from loadgen.cli.output import say

if TYPE_CHECKING:
    from loadgen.database.embedded import Status

FORMAT = "loadgen.server/1"

Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="Name of the server. Default: default.", show_default=False)
]


def values(status: Status) -> dict[str, object]:
    """Values of ``loadgen.server/1`` for a server."""
    from loadgen.database.cluster import DATABASE, SUPERUSER, socket_dsn

    server = status.postmaster
    return {
        "name": status.name,
        "running": status.running,
        "version": status.version,
        "database": DATABASE,
        "user": SUPERUSER,
        "host": str(server.socket_dir) if server else None,
        "port": server.port if server else None,
        "pid": server.pid if server else None,
        "dsn": socket_dsn(server) if server else None,
        "data_dir": str(status.data_dir),
        "log": str(status.log),
        "pgpass": str(status.pgpass),
    }


def show(status: Status) -> None:
    """Show a server: whether it runs, and how to connect."""
    from loadgen.database.cluster import DATABASE, SUPERUSER, socket_dsn

    server = status.postmaster
    if server is None:
        say(f"{status.name}: not running; start it: loadgen up {status.name}")
        return
    say(f"{status.name}: PostgreSQL {status.version}, running as pid {server.pid}")
    say(f"  loadgen     loadgen psql --instance {status.name}")
    say(f'  by socket   psql "{socket_dsn(server)}"')
    say(
        f'  by TCP      PGPASSFILE={status.pgpass} psql "host=127.0.0.1 port={server.port} '
        f'user={SUPERUSER} dbname={DATABASE}"'
    )
    say(f"  log         {status.log}")
