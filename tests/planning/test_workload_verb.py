"""``loadgen workload``: the block from measurements, and the plan that is made by it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from production_samples import DASHBOARD, DONE, MONTECARLO, profile, requests_csv
from published import made
from run_samples import CPU_S, stored
from run_samples import run as recorded
from sweep_samples import history_csv, store, sweep

from capacity.values import Origin
from loadgen.planning.workload.workload_file import read_workload
from loadgen.planning.workload.workload_toml import to_toml
from loadgen.profiling.lexer import normalise
from loadgen.profiling.names import COLUMNS
from loadgen.runs import documents
from loadgen.runs.format.verdict import Verdict

DONE_BY_RUN = {"read": 90.0, "write": 10.0}
EVENTS = """
[workload.peak_to_mean]
value = 6
[policy.replay_cost]
value = 0.4
low = 0.3
high = 0.5
origin = "measured"
source = "a replica of ours"
[[events]]
name = "tax season \\"27\\""
date = 2027-03-01
days = 45
factor = 1.6
low = 1.2
high = 2.5
on = "peak"
source = "marketing's plan"
[[events]]
name = "launch"
date = 2027-01-15
factor = 1.1
on = "users"
"""

MEASURING = ("--requests", "requests.csv", "--profile", "profile.json")

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def here(tmp_path: Path, here: Run) -> Run:
    """The command line, in a directory with production's files and sweeps of both scenarios."""
    requests_csv(tmp_path / "requests.csv")
    (tmp_path / "profile.json").write_text(documents.dump(profile(DONE)))
    (tmp_path / "base.toml").write_text(EVENTS)
    for record, description in ((sweep("dashboard"), DASHBOARD), (sweep("montecarlo", single_tps=60), MONTECARLO)):
        object.__setattr__(record, "scenario", description)
        store(tmp_path / "results", record)
    return here


def swept(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "results").glob("*-sweep-*"))


def test_the_block_goes_to_stdout_as_toml_and_to_people_as_a_table(here: Run) -> None:
    result = here("workload", "--requests", "requests.csv")
    block = tomllib.loads(result.stdout)
    peak = block["workload"]["peak_to_mean"]
    assert peak["origin"] == "measured"
    assert "21 days of requests.csv, 2026-09-07 to 2026-09-27, by 3600 s" in peak["source"]
    assert peak["low"] < peak["value"] < peak["high"]
    assert block["workload"]["daily_active_share"]["origin"] == "assumption"
    assert "peak_to_mean" in result.stderr and "measured" in result.stderr
    assert "cover less than a year" in result.stderr


def test_the_document_says_how_each_number_was_found(here: Run, tmp_path: Path) -> None:
    document = made(here("workload", *MEASURING, *swept(tmp_path), "-o", "load.toml", "--json"))
    entries = {entry["name"]: entry for entry in document["entries"]}
    assert entries["transactions_per_user_day"]["value"] == pytest.approx(1.0, rel=1e-3)
    assert entries["mix.dashboard"]["value"] == pytest.approx(0.9 / 1.0, rel=0.01)
    assert entries["read_share.dashboard"]["value"] == pytest.approx(8 / 9, rel=1e-3)
    assert entries["replay_cost"]["origin"] == "assumption"
    assert "daily_active_share" not in entries
    assert document["peak"]["days"] == 21
    assert document["statements"]["users"] == 50_000
    assert document["file"] == "load.toml"
    assert document["toml"] == Path("load.toml").read_text()
    assert any(
        "89% of production's transactions only read, 95% of the scenario's" in note for note in document["notes"]
    )


