"""``loadgen export``: a scenario for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from loadgen.cli import options, quantities
from loadgen.cli.options import ParameterType, option
from loadgen.cli.output import console, emit

if TYPE_CHECKING:
    from loadgen.exporting.format import Export, Mode

MOST_VARIANTS = 512
MODES: dict[str, tuple[Mode, ...]] = {
    "sequential": ("sequential",),
    "pipeline": ("pipeline",),
    "both": ("sequential", "pipeline"),
}


Pgbench = Annotated[
    Path,
    option("--pgbench", of="DIR", group=options.OUTPUT, help="Write pgbench scripts to this new or empty directory."),
]
ModeOption = Annotated[
    str,
    option(
        "--mode", of=ParameterType("MODE", quantities.one_of(*MODES)), group=options.LOAD,
        help="How the scripts send statements: sequential (one round trip each), pipeline (as few round trips as "
        "possible) or both.",
    ),
]  # fmt: skip
Variants = Annotated[
    int,
    option(
        "--variants", of=options.integer(1, MOST_VARIANTS), group=options.LOAD,
        help="Number of values to draw in advance for each parameter that the scenario's Python code draws.",
    ),
]  # fmt: skip
WithoutRefused = Annotated[
    bool,
    option(
        "--without-refused", of=options.FLAG, group=options.LOAD,
        help="Leave out transactions that pgbench cannot express.",
    ),
]  # fmt: skip


@options.expanded
def export(
    scenario: options.Scenario,
    *,
    mode: ModeOption = "both",
    variants: Variants = 64,
    without_refused: WithoutRefused = False,
    seed: options.LoadSeed = 1,
    database: options.Database,
    allow_unmarked: options.AllowUnmarked = None,
    pgbench: Pgbench,
    json: options.Json = False,
) -> None:
    """Write a scenario as pgbench scripts.

    The scripts reproduce a measurement with pgbench alone. The database is only read, for its users and the rows that
    parameters are drawn from.

    Example: loadgen export dashboard --pgbench scripts
    """
    from loadgen.database.connect import resolve
    from loadgen.exporting.export import export as write
    from loadgen.exporting.export import require_empty
    from loadgen.runner.scenarios import find_scenario
    from loadgen.runs import documents

    path = find_scenario(scenario)
    require_empty(pgbench)  # before starting a server
    target = resolve(database.settings())
    result = write(
        path, target, pgbench, MODES[mode],
        variants=variants, seed=seed, allow_unmarked=allow_unmarked, leave_out=without_refused,
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
        out.print(f"left out {refused.transaction}: {refused.what}: {refused.why}")
    for approximation in result.approximations:
        out.print(f"{approximation.of}: {approximation.how}")
    first = next(iter(result.commands))
    out.print(f"run it: {directory}/run.sh {first} -c 8 -j 2 -T 60 {result.data.database}", soft_wrap=True)
