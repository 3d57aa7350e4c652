"""Options of a load's access to connections, shared by the verbs that generate load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from loadgen.database.servers import Servers
    from loadgen.database.target import Target
    from loadgen.runs.format.access import Access
    from loadgen.settings import Settings

PoolSize = Annotated[
    str | None,
    typer.Option(
        "--pool", metavar="N", help="Users share N connections in each process. Default: a session for each user."
    ),
]
Reconnect = Annotated[
    str | None,
    typer.Option(
        "--reconnect",
        metavar="N",
        help="A fresh connection every N transactions, 1 for each: a storm of connections. Default: they stay.",
    ),
]
PoolerText = Annotated[
    str | None,
    typer.Option(
        "--pooler",
        metavar="HOW",
        help="What is between the load and the server: transaction, session, none; auto (default) finds out.",
    ),
]
PoolerDsn = Annotated[
    str | None,
    typer.Option(
        "--pooler-dsn",
        metavar="DSN",
        help="Send the load through this pooler; --dsn stays the server itself, which is watched and copied.",
    ),
]
Replicas = Annotated[
    list[str] | None,
    typer.Option(
        "--replica", metavar="DSN", help="A streaming replica that reads may go to, without a password; repeatable."
    ),
]
ReadPolicyText = Annotated[
    str | None,
    typer.Option(
        "--read-policy",
        metavar="HOW",
        help="Where transactions that only read go: replica (default: replicas in turn), round-robin (all servers in "
        "turn), least-busy (the replica with the fewest under way), primary.",
    ),
]
OwnWritesText = Annotated[
    str | None,
    typer.Option(
        "--read-your-writes",
        metavar="HOW",
        help="none (default); lsn: from a replica that has replayed the user's last write, else the primary; "
        "lsn:100ms: waiting so long for it; sticky:2s: from the primary for so long after a write.",
    ),
]

FLAGS: Final = {
    "pool": "--pool",
    "reconnect": "--reconnect",
    "pooler": "--pooler",
    "read_policy": "--read-policy",
    "own_writes": "--read-your-writes",
    "replica": "--replica",
}


def servers_and_access(
    config: Settings,
    target: Target,
    *,
    pool: str | None,
    reconnect: str | None,
    pooler: str | None,
    read_policy: str | None,
    own_writes: str | None,
) -> tuple[Servers, Access]:
    """Resolve the servers of a run and its access to them; reports a detected pooler on stderr.

    Raises UsageError for wrong options and replicas that are none, GuardRefusal for a pooler that leads to another
    database, EnvironmentFault for an absent server.
    """
    from loadgen.cli.output import say
    from loadgen.database.servers import servers_of
    from loadgen.observe.pooler import is_lockable, with_pooler
    from loadgen.report.access_in_words import through
    from loadgen.runs.access_parsing import parse_access

    servers = servers_of(config, target).verified()
    options = parse_access(
        pool=pool,
        reconnect=reconnect,
        pooler=pooler,
        read_policy=read_policy,
        own_writes=own_writes,
        replicas=len(servers.replicas),
        names=FLAGS,
    )
    access = with_pooler(options, servers)
    if access.found is not None and access.found.mode != "none":
        say(through(access.found))
        if not is_lockable(servers, access):
            say(
                f"a seed or reset may run meanwhile: {target} is a pooler, so no lock is held; give the server as "
                "--dsn and the pooler as --pooler-dsn"
            )
    return servers, access