@pytest.mark.slow
def test_a_plan_by_the_measured_block_says_so_and_draws_its_intervals(here: Run, tmp_path: Path) -> None:
    history_csv(tmp_path / "h.csv")
    made(here("workload", *MEASURING, *swept(tmp_path), "-o", "load.toml", "--json"))
    assumed = made(here("plan", "--history", "h.csv", "--json"))["plan"]
    result = here("plan", "--history", "h.csv", "--workload", "load.toml", "--json")
    measured = made(result)["plan"]
    said = " ".join(line for line in result.stderr.splitlines() if line.startswith("measured "))
    for name in ("peak_to_mean", "transactions_per_user_day", "mix.dashboard", "read_share.montecarlo"):
        assert name in said
    assert "cpu_s.dashboard" not in said
    assert "peak_to_mean" not in next(line for line in result.stderr.splitlines() if line.startswith("assumed "))
    origins = {i["name"]: i["origin"] for i in measured["inputs"]}
    assert {name: origins[name] for name in ("peak_to_mean", "transactions_per_user_day", "mix.dashboard")} == {
        "peak_to_mean": "measured",
        "transactions_per_user_day": "measured",
        "mix.dashboard": "measured",
    }
    assert origins["read_share.dashboard"] == "measured"
    assert "daily_active_share" not in origins

    def spread(plan: dict[str, Any]) -> float:
        peak = plan["demand_tps"][-1][1]
        return float(peak["high"] / peak["low"])

    assert spread(measured) < spread(assumed) / 2
    inputs = {i["name"]: i["value"] for i in measured["inputs"]}
    peak = measured["demand_tps"][0][1]
    law = [
        inputs["users"][e] * inputs["transactions_per_user_day"][e] * inputs["peak_to_mean"][e] / 86_400
        for e in ("low", "high")
    ]
    assert law[0] <= peak["low"] < peak["high"] <= law[1]


def test_what_is_not_measured_stays_as_the_base_has_it(here: Run, tmp_path: Path) -> None:
    made(here("workload", "--base", "base.toml", "--requests", "requests.csv", "-o", "load.toml", "--json"))
    base, found = read_workload(tmp_path / "base.toml"), read_workload(tmp_path / "load.toml")
    assert found.workload.events == base.workload.events
    assert found.policy == base.policy
    assert found.workload.peak_to_mean.origin is Origin.MEASURED
    assert base.workload.peak_to_mean.origin is Origin.ASSUMPTION


def test_a_written_block_reads_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(EVENTS)
    (tmp_path / "target.toml").write_text("[policy.target_utilisation]\nvalue = 0.7\n")
    for path in (None, tmp_path / "base.toml", tmp_path / "target.toml"):
        block = read_workload(path)
        (tmp_path / "again.toml").write_text(to_toml(block, ("two\nlines",)))
        assert read_workload(tmp_path / "again.toml") == block


