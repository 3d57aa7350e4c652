"""pgbench, and what it says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from loadgen.database.programs import client_program
from loadgen.database.target import Target

Pgbench = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def pgbench_program() -> Path:
    """The wheel's own."""
    found = client_program("pgbench", None)
    assert found is not None
    return found


@pytest.fixture
def pgbench(pgbench_program: Path) -> Pgbench:
    """``pgbench(target, "-t", "10", …)``, always with the same random numbers."""

    def run(target: Target, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(pgbench_program), "-n", "--random-seed=7", *map(str, arguments), target.conninfo],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
