"""``loadgen demand``: service demand of one transaction on the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

import typer

from loadgen.cli import options, quantities
from loadgen.cli.options import ParameterType, option
from loadgen.cli.output import emit, folded, print_fitting, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity.demand import Demand
    from loadgen.planning.answers.demand_answer import ClassDemand, DemandAnswer

By = Literal["scenario", "transaction"]


ByOption = Annotated[
    By,
    option(
        "--by", of=ParameterType("CLASS", quantities.one_of("scenario", "transaction")), group=options.INPUT,
        help="Report the demand of each scenario or of each transaction.",
    ),
]  # fmt: skip
CalibrationFile = Annotated[
    Path | None,
    option(
        "--calibration", of="FILE", group=options.INPUT,
        help="Calibration of the measured server, whose idle use is subtracted.",
    ),
]  # fmt: skip


def demand(
    record: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECORD", help="Runs and sweeps, by id or directory. Default: the newest sweep of each scenario."
        ),
    ] = None,
    by: ByOption = "scenario",
    calibration: CalibrationFile = None,
    level: options.Level = 0.9,
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Compute what a transaction costs the server: CPU, WAL, reads.

    A sweep gives the service demand of its scenario at each level. The demand of each transaction needs runs in which
    the transactions have different shares, preferably two runs of each alone: loadgen run SCENARIO --only NAME.
    Transactions whose shares rose and fell together cannot be separated and are refused.

    Example: loadgen demand
    """
    from loadgen import settings
    from loadgen.planning.answers.demand_answer import demand_answer
    from loadgen.planning.calibration import read_calibration
    from loadgen.runs import documents

    config = settings.load(results_dir=results_dir)
    calibrated = read_calibration(calibration) if calibration is not None else None
    answer = demand_answer(config.results_dir, record or (), by, level, calibrated)
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

        table = Table(answer.by, "level", *(unit.head for unit in units), box=None, pad_edge=False)
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
        say("per transaction, by busy connections; ▸ marks the level at capacity, which a plan uses")
    say(
        counted(len(answer.runs), "run")
        + (f", {len(answer.left_out)} not valid and left out" if answer.left_out else "")
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
    (_Unit("blocks read", "block_reads", 1.0), _Unit("blocks per 1,000", "block_reads", 1e3)),
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