def test_our_own_load_is_never_called_a_measurement(here: Run, tmp_path: Path) -> None:
    requests_csv(tmp_path / "ours.csv", comment="# synthetic: a run of ours")
    (tmp_path / "ours.json").write_text(documents.dump(profile(DONE, synthetic=True)))
    result = here("workload", "--requests", "ours.csv", "--profile", "ours.json", *swept(tmp_path), "--json")
    origins = {entry["name"]: entry["origin"] for entry in made(result)["entries"]}
    assert "measured" not in origins.values()
    assert origins["peak_to_mean"] == origins["mix.dashboard"] == "synthetic"
    assert "a synthetic load, not production" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "nothing to measure from"),
        (("absent",), 2, "absent"),
        (("other",), 2, "the mix has no such scenario"),
        (("failed", "--requests", "requests.csv"), 4, "no_valid_runs"),
        (("some",), 4, "restricted_run"),
        (("--requests", "none.csv"), 2, "none.csv"),
        (("--requests", "short.csv"), 4, "too_few_days"),
        (("--profile", "none.json"), 2, "none.json"),
        (("--profile", "requests.csv"), 2, "requests.csv"),
        (("--profile", "empty.json"), 4, "no_statements"),
        (("absent", "--profile", "profile.json"), 2, "absent"),
        (("--requests", "requests.csv", "--base", "none.toml"), 2, "none.toml"),
    ],
)
def test_what_cannot_be_measured_is_one_line_and_no_file(
    here: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    requests_csv(tmp_path / "short.csv", days=3)
    (tmp_path / "empty.json").write_text(documents.dump(profile({})))
    failed = replace(recorded("dashboard", DONE_BY_RUN, 8, CPU_S), verdict=Verdict("invalid"))
    some = recorded("dashboard", DONE_BY_RUN, 7, CPU_S)
    some = replace(some, schedule=replace(some.schedule, only=("read",)))
    for name, record in (("other", recorded("other", DONE_BY_RUN, 9, CPU_S)), ("failed", failed), ("some", some)):
        documents.write_atomically(tmp_path / "results" / name / "manifest.json", documents.dump(record))
    records = swept(tmp_path) if arguments[:1] == ("--profile",) else []
    result = here("workload", *arguments, *records, "-o", "load.toml", "--json")
    assert result.returncode == code
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert ("refusal" in json.loads(result.stdout)) == (code == 4)
    assert not (tmp_path / "load.toml").exists()


def test_a_run_tells_which_of_its_transactions_read_and_nothing_of_production(here: Run, tmp_path: Path) -> None:
    names = stored(tmp_path / "results", *(recorded("dashboard", DONE_BY_RUN, n, CPU_S) for n in (1, 2)))
    result = here("workload", *names, "--json")
    entries = {entry["name"]: entry for entry in made(result)["entries"]}
    reads = entries["read_share.dashboard"]
    assert (reads["value"], reads["origin"]) == (0.9, "synthetic")
    assert reads["low"] < 0.9 < reads["high"] < reads["low"] + 0.02, "12,000 transactions"
    assert reads["source"] == "12,000 transactions of 2 runs of dashboard: our own load"
    for name in ("peak_to_mean", "daily_active_share", "transactions_per_session", "mix.dashboard"):
        assert entries[name]["origin"] == "assumption"
    assert "the ratio of peak to mean need --profile" in result.stderr


def test_a_run_counts_once_and_runs_that_differ_tell_less(here: Run, tmp_path: Path) -> None:
    def reads(*names: str) -> dict[str, Any]:
        entries = made(here("workload", *names, "--json"))["entries"]
        return next(entry for entry in entries if entry["name"] == "read_share.dashboard")

    shares = ({"read": 90.0, "write": 10.0}, {"read": 80.0, "write": 20.0}, {"read": 70.0, "write": 30.0})
    runs = [recorded("dashboard", tps, n, CPU_S) for n, tps in enumerate(shares, start=1)]
    names = stored(tmp_path / "results", *runs)
    assert reads(names[0], names[0]) == reads(names[0])
    apart = reads(*names)
    assert apart["value"] == pytest.approx(0.8)
    assert apart["low"] < 0.75 and apart["high"] > 0.85, "three runs from 0.7 to 0.9"


@pytest.mark.slow
def test_the_shipped_scenarios_are_told_apart_by_their_statements(here: Run, tmp_path: Path) -> None:
    """Those of the mix are described where no record is named; what was planted comes back."""
    weights: dict[str, float] = {}
    calls: dict[str, float] = {}
    for scenario, times in (("dashboard", 9_000), ("montecarlo", 1_000)):
        described = made(here("describe", scenario, "--json"))
        texts = {one["name"]: one["sql"] for one in described["statements"]}
        total = sum(one["weight"] for one in described["transactions"])
        reads = sum(one["weight"] for one in described["transactions"] if not one["writes"])
        weights[scenario] = reads / total
        for one in described["transactions"]:
            for name in one["statements"]:
                done = times * one["weight"] / total * one["repeat"]
                calls[texts[name]] = calls.get(texts[name], 0.0) + done
    # A profile has no statements that touch none of the application's tables.
    known = {sql: count for sql, count in calls.items() if (one := normalise(sql)) and one.names & set(COLUMNS)}
    (tmp_path / "shipped.json").write_text(documents.dump(profile({}, days=10, users=1_000, others=known)))
    document = made(here("workload", "--profile", "shipped.json", "--json"))
    entries = {entry["name"]: entry["value"] for entry in document["entries"]}
    assert entries["transactions_per_user_day"] == pytest.approx(1.0, rel=0.01)
    assert entries["mix.dashboard"] == pytest.approx(0.9, rel=0.01)
    for scenario, reads in weights.items():
        assert entries[f"read_share.{scenario}"] == pytest.approx(reads, abs=0.01)
    assert not any("another mix" in note for note in document["notes"])
    assert "dashboard.save_progress" in document["statements"]["counted"]
