"""``loadgen psql``: PostgreSQL's own shell on the chosen database."""

from __future__ import annotations

import os
import re
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
    database_name, rest = _database(arguments or [])
    conninfo = target.conninfo if database_name is None else target.with_database(database_name).conninfo
    command = [_program(config.pg_bin, embedded=target.embedded), f"--dbname={conninfo}", *rest]
    if json:
        emit_values("loadgen.psql/1", command=command)
        return
    # The password is in the environment, since process lists show arguments.
    secret = {} if target.password is None else {"PGPASSWORD": target.password}
    os.execve(command[0], command, os.environ | secret)


def _database(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Take ``-d NAME`` out of psql's arguments: psql would take it in place of the whole connection string.

    A connection string after ``-d`` stays, since it names a server of its own.
    """
    rest: list[str] = []
    name = None
    pending = iter(arguments)
    for argument in pending:
        match = re.fullmatch(r"(?:-d|--dbname=)(.+)|-d|--dbname", argument, re.DOTALL)
        if match is None:
            rest.append(argument)
            continue
        value = match[1] or next(pending, "")
        if value and "=" not in value and "://" not in value:
            name = value
        else:
            rest += [argument] if match[1] or not value else [argument, value]
    return name, rest


def _program(pg_bin: Path | None, *, embedded: bool) -> str:
    """Find psql: the installation's own for the embedded server, else first the system's, which supports TLS."""
    from loadgen.database.programs import client_program

    ours = client_program("psql", pg_bin)
    choices = (str(ours) if ours else None, shutil.which("psql"))
    program = next((choice for choice in (choices if embedded else reversed(choices)) if choice), None)
    if program is None:
        raise EnvironmentFault("there is no psql; install PostgreSQL's client programs, or set LOADGEN_PG_BIN")
    return program
