"""Verbs of the command line by panel of the help."""

from __future__ import annotations

from collections.abc import Callable

from loadgen.cli.calibrate import calibrate
from loadgen.cli.checksum import checksum
from loadgen.cli.demand import demand
from loadgen.cli.demo import demo
from loadgen.cli.describe import describe
from loadgen.cli.down import down
from loadgen.cli.export import export
from loadgen.cli.fidelity import fidelity
from loadgen.cli.forecast import forecast
from loadgen.cli.init import init
from loadgen.cli.plan import plan
from loadgen.cli.profile import profile
from loadgen.cli.psql import psql
from loadgen.cli.report import report
from loadgen.cli.reset import reset
from loadgen.cli.run import run
from loadgen.cli.scalability import scalability
from loadgen.cli.schema import schema
from loadgen.cli.seed import seed
from loadgen.cli.status import status
from loadgen.cli.sweep import sweep
from loadgen.cli.up import up
from loadgen.cli.workload import workload

VERBS: dict[str, tuple[Callable[..., None], ...]] = {
    "Start here": (demo,),
    "Load": (run, sweep, describe, export),
    "Answers": (plan, forecast, report, scalability, demand, workload, calibrate, schema),
    "Data": (seed, profile, fidelity, init, reset, checksum),
    "Servers": (status, up, down, psql),
}
"""Verbs by panel of the help, the most used first. A verb is added here and nowhere else."""
