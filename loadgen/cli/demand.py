"""``loadgen demand``: what one transaction costs the server."""

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
    wanted = quantities.share(level, "--level", least=0.5, most=0.99)

    from loadgen import settings
    from loadgen.planning.answers.demand_answer import demand_answer
    from loadgen.planning.calibration import read_calibration
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

    from capacity.formatting import counted

    shown: list[Demand | ClassDemand] = []
    for one in answer.demands:
        shown += one.by_level.values() if one.by_level else [one]
    units = _units(shown)

    def build(narrow: bool) -> Table:
        def cells(of: Demand | ClassDemand) -> list[str]:
            return folded(_figures(of, units)) if narrow else _figures(of, units)

        table = Table(answer.by, "at", *(unit.head for unit in units), box=None, pad_edge=False)
        for one in answer.demands:
            if one.by_level is None:
                table.add_row(one.transaction, "", *cells(one))
            for n, (level, other) in enumerate((one.by_level or {}).items()):
                planned = level == one.level
                name, mark = one.transaction if n == 0 else "", "▸" if planned else " "
                table.add_row(name, f"{mark}{level}", *cells(other), style="" if planned else "dim")
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


class _Unit(NamedTuple):
    """Of a column: what a demand is multiplied by for it."""

    head: str
    of: str
    times: float


_UNITS: Final = (
    (_Unit("CPU, ms", "cpu_s", 1e3), _Unit("CPU, µs", "cpu_s", 1e6)),
    (_Unit("WAL, kB", "wal_bytes", 1e-3), _Unit("WAL, bytes", "wal_bytes", 1.0)),
    (_Unit("blocks read", "block_reads", 1.0), _Unit("blocks in 1,000", "block_reads", 1e3)),
    (_Unit("connection, ms", "connection_hold_s", 1e3), _Unit("connection, µs", "connection_hold_s", 1e6)),
)
"""Large and small: digits after a point cost more room than they tell."""


def _units(demands: Sequence[Demand | ClassDemand]) -> tuple[_Unit, ...]:
    """The small unit of a quantity where all of it is below a tenth of the large one."""
    found = []
    for large, small in _UNITS:
        values = [each.value for demand in demands if (each := getattr(demand, large.of)) is not None]
        found.append(small if values and max(values) * large.times < 0.1 else large)
    return tuple(found)


def _figures(one: Demand | ClassDemand, units: Sequence[_Unit]) -> list[str]:
    from loadgen.report.numbers import interval

    demands = ((getattr(one, unit.of), unit.times) for unit in units)
    return [interval(each.scaled(times) if each is not None else None) for each, times in demands]
