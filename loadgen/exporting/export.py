"""Export a scenario: read what the database holds, sample draws, write a directory whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from loadgen import partials
from loadgen.database.connect import connect
from loadgen.database.faults import faults
from loadgen.database.guard import ALLOW_UNMARKED_VARIABLE, read_mark
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.exporting.build import build
from loadgen.exporting.draws import sample
from loadgen.exporting.format import Data, Export, Mode
from loadgen.runs.draws import SampleRequest

_EXECUTABLE: Final = 0o755


def export(
    scenario: Path, target: Target, directory: Path, modes: Sequence[Mode], *, variants: int, seed: int,
    allow_unmarked: str | None = None, leave_out: bool = False,
) -> Export:  # fmt: skip
    """Write a scenario as pgbench scripts for the data of ``target``, which is only read.

    Raises UsageError for a directory that is not empty and for what pgbench cannot express, GuardRefusal where draws
    need rows of a database without a mark, EnvironmentFault.
    """
    require_empty(directory)
    data = find_data(target)
    request = SampleRequest(variants, seed, data.users, data.seed)
    unmarked = {} if allow_unmarked is None else {ALLOW_UNMARKED_VARIABLE: allow_unmarked}
    sampled = sample(scenario, request, target.environment() | unmarked)
    document, files = build(sampled, data, request, modes, leave_out=leave_out)
    write_directory(directory, files)
    return document


def find_data(target: Target) -> Data:
    """Read the number of users as the engine does: from the mark, else the greatest id. Raises EnvironmentFault."""
    with connect(target, autocommit=True) as connection, faults(target):
        mark = read_mark(connection)
        if mark is not None and mark.users and mark.seed is not None:
            as_of = mark.as_of.isoformat() if mark.as_of else None
            return Data(
                target.database, True, mark.users, mark.seed, mark.model_version, as_of, mark.ageing_months,
                mark.shape_sha256,
            )  # fmt: skip
        row = connection.execute("SELECT max(id) FROM users").fetchone()
    if not row or not row[0]:
        raise EnvironmentFault(f"database {target.database!r} has no users; fill it with: loadgen seed --users 5000")
    return Data(target.database, False, row[0], 0, None, None, None, None)


def require_empty(directory: Path) -> None:
    """Raise UsageError if the path exists, unless it is an empty directory."""
    try:
        if not any(directory.iterdir()):
            return
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{directory}: {error.strerror}; give a directory that does not exist yet") from error
    raise UsageError(f"{directory} is not empty; give an empty or a new directory")


def write_directory(directory: Path, files: Mapping[str, str]) -> None:
    """Write files beside the target, then rename over it. Raises EnvironmentFault where the disk refuses."""
    try:
        with partials.replacing(directory.absolute(), directory=True) as partial:
            for name, text in files.items():
                path = partial / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
                if path.suffix == ".sh":
                    path.chmod(_EXECUTABLE)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {directory}: {error.strerror}; free space, or give another one"
        ) from error
