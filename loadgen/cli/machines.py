"""Options of ``loadgen run`` that spread a load over several machines, and starting a worker or master."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from loadgen.cli import quantities
from loadgen.cli.output import say
from loadgen.errors import UsageError

if TYPE_CHECKING:
    from loadgen.database.servers import ServersIdentity
    from loadgen.runner.master import MasterChild
    from loadgen.runner.parts import OnLoss

WAIT_FOR_WORKERS_S: Final = 300.0
_PORT: Final = "5557"
"""Locust's own default port."""

MasterFlag = Annotated[
    bool, typer.Option("--master", help="Let workers, here or on other machines, make the load; record it here.")
]
WorkerFlag = Annotated[
    bool, typer.Option("--worker", help="Make what a master says. Which server to load is set here as for any run.")
]
MasterHost = Annotated[str, typer.Option("--master-host", metavar="HOST", help="With --worker: where the master is.")]
MasterPort = Annotated[str, typer.Option("--master-port", metavar="PORT", help="With --worker: its port.")]
BindHost = Annotated[
    str, typer.Option("--bind-host", metavar="HOST", help="With --master: address to listen on; * is all of them.")
]
BindPort = Annotated[str, typer.Option("--bind-port", metavar="PORT", help="With --master: port to listen on.")]
ExpectWorkers = Annotated[
    str, typer.Option("--expect-workers", metavar="N", help="With --master: begin when so many have joined.")
]
DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = _PORT

_OF_MASTER: Final = {"bind_host": "--bind-host", "bind_port": "--bind-port", "expect_workers": "--expect-workers"}
_OF_WORKER: Final = {"master_host": "--master-host", "master_port": "--master-port"}
_SERVERS: Final = {"dsn", "instance", "allow_unmarked", "pooler_dsn", "replica"}
_WORKER_MAY: Final = {*_OF_WORKER, *_SERVERS, "scenario", "worker", "processes"}


def given(context: typer.Context) -> set[str]:
    """Names of the parameters given on the command line."""
    sources = ((name, context.get_parameter_source(name)) for name in context.params)
    return {name for name, source in sources if source is not None and source.name == "COMMANDLINE"}


def check(names: set[str], *, master: bool, worker: bool) -> None:
    """Check that the given options go together. Raises UsageError."""
    if master and worker:
        raise UsageError("--master and --worker are two machines' parts; give one of them")
    for chosen, option, own in ((master, "--master", _OF_MASTER), (worker, "--worker", _OF_WORKER)):
        if not chosen and (stray := sorted(names & own.keys())):
            raise UsageError(f"{own[stray[0]]} is for {option}; give that as well")
    if master and "processes" in names:
        raise UsageError("--processes is for the workers, which make the load; give it there")
    if worker and (stray := sorted(names - _WORKER_MAY)):
        option = "--" + stray[0].replace("_", "-")
        raise UsageError(f"{option} is for the master, which says what a worker does; give it there")


@dataclass(frozen=True, slots=True)
class Where:
    """A worker's server, by its command line."""

    dsn: str | None
    instance: str | None
    allow_unmarked: str | None
    pooler_dsn: str | None
    replicas: tuple[str, ...]


def work(scenario: str, where: Where, *, host: str, port: str, processes: str) -> None:
    """Run one or several workers until the master ends."""
    port_n = quantities.whole(port, "--master-port", most=65_535)
    processes_n = quantities.whole(processes, "--processes", most=quantities.MOST_PROCESSES)

    from loadgen import settings
    from loadgen.database.connect import resolve
    from loadgen.database.servers import servers_of
    from loadgen.runner.scenarios import find_scenario
    from loadgen.runner.worker import work as carry_out
    from loadgen.seeding.starter import ensure_data

    path = find_scenario(scenario)
    config = settings.load(
        dsn=where.dsn, instance=where.instance, pooler_dsn=where.pooler_dsn, replica_dsns=where.replicas
    )
    target = resolve(config)
    ensure_data(target)
    environment = servers_of(config, target).verified().environment()
    carry_out(path, environment, where.allow_unmarked, host=host, port=port_n, processes=processes_n, say=say)


def master(
    path: Path,
    servers: ServersIdentity,
    on_loss: OnLoss,
    *,
    host: str,
    port: str,
    expect: str,
    users: int,
    only: tuple[str, ...],
) -> MasterChild:
    """Start a master and wait for its workers."""
    port_n = quantities.whole(port, "--bind-port", most=65_535)
    count = quantities.whole(expect, "--expect-workers", most=quantities.MOST_WORKERS)
    if count > users:
        raise UsageError(f"--expect-workers {count} would share {users} users; give more users, or fewer workers")

    from capacity.formatting import counted
    from loadgen.runner.master import MasterChild

    child = MasterChild(path, host, port_n, servers=servers, on_loss=on_loss, only=only, say=say)
    try:
        say(f"waiting for {counted(count, 'worker')} at {host}:{port_n}; start one on each machine:")
        say(f"  loadgen run {path.stem} --worker --master-host <this machine>{_port_option(port_n)}")
        child.wait_for_workers(count, WAIT_FOR_WORKERS_S)
    except BaseException:
        child.close()
        raise
    return child


def _port_option(port: int) -> str:
    return "" if str(port) == _PORT else f" --master-port {port}"
