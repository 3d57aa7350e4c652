"""``loadgen forecast`` and ``loadgen plan`` as they are typed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import psycopg
import pytest
from conftest import Loadgen
from run_samples import replayed, stored, times, used
from sweep_samples import history_csv, store, sweep

from capacity.values import Interval
from loadgen.database.target import Target
from loadgen.report.commands import for_plan
from loadgen.runs import documents
from loadgen.runs.format.plan import PlanRecord

Result = CompletedProcess[str]
Here = Callable[..., Result]


def document(result: Result) -> dict[str, Any]:
    assert "Traceback" not in result.stderr
    parsed = json.loads(result.stdout)
    assert isinstance(parsed, dict)
    return parsed


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results directory with a sweep of both scenarios."""
    store(tmp_path / "results", sweep("dashboard"))
    store(tmp_path / "results", sweep("montecarlo", writes=10, single_tps=60))
    return tmp_path / "results"


# --- forecast -----------------------------------------------------------------------------------------------------


def test_forecast_of_a_file(loadgen: Loadgen, tmp_path: Path) -> None:
    result = loadgen("forecast", str(history_csv(tmp_path / "h.csv")), "--horizon", "6", "--level", "0.8", "--json")
    made = document(result)
    assert result.returncode == 0
    assert made["format"] == "loadgen.forecast/1"
    assert [p["date"] for p in made["forecast"]][-1] == "2025-06-28"
    assert all(p["low"] <= p["point"] <= p["high"] for p in made["forecast"])
    assert made["level"] == 0.8
    assert 0 < made["coverage"] <= 1
    assert made["model"]
    assert "2025-06-28" in result.stderr


