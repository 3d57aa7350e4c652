"""A record with a field that cannot be: one line that names file and field, whatever reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Loadgen
from sweep_samples import history_csv, sweep

from loadgen.runs.documents import dump

REPORT = ("report",)
PLAN = ("plan", "--history", "history.csv", "--sweep")
DEMAND = ("demand",)
SCALABILITY = ("scalability",)
SWEEPS: list[tuple[str, object, tuple[str, ...]]] = [
    ("levels", [], REPORT),
    ("levels", [1, 0], REPORT),
    ("database.cores", -2, PLAN),
    ("database.cores", 0, PLAN),
    ("database.ram_bytes", -1, PLAN),
    ("points.0.level", -1, PLAN),
    ("points.0.level", 10**15, SCALABILITY),
    ("points.0.repeat", 10**18, REPORT),
    ("objective.percentile", 12.5, PLAN),
    ("objective.response_ms", 0, REPORT),
    ("tables.0", {"name": "users", "rows": -5, "heap_bytes": 0, "toast_bytes": 0, "index_bytes": 0}, PLAN),
    ("scenario.transactions", [], PLAN),
    ("scenario.transactions.0.weight", -1, DEMAND),
    ("capacity.level", -3, PLAN),
    ("max_error_share", 1e300, REPORT),
]
RUNS: list[tuple[str, object]] = [
    ("result.window_s", 0),
    ("objective.percentile", 12.5),
    ("schedule.users", 0),
    ("schedule.measure_s", -1),
    ("scenario.transactions", []),
    ("max_error_share", -1),
]


GOLDEN = Path(__file__).parents[1] / "runs" / "golden"


def damaged(text: str, field: str, value: object) -> str:
    document = json.loads(text)
    *parents, last = (int(part) if part.isdigit() else part for part in field.split("."))
    place: Any = document
    for part in parents:
        place = place[part]
    place[last] = value
    return json.dumps(document)


def assert_named(here: Loadgen, path: Path, field: str, *verb: str) -> None:
    done = here(*verb, str(path))
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"loadgen: {path}: {field}")


@pytest.mark.parametrize(("field", "value", "verb"), SWEEPS)
def test_of_a_sweep(field: str, value: object, verb: tuple[str, ...], here: Loadgen, tmp_path: Path) -> None:
    history_csv(tmp_path / "history.csv")
    path = tmp_path / "sweep.json"
    path.write_text(damaged(dump(sweep(writes=2)), field, value))
    assert_named(here, path, field, *verb)


@pytest.mark.parametrize(("field", "value"), RUNS)
def test_of_a_run(field: str, value: object, here: Loadgen, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(damaged((GOLDEN / "run-2.json").read_text(), field, value))
    assert_named(here, path, field, "report")
