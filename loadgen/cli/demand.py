"""``loadgen demand``: what one transaction costs the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from loadgen.cli import options, quantities
from loadgen.cli.output import Fold, emit, print_fitting, say
from loadgen.errors import UsageError

if TYPE_CHECKING:
    from capacity.demand import Demand
    from loadgen.planning.demand_answer import ClassDemand, DemandAnswer


def demand(
    record: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECORD]…", help="Runs and sweeps, by id or directory. Default: each newest sweep."),
    ] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="scenario|transaction", help="What a class of transactions is.")
    ] = "scenario",
    calibration: Annotated[
        Path | None,
        typer.Option("--calibration", metavar="FILE", help="Of the measured server: takes its idle use off."),
    ] = None,
    level: Annotated[str, typer.Option("--level", metavar="P", help="Probability that an interval aims for.")] = "0.9",
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Tell what one transaction costs: CPU seconds, WAL bytes, block reads, time on a connection.

    A sweep tells it of its scenario, level by level. By transaction it takes runs in which their shares differ: each
    alone (`loadgen run SCENARIO --only NAME`), twice, is best. Classes that rose and fell together are refused.
    """
    if by not in ("scenario", "transaction"):
        raise UsageError(f"--by {by!r} is neither; give scenario or transaction")
    wanted = quantities.share(level, "--level", least=0.5, most=0.99)

    from loadgen import settings
    from loadgen.planning.calibration import read_calibration
    from loadgen.planning.demand_answer import demand_answer
    from loadgen.runs import documents

    found = settings.load(results_dir=results_dir)
    calibrated = read_calibration(calibration) if calibration is not None else None
    chosen = cast(Literal["scenario", "transaction"], by)
    answer = demand_answer(found.results_dir, record or (), chosen, wanted, calibrated)
    if json:
        emit(documents.dump(answer))
    show(answer)


def show(answer: DemandAnswer) -> None:
    """The demands as people read them, on stderr."""
    from rich.table import Table

    from capacity.prose import counted

    def build(fold: Fold) -> Table:
        table = Table(answer.by, "at", "CPU, ms", "WAL, kB", "blocks read", "connection, ms", box=None, pad_edge=False)
        for one in answer.demands:
            if one.by_level is None:
                table.add_row(one.transaction, "", *map(fold, _figures(one)))
            for n, (level, other) in enumerate((one.by_level or {}).items()):
                planned = level == one.level
                name, mark = one.transaction if n == 0 else "", "▸" if planned else " "
                table.add_row(name, f"{mark}{level}", *map(fold, _figures(other)), style="" if planned else "dim")
        return table

    print_fitting(build)
    levels = any(one.by_level for one in answer.demands)
    if levels:
        say("of one transaction, at so many busy connections; ▸ the level of its capacity, which a plan takes")
    say(
        counted(len(answer.runs), "run")
        + (f", {len(answer.left_out)} left out as not valid" if answer.left_out else "")
    )
    say(f"idle server ({answer.idle.origin}): {answer.idle.source}")


def _figures(one: Demand | ClassDemand) -> tuple[str, str, str, str]:
    from loadgen.report.numbers import interval

    cpu_ms = one.cpu_s.scaled(1000) if one.cpu_s else None
    wal_kb = one.wal_bytes.scaled(1e-3) if one.wal_bytes else None
    hold_ms = one.connection_hold_s.scaled(1000) if one.connection_hold_s else None
    return interval(cpu_ms), interval(wal_kb), interval(one.block_reads), interval(hold_ms)
