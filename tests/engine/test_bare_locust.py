"""Scenarios under locust itself."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadgen.database.connect import Target, connect

ROOT = Path(__file__).parent.parent.parent


def locust(target: Target, scenario: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", f"scenarios/{scenario}.py", "--headless", *arguments],
        cwd=ROOT,
        env=os.environ | target.environment() | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_dashboard_works_by_itself(seeded: Target) -> None:
    done = locust(seeded, "dashboard", "-u", "4", "-t", "10s")
    assert done.returncode == 0, done.stderr
    table = done.stdout + done.stderr
    assert "open_dashboard" in table
    assert "Traceback" not in table


@pytest.mark.parametrize("scenario", ["dashboard", "montecarlo"])
def test_a_scenario_that_writes_is_held_to_the_guard(seeded: Target, scenario: str) -> None:
    with connect(seeded, autocommit=True) as conn:
        conn.execute("DROP SCHEMA loadgen CASCADE")
    done = locust(seeded, scenario, "-u", "1", "-t", "5s")
    assert done.returncode == 3
    line = done.stderr.strip().splitlines()[-1]
    assert "not marked as synthetic" in line
    assert f"LOADGEN_ALLOW_UNMARKED={seeded.database}" in line


def test_an_empty_database_says_how_to_fill_it(database: Target) -> None:
    done = locust(replace(database, embedded=False), "dashboard", "-u", "1", "-t", "5s")
    assert done.returncode == 3
    assert "loadgen seed" in done.stderr.strip().splitlines()[-1]
