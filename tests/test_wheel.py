"""The installed wheel works in any directory, without the source tree."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from loadgen.database.target import Target

pytestmark = [pytest.mark.user, pytest.mark.slow]

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel installs, and nothing else."""
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = place.glob("*.whl")
    site = place / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def test_the_wheel_holds_the_files_that_are_not_python(installed: Path) -> None:
    for package in ("loadgen", "scenarios", "capacity"):
        kept = {
            p.relative_to(ROOT) for p in (ROOT / package).rglob("*") if p.is_file() and "__pycache__" not in p.parts
        }
        there = {p.relative_to(installed) for p in (installed / package).rglob("*") if p.is_file()}
        assert kept == there


def test_run_dashboard_works_from_the_wheel_in_any_directory(seeded: Target, installed: Path, tmp_path: Path) -> None:
    environment = os.environ | seeded.environment() | {"PYTHONPATH": str(installed)}
    where = subprocess.run(
        [sys.executable, "-c", "import loadgen, scenarios; print(loadgen.__file__, scenarios.__file__)"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.count(str(installed)) == 2
    done = subprocess.run(
        [
            sys.executable, "-m", "loadgen", "run", "dashboard", "--users", "2", "--no-think",
            "--duration", "4s", "--warmup", "0s", "--json",
        ],
        env=environment | {"LOADGEN_RESULTS_DIR": str(tmp_path / "results")},
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, 4), done.stderr  # 4: the machine was too busy for a valid run
    record = json.loads(done.stdout)
    assert record["result"]["count"] > 0
    assert (tmp_path / "results" / record["id"] / "manifest.json").is_file()
