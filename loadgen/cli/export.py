"""``loadgen export``: a scenario for other tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadgen.cli import options, quantities
from loadgen.cli.describe import Scenario
from loadgen.cli.output import console, emit

if TYPE_CHECKING:
    from loadgen.exporting.format import Export, Mode

MOST_VARIANTS = 512


class Modes(StrEnum):
    """How statements are sent."""

    SEQUENTIAL = "sequential"
    PIPELINE = "pipeline"
    BOTH = "both"


MODES: dict[Modes, tuple[Mode, ...]] = {
    Modes.SEQUENTIAL: ("sequential",),
    Modes.PIPELINE: ("pipeline",),
    Modes.BOTH: ("sequential", "pipeline"),
}


def export(
    scenario: Scenario,
    pgbench: Annotated[
        Path, typer.Option("--pgbench", metavar="DIR", help="Write pgbench scripts there; empty or not there yet.")
    ],
    mode: Annotated[Modes, typer.Option("--mode", help="A round trip a statement, shared ones, or both.")] = Modes.BOTH,
    variants: Annotated[
        str, typer.Option("--variants", metavar="N", help="Literal values for what the scenario's Python draws.")
    ] = "64",
    without_refused: Annotated[
        bool, typer.Option("--without-refused", help="Leave out transactions that pgbench cannot express.")
    ] = False,
    seed: options.LoadSeed = "1",
    dsn: options.Dsn = None,
    instance: options.Instance = None,
    allow_unmarked: options.AllowUnmarked = None,
    json: options.Json = False,
) -> None:
    """Write a scenario as pgbench scripts.

    To repeat a figure with pgbench alone. The database is only read: its users, and rows that draws depend on.

    Example: loadgen export dashboard --pgbench scripts
    """
    variants_n = quantities.whole(variants, "--variants", most=MOST_VARIANTS)
    seed_n = quantities.whole(seed, "--seed", least=0, most=2**31 - 1)
    modes = MODES[mode]

    from loadgen import settings
    from loadgen.database.connect import resolve
    from loadgen.exporting.export import export as write
    from loadgen.exporting.export import require_empty
    from loadgen.runner.scenarios import find_scenario
    from loadgen.runs import documents

    path = find_scenario(scenario)
    require_empty(pgbench)  # before starting a server
    target = resolve(settings.load(dsn=dsn, instance=instance))
    result = write(
        path, target, pgbench, modes,
        variants=variants_n, seed=seed_n, allow_unmarked=allow_unmarked, leave_out=without_refused,
    )  # fmt: skip
    show(result, pgbench)
    if json:
        emit(documents.dump(result))


def show(result: Export, directory: Path) -> None:
    """Show the written export on stderr."""
    from rich.table import Table

    from capacity.formatting import size

    out = console()
    table = Table("transaction", "share", *result.commands, box=None, pad_edge=False)
    for script in result.scripts:
        sizes = (size(value) for value in script.file_bytes.values())
        table.add_row(script.transaction, f"{script.share:.1%}", *sizes)
    out.print(table)
    for refused in result.refused:
        out.print(f"left out {refused.transaction}: {refused.what}: {refused.why}", soft_wrap=True)
    for approximation in result.approximations:
        out.print(f"{approximation.of}: {approximation.how}", soft_wrap=True)
    first = next(iter(result.commands))
    out.print(f"run it: {directory}/run.sh {first} -c 8 -j 2 -T 60 {result.data.database}", soft_wrap=True)
