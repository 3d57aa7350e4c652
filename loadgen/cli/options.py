"""Options that several verbs share, each a named type."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loadgen.runs.format.verdict import MAX_ERROR_SHARE

Dsn = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        metavar="DSN",
        help="Server to use, without a password (PGPASSWORD, a passfile or LOADGEN_DSN hold it). "
        "Default: LOADGEN_DSN, PG* variables, else the embedded server.",
    ),
]
Instance = Annotated[str | None, typer.Option("--instance", metavar="NAME", help="Which embedded server.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout and nothing else there.")]
ResultsDir = Annotated[
    Path | None, typer.Option("--results-dir", metavar="DIR", help="Where records are kept. Default: results.")
]
AllowUnmarked = Annotated[
    str | None,
    typer.Option(
        "--allow-unmarked",
        metavar="DATABASE",
        help="Write to this database although it is not marked, or has others' rules and triggers; must be its name.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Warmup = Annotated[str, typer.Option("--warmup", metavar="TIME", help="Load before the measured window.")]
Ramp = Annotated[str, typer.Option("--ramp", metavar="TIME", help="Time over which the users arrive.")]
ObjectiveText = Annotated[
    str | None,
    typer.Option("--objective", metavar="pNN=TIME", help="Response time that the load must meet, like p95=100ms."),
]
MaxErrors = Annotated[
    str | None,
    typer.Option(
        "--max-errors",
        metavar="P%",
        help="Share of transactions that may fail. Above it, exit code 1, even without an objective. "
        f"Default: {MAX_ERROR_SHARE:.0%}.",
    ),
]
ModeText = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="HOW",
        help="sequential: a round trip a statement, as the application works; pipeline: as few as its draws allow.",
    ),
]
Processes = Annotated[
    str,
    typer.Option(
        "--processes", metavar="P", help="Load generator processes here that share the load: one uses one core."
    ),
]
OnLoss = Annotated[
    str,
    typer.Option(
        "--on-worker-loss", metavar="HOW", help="When one of several is lost: stop the run, or continue without it."
    ),
]
LoadSeed = Annotated[str, typer.Option("--seed", metavar="S", help="Seed of the load's random draws.")]
Horizon = Annotated[str, typer.Option("--horizon", metavar="N", help="Periods ahead: months, for a monthly history.")]
