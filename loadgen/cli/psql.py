"""``loadgen psql``: PostgreSQL's own shell on the chosen database."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Annotated

import typer

from loadgen.cli import options
from loadgen.cli.output import emit_values
from loadgen.errors import EnvironmentFault

if TYPE_CHECKING:
    from pathlib import Path


@options.expanded
def psql(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGUMENT", help="Arguments of psql, after --.", show_default=False)
    ] = None,
    *,
    database: options.Database,
    json: options.Json = False,
) -> None:
    """Open psql on the database.

    Arguments after -- go to psql. With --json nothing is opened, and the command is printed.

    Example: loadgen psql -- -c 'select 1'
    """
    from loadgen.database.connect import resolve

    config = database.settings()
    target = resolve(config)
    command = [_program(config.pg_bin, embedded=target.embedded), f"--dbname={target.conninfo}", *(arguments or [])]
    if json:
        emit_values("loadgen.psql/1", command=command)
        return
    # The password is in the environment, since process lists show arguments.
    secret = {} if target.password is None else {"PGPASSWORD": target.password}
    os.execve(command[0], command, os.environ | secret)


def _program(pg_bin: Path | None, *, embedded: bool) -> str:
    """Find psql: the installation's own for the embedded server, else first the system's, which supports TLS."""
    from loadgen.database.programs import client_program

    ours = client_program("psql", pg_bin)
    choices = (str(ours) if ours else None, shutil.which("psql"))
    program = next((choice for choice in (choices if embedded else reversed(choices)) if choice), None)
    if program is None:
        raise EnvironmentFault("there is no psql; install PostgreSQL's client programs, or set LOADGEN_PG_BIN")
    return program
