"""``loadgen down``: stop an embedded server."""

from __future__ import annotations

from typing import Annotated

from loadgen.cli import options, servers
from loadgen.cli.options import option
from loadgen.cli.output import emit_values, say
from loadgen.errors import UsageError


def down(
    name: servers.Name = None,
    delete: Annotated[
        bool, option("--delete", of=options.FLAG, group=options.SERVER, help="Delete the data as well.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Stop an embedded server and keep its data.

    Example: loadgen down demo --delete
    """
    from loadgen import settings
    from loadgen.database.embedded import Instance

    instance = Instance.from_settings(settings.load(instance=name))
    before = instance.status()
    if not instance.files.home.exists():
        raise UsageError(f"there is no server {before.name}; list the servers: loadgen status")
    if delete:
        instance.delete()
    else:
        instance.stop()
    if json:
        emit_values(servers.FORMAT, **servers.values(instance.status()))
    stopped = "stopped" if before.running else "was not running"
    say(f"{before.name}: {stopped}{', data deleted' if delete else ''}")
