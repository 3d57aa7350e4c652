"""Options of ``loadgen run`` that spread a load over several machines, and starting a worker or master."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from loadgen.cli import options, quantities
from loadgen.cli.load_options import LoadOptions
from loadgen.cli.options import ParameterType, integer, option
from loadgen.cli.output import say
from loadgen.errors import UsageError

if TYPE_CHECKING:
    from loadgen.database.servers import ServersIdentity
    from loadgen.runner.master import MasterChild
    from loadgen.runner.parts import OnLoss
else:  # Typer needs the parsers alone, and this module is slow to import.
    OnLoss = object

WAIT_FOR_WORKERS_S: Final = 300.0
_PORT: Final = 5557
"""Locust's own default port."""

_PORTS: Final = integer(1, 65_535, "PORT")
_WORKERS: Final = integer(1, quantities.MOST_WORKERS)
_ON_LOSS: Final = ParameterType("ACTION", quantities.one_of("stop", "continue"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Options of a load that several machines generate."""

    master: Annotated[
        bool,
        option(
            "--master", of=options.FLAG, group=options.GENERATOR,
            help="Let workers, on this machine or others, generate the load, and record it here.",
        ),
    ] = False  # fmt: skip
    bind_host: Annotated[
        str,
        option(
            "--bind-host", of="HOST", group=options.GENERATOR,
            help="With --master: address to listen on; * for all addresses.",
        ),
    ] = "*"  # fmt: skip
    bind_port: Annotated[
        int, option("--bind-port", of=_PORTS, group=options.GENERATOR, help="With --master: port to listen on.")
    ] = _PORT
    expect_workers: Annotated[
        int,
        option(
            "--expect-workers", of=_WORKERS, group=options.GENERATOR,
            help="With --master: number of workers to wait for.",
        ),
    ] = 1  # fmt: skip
    worker: Annotated[
        bool,
        option(
            "--worker", of=options.FLAG, group=options.GENERATOR,
            help="Run as a worker: generate the load that the master assigns. The database options select the server.",
        ),
    ] = False  # fmt: skip
    master_host: Annotated[
        str, option("--master-host", of="HOST", group=options.GENERATOR, help="With --worker: host of the master.")
    ] = "127.0.0.1"
    master_port: Annotated[
        int, option("--master-port", of=_PORTS, group=options.GENERATOR, help="With --worker: port of the master.")
    ] = _PORT
    on_worker_loss: Annotated[
        OnLoss,
        option(
            "--on-worker-loss", of=_ON_LOSS, group=options.GENERATOR,
            help="When a worker or process is lost: stop the run, or continue without it.",
        ),
    ] = "stop"  # fmt: skip


_OF_MASTER: Final = {"bind_host": "--bind-host", "bind_port": "--bind-port", "expect_workers": "--expect-workers"}
_OF_WORKER: Final = {"master_host": "--master-host", "master_port": "--master-port"}
_SERVERS: Final = {"dsn", "instance", "allow_unmarked", "pooler_dsn", "replica"}
_WORKER_MAY: Final = {*_OF_WORKER, *_SERVERS, "scenario", "worker", "processes"}


def given(context: typer.Context) -> set[str]:
    """Names of the parameters given on the command line."""
    sources = ((name, context.get_parameter_source(name)) for name in context.params)
    return {name for name, source in sources if source is not None and source.name == "COMMANDLINE"}


def check(names: set[str], machines: Machines) -> None:
    """Check that the given options go together. Raises UsageError."""
    if machines.master and machines.worker:
        raise UsageError("--master and --worker exclude each other; give one of them on each machine")
    for chosen, flag, own in ((machines.master, "--master", _OF_MASTER), (machines.worker, "--worker", _OF_WORKER)):
        if not chosen and (stray := sorted(names & own.keys())):
            raise UsageError(f"{own[stray[0]]} needs {flag}; add it")
    if machines.master and "processes" in names:
        raise UsageError("--processes is for the workers, which generate the load; give it there")
    if machines.worker and (stray := sorted(names - _WORKER_MAY)):
        flag = "--" + stray[0].replace("_", "-")
        raise UsageError(f"{flag} is for the master, which assigns the load; give it there")


def work(scenario: str, machines: Machines, load: LoadOptions) -> None:
    """Run one or several workers until the master ends."""
    from loadgen.database.connect import resolve
    from loadgen.database.servers import servers_of
    from loadgen.runner.scenarios import find_scenario
    from loadgen.runner.worker import work as carry_out
    from loadgen.seeding.starter import ensure_data

    path = find_scenario(scenario)
    config = load.settings()
    target = resolve(config)
    ensure_data(target)
    environment = servers_of(config, target).verified().environment()
    carry_out(
        path,
        environment,
        load.allow_unmarked,
        host=machines.master_host,
        port=machines.master_port,
        processes=load.processes,
        say=say,
    )


def master(
    path: Path, servers: ServersIdentity, machines: Machines, *, users: int, only: tuple[str, ...]
) -> MasterChild:
    """Start a master and wait for its workers."""
    host, port, workers = machines.bind_host, machines.bind_port, machines.expect_workers
    if workers > users:
        raise UsageError(
            f"--expect-workers {workers}: expected at most one worker per user, of which there are {users}; "
            "give more users, or fewer workers"
        )

    from capacity.formatting import counted
    from loadgen.runner.master import MasterChild

    child = MasterChild(path, host, port, servers=servers, on_loss=machines.on_worker_loss, only=only, say=say)
    try:
        say(f"waiting for {counted(workers, 'worker')} at {host}:{port}; start one on each machine:")
        option_of_port = "" if port == _PORT else f" --master-port {port}"
        say(f"  loadgen run {path.stem} --worker --master-host <this machine>{option_of_port}")
        child.wait_for_workers(workers, WAIT_FOR_WORKERS_S)
    except BaseException:
        child.close()
        raise
    return child
