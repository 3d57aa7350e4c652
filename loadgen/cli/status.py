"""``loadgen status``: the embedded servers."""

from __future__ import annotations

from loadgen.cli import options, servers
from loadgen.cli.output import emit_values, say


def status(json: options.Json = False) -> None:
    """List the embedded servers and how to connect to them.

    Example: loadgen status
    """
    from loadgen import settings
    from loadgen.database.embedded import all_instances

    found_settings = settings.load()
    instances = all_instances(found_settings)
    if json:
        emit_values("loadgen.servers/1", servers=[servers.values(instance) for instance in instances])
        return
    for instance in instances:
        servers.show(instance)
    if not instances:
        say(f"no server in {found_settings.state_dir}; start one: loadgen up")
