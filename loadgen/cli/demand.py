"""``loadgen demand``: service demand of one transaction on the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, cast

import typer

from loadgen.cli import options, quantities
from loadgen.cli.output import emit, folded, print_fitting, say
from loadgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity.demand import Demand
    from loadgen.planning.answers.demand_answer import ClassDemand, DemandAnswer


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
    """Compute what a transaction costs the server: CPU, WAL, reads.

    A sweep tells it of its scenario, level by level. By transaction it takes runs in which their shares differ:
    each alone (`loadgen run SCENARIO --only NAME`), twice, is best. Classes that rose and fell together are
    refused.

    Example: loadgen demand
    """
    if by not in ("scenario", "transaction"):
        raise UsageError(f"--by {by!r} is neither; give scenario or transaction")
    confidence = quantities.share(level, "--level", least=0.5, most=0.99)

    from loadgen import settings
    from loadgen.planning.answers.demand_answer import demand_answer
    from loadgen.planning.calibration import read_calibration
    from loadgen.runs import documents

    config = settings.load(results_dir=results_dir)
    calibrated = read_calibration(calibration) if calibration is not None else None
    chosen = cast(Literal["scenario", "transaction"], by)
    answer = demand_answer(config.results_dir, record or (), chosen, confidence, calibrated)
    if json:
        emit(documents.dump(answer))
    show(answer)


def show(answer: DemandAnswer) -> None:
    """Show demands on stderr."""
    from rich.table import Table

    from capacity.formatting import counted

    demands: list[Demand | ClassDemand] = []
    for demand in answer.demands:
        demands += demand.by_level.values() if demand.by_level else [demand]
    units = _units(demands)

    def build(narrow: bool) -> Table:
        def cells(of: Demand | ClassDemand) -> list[str]:
            return folded(_figures(of, units)) if narrow else _figures(of, units)

        table = Table(answer.by, "at", *(unit.head for unit in units), box=None, pad_edge=False)
        for demand in answer.demands:
            if demand.by_level is None:
                table.add_row(demand.transaction, "", *cells(demand))
            for n, (level, other) in enumerate((demand.by_level or {}).items()):
                planned = level == demand.level
                name, mark = demand.transaction if n == 0 else "", "▸" if planned else " "
                table.add_row(name, f"{mark}{level}", *cells(other), style="" if planned else "dim")
        return table

    print_fitting(build)
    levels = any(demand.by_level for demand in answer.demands)
    if levels:
        say("of one transaction, at so many busy connections; ▸ the level of its capacity, which a plan takes")
    say(
        counted(len(answer.runs), "run")
        + (f", {len(answer.left_out)} left out as not valid" if answer.left_out else "")
    )
    say(f"idle server ({answer.idle.origin}): {answer.idle.source}")


class _Unit(NamedTuple):
    """Unit of a column, with the factor from a demand's own unit."""

    head: str
    of: str
    times: float


_UNITS: Final = (
    (_Unit("CPU, ms", "cpu_s", 1e3), _Unit("CPU, µs", "cpu_s", 1e6)),
    (_Unit("WAL, kB", "wal_bytes", 1e-3), _Unit("WAL, bytes", "wal_bytes", 1.0)),
    (_Unit("blocks read", "block_reads", 1.0), _Unit("blocks in 1,000", "block_reads", 1e3)),
    (_Unit("connection, ms", "connection_hold_s", 1e3), _Unit("connection, µs", "connection_hold_s", 1e6)),
)
"""Large and small unit of each column, since decimals take too much room."""


def _units(demands: Sequence[Demand | ClassDemand]) -> tuple[_Unit, ...]:
    """Choose the small unit of a quantity where all values are below a tenth of the large one."""
    units = []
    for large, small in _UNITS:
        values = [estimate.value for demand in demands if (estimate := getattr(demand, large.of)) is not None]
        units.append(small if values and max(values) * large.times < 0.1 else large)
    return tuple(units)


def _figures(demand: Demand | ClassDemand, units: Sequence[_Unit]) -> list[str]:
    from capacity.formatting import interval

    demands = ((getattr(demand, unit.of), unit.times) for unit in units)
    return [interval(estimate.scaled(times) if estimate is not None else None) for estimate, times in demands]
