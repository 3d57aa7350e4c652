"""Scenarios under locust itself."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadgen.database.connect import connect
from loadgen.database.locks import Use, use_of
from loadgen.database.target import Target

pytestmark = pytest.mark.user

ROOT = Path(__file__).parent.parent.parent


def locust(target: Target | None, scenario: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Locust itself, in the source tree; without a target it finds one as any verb would."""
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", f"scenarios/{scenario}.py", "--headless", *arguments],
        cwd=ROOT,
        env=os.environ | (target.environment() if target else {}) | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_dashboard_works_by_itself(state_dir: Path) -> None:
    """With nothing there before: it starts a server, fills it, and goes on."""
    done = locust(None, "dashboard", "-u", "4", "-t", "10s", LOADGEN_STATE_DIR=str(state_dir))
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "seeding 1,000 users first" in said
    total = next(line for line in reversed(done.stderr.splitlines()) if "Aggregated" in line and "0(0.00%)" in line)
    assert int(total.split()[1]) > 0


def test_the_write_heavy_scenario_works_by_itself(seeded: Target) -> None:
    done = locust(seeded, "montecarlo", "-u", "4", "-t", "5s", "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    # Locust's own JSON: below 100 ms it knew whole milliseconds only.
    times = {float(ms) for entry in json.loads(done.stdout) for ms in entry["response_times"]}
    assert times
    assert any(ms < 100 and ms != round(ms) for ms in times)


@pytest.mark.parametrize("scenario", ["dashboard", "montecarlo"])
def test_a_scenario_that_writes_is_held_to_the_guard(seeded: Target, scenario: str) -> None:
    with connect(seeded, autocommit=True) as conn:
        conn.execute("DROP SCHEMA loadgen CASCADE")
    done = locust(seeded, scenario, "-u", "1", "-t", "5s")
    assert done.returncode == 3
    line = done.stderr.strip().splitlines()[-1]
    assert "not marked as synthetic" in line
    assert f"LOADGEN_ALLOW_UNMARKED={seeded.database}" in line


def test_a_database_that_is_being_seeded_is_left_alone(seeded: Target) -> None:
    with use_of(seeded, Use.SEED):
        done = locust(seeded, "dashboard", "-u", "1", "-t", "5s")
    assert done.returncode == 3
    assert "in use by loadgen seed, pid" in done.stderr.strip().splitlines()[-1]


def test_an_empty_database_says_how_to_fill_it(database: Target) -> None:
    done = locust(replace(database, embedded=False), "dashboard", "-u", "1", "-t", "5s")
    assert done.returncode == 3
    assert "loadgen seed" in done.stderr.strip().splitlines()[-1]