def test_forecast_of_a_short_file_is_scenarios(here: Here, tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("period,value\n1,5\n2,7\n3,8\n")
    result = here("forecast", "h.csv", "--horizon", "2", "--json")
    scenarios = document(result)["scenarios"]
    assert result.returncode == 0
    assert list(scenarios) == ["low", "mid", "high"]
    assert scenarios["low"] == [{"period": 4, "point": 9.0}, {"period": 5, "point": 10.0}]


def test_forecast_without_json_leaves_stdout_empty(loadgen: Loadgen, tmp_path: Path) -> None:
    result = loadgen("forecast", str(history_csv(tmp_path / "h.csv")))
    assert (result.returncode, result.stdout) == (0, "")
    assert "back-tested at" in result.stderr


def test_forecast_of_the_database(loadgen: Loadgen, conn: psycopg.Connection, database: Target) -> None:
    conn.execute(
        """INSERT INTO users (email, password_hash, created_at)
           SELECT format('u%s@example.com', n), 'x', timestamptz '2024-01-05 00:00+00' + n ^ 1.5 * interval '2 hours'
           FROM generate_series(1, 400) n"""
    )
    result = loadgen("forecast", "--horizon", "3", "--json", target=database)
    made = document(result)
    assert result.returncode == 0
    assert made["origin"] == "synthetic"
    assert len(made["forecast"]) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("none.csv",), 2, "No such file"),
        (("bad.csv",), 2, "bad.csv: line 3"),
        (("one.csv",), 4, "too_few_points"),
        (("gap.csv",), 4, "irregular"),
        (("flat.csv",), 4, "constant"),
        (("h.csv", "--horizon", "0"), 2, "--horizon 0"),
        (("h.csv", "--horizon", "-3"), 2, "--horizon -3"),
        (("h.csv", "--horizon", "many"), 2, "--horizon many"),
        (("h.csv", "--horizon", "99999999"), 2, "--horizon"),
        (("h.csv", "--level", "1.5"), 2, "--level 1.5"),
        (("h.csv", "--level", "high"), 2, "--level high"),
    ],
)
def test_forecast_bad_input(here: Here, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    history_csv(tmp_path / "h.csv")
    (tmp_path / "bad.csv").write_text("date,value\n2026-01-31,1\n2026-02-28,many\n")
    (tmp_path / "one.csv").write_text("date,value\n2026-01-31,1\n")
    (tmp_path / "gap.csv").write_text("period,value\n1,1\n2,2\n5,3\n")
    (tmp_path / "flat.csv").write_text("period,value\n" + "".join(f"{n},7\n" for n in range(20)))
    result = here("forecast", *arguments, "--json")
    made = document(result)
    assert result.returncode == code
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert ("refusal" in made) == (code == 4)


# --- plan ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_beside_a_replica_tells_what_replay_takes(here: Here, tmp_path: Path, results: Path) -> None:
    """Of its scenario alone; the other's stays an assumption, which is said where there are replicas."""
    for scenario in (used(sweep("dashboard")), used(sweep("montecarlo", writes=10, single_tps=60))):
        store(results, scenario)
    (name,) = stored(results, replayed(1, Interval(4e-6, 5e-6, 6e-6), 10**9))
    history = history_csv(tmp_path / "h.csv", start=3_000_000, step=900)
    told = ("plan", "--history", str(history), "--results-dir", str(results), "--run", name)
    made = document(here(*told, "--json"))["plan"]
    inputs = {one["name"]: one for one in made["inputs"]}
    assert inputs["replay_s.dashboard"]["origin"] == "measured"
    assert inputs["replay_s.dashboard"]["value"]["value"] == pytest.approx(120 * 5e-6)
    assert inputs["replay_cost"]["origin"] == "assumption"
    refused = {basis["scenario"]: basis["replay_refused"] for basis in made["bases"]}
    assert refused["dashboard"] is None
    assert refused["montecarlo"]["code"] == "no_replica_measured"
    assert any(stage["replicas"] for stage in made["sizing"]["stages"])
    said = here(*told).stderr
    assert "loadgen run montecarlo --replica DSN" in said
    assert "loadgen run dashboard --replica DSN" not in said


def test_plan_joins_sweeps_and_history(loadgen: Loadgen, tmp_path: Path, results: Path) -> None:
    history = history_csv(tmp_path / "h.csv")
    result = loadgen("plan", "--history", str(history), "--results-dir", str(results), "--horizon", "12", "--json")
    made = document(result)
    assert result.returncode == 0, result.stderr
    assert made["format"] == "loadgen.plan/1"
    kept = results / made["id"] / "plan.json"
    assert kept.read_text() == result.stdout
    record = documents.parse(PlanRecord, kept.read_bytes(), str(kept))
    assert {r.kind for r in record.plan.recommendations} == {"replicas", "pool", "partitions"}
    assert record.plan.refused == ()
    assert (str(record.plan.start), str(record.plan.horizon)) == ("2024-12-28", "2025-12-28")
    assert [s.scenario.name for s in record.sweeps] == ["dashboard", "montecarlo"]
    assert not record.short
    assert 10 <= len(result.stderr.strip().splitlines()) <= 22
    assert {path.name for path in kept.parent.iterdir()} >= {"plan.json", "alerts.yml", "collector.yml"}
    for word in ("servers", "probability", "replicas", "pool", "partitions", "matters", "watch", "assumed", made["id"]):
        assert word in result.stderr
    assert not list(results.glob(".*"))


@pytest.mark.slow
def test_the_command_that_a_page_prints_makes_the_same_plan(here: Here, tmp_path: Path, results: Path) -> None:
    history_csv(tmp_path / "h.csv")
    asked = ("--target", "neon", "--growth", "2", "--mix", "dashboard=0.8,montecarlo=0.2", "--pools", "2")
    first = documents.parse(
        PlanRecord,
        here("plan", "--history", "h.csv", "--horizon", "6", *asked, "--json").stdout.encode(),
        "first",
    )
    assert first.options == ("--history", "h.csv", *asked)
    printed = next(line for line in for_plan(first) if line.startswith("loadgen plan"))
    again = here(*shlex.split(printed)[1:], "--json")
    assert documents.parse(PlanRecord, again.stdout.encode(), "again").plan == first.plan


def calibration(path: Path, slower: float = 1.0, **database: object) -> str:
    """A calibration's file; returns its name."""
    found = times(path.stem, slower, **database)
    documents.write_atomically(path, documents.dump(found))
    return str(path)


@pytest.mark.slow
def test_plan_carries_what_calibrations_compared(here: Here, tmp_path: Path, results: Path) -> None:
    ours, theirs = calibration(tmp_path / "ours.json"), calibration(tmp_path / "theirs.json", 2.0, cores=8)
    (tmp_path / "sizes.toml").write_text('[[servers]]\nname = "eight"\ncores = 8\nram_gib = 32\n')
    arguments = ("plan", "--history", str(history_csv(tmp_path / "h.csv")), "--target", "sizes.toml", "--json")
    made = document(here(*arguments, "--calibration", ours, "--calibration", theirs))["plan"]
    origin = {one["name"]: one["origin"] for one in made["inputs"]}
    assert origin["core_speed"] == origin["waits.dashboard"] == origin["cpu_s.dashboard"] == "measured"
    assert {(one["target"], one["carried"]) for one in made["bases"]} == {("curve", "demand")}
    without = here(*arguments)
    origin = {one["name"]: one["origin"] for one in document(without)["plan"]["inputs"]}
    assert origin["core_speed"] == "assumption"
    assert "transferred by CPU demand" in without.stderr
    assert "core_speed" in without.stderr


@pytest.mark.slow
def test_calibrations_that_do_not_fit_are_named(here: Here, tmp_path: Path, results: Path) -> None:
    ours, theirs = calibration(tmp_path / "ours.json"), calibration(tmp_path / "theirs.json", cores=8)
    arguments = ("plan", "--history", str(history_csv(tmp_path / "h.csv")), "--calibration", ours)
    assert here(*arguments).returncode == 0
    for more, says in (
        (("--calibration", theirs), "needs --target"),
        (("--calibration", theirs, "--calibration", ours, "--target", "neon"), "two at most"),
        (("--calibration", str(tmp_path / "none.json")), "cannot read a calibration"),
    ):
        result = here(*arguments, *more)
        assert (result.returncode, says in result.stderr) == (2, True), result.stderr
    swapped = here(*arguments[:3], "--calibration", theirs, "--calibration", ours, "--target", "neon")
    assert swapped.returncode == 2
    assert "differs from the swept server in cores (8, 2)" in swapped.stderr


def test_plan_shows_refused_parts_and_short_runs(here: Here, tmp_path: Path) -> None:
    store(tmp_path / "results", sweep("dashboard", short=True))
    result = here("plan", "--history", str(history_csv(tmp_path / "h.csv")), "--json")
    made = document(result)
    assert result.returncode == 0
    assert [r["refusal"]["code"] for r in made["plan"]["refused"]] == ["scenario_not_swept"]
    assert made["short"]
    assert "loadgen sweep montecarlo" in result.stderr
    assert "too short for a decision" in result.stderr


@pytest.mark.slow
def test_the_same_inputs_give_the_same_plan(here: Here, tmp_path: Path, results: Path) -> None:
    arguments = ("plan", "--history", str(history_csv(tmp_path / "h.csv")), "--results-dir", str(results), "--json")
    first, second = (document(here(*arguments)) for _ in range(2))
    assert first["plan"] == second["plan"]
    assert first["id"] != second["id"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--history", "none.csv"), 2, "none.csv"),
        (("--history", "short.csv"), 4, "history_too_short"),
        (("--history", "periods.csv"), 2, "needs dates"),
        (("--history", "h.csv", "--workload", "none.toml"), 2, "none.toml"),
        (("--history", "h.csv", "--workload", "bad.toml"), 2, "bad.toml: workload.peak_to_mean.value"),
        (("--history", "h.csv", "--sweep", "nothing"), 2, "nothing"),
        (("--history", "h.csv", "--horizon", "0"), 2, "--horizon 0"),
        (("--history", "h.csv", "--results-dir", "empty"), 4, "no_sweep"),
    ],
)
def test_plan_bad_input_leaves_nothing_behind(
    here: Here, tmp_path: Path, results: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    history_csv(tmp_path / "h.csv")
    history_csv(tmp_path / "short.csv", rows=8)
    (tmp_path / "periods.csv").write_text("period,value\n" + "".join(f"{n},{100 + n * n}\n" for n in range(20)))
    (tmp_path / "bad.toml").write_text("[workload.peak_to_mean]\nvalue = -1\n")
    before = sorted(results.iterdir())
    result = here("plan", *arguments, "--json")
    document(result)
    assert result.returncode == code
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert sorted(results.iterdir()) == before


def test_plan_with_nothing_to_recommend_is_a_refusal(here: Here, tmp_path: Path) -> None:
    store(tmp_path / "results", replace(sweep("dashboard", response_ms=1), points=(), tables=()))
    store(tmp_path / "results", replace(sweep("montecarlo"), tables=()))
    result = here("plan", "--history", str(history_csv(tmp_path / "h.csv")), "--json")
    assert result.returncode == 4
    assert document(result)["refusal"]["code"] == "objective_not_met"
    assert not list((tmp_path / "results").glob("*-plan-*"))
