"""``loadgen fidelity``: document, page, export and exit code."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Loadgen
from fidelity_samples import USERS

from capacity.values import Refusal
from loadgen.cli.fidelity import outcome
from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, GuardRefusal, NegativeAnswer, RefusalError
from loadgen.fidelity import estimates
from loadgen.fidelity.export import export
from loadgen.fidelity.format import FidelityRecord
from loadgen.fidelity.reading import Snapshot
from loadgen.report.reading import read_subject
from loadgen.runs import documents


def test_the_verb_end_to_end(people: Target, loadgen: Loadgen, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = loadgen(
        "fidelity", "--json", "--export", "out/h.csv", "--report", str(page), "--results-dir", "kept", target=people
    )
    document = json.loads(done.stdout)
    assert document["format"] == "loadgen.fidelity/1"
    outside = any(one["verdict"] == "outside" for one in (*document["figures"], *document["checks"]))
    assert done.returncode == (1 if outside else 0), done.stderr
    for said in ("figures and rules", "financial_profiles", "monte_carlo_results", "open_goals", "recorded in"):
        assert said in done.stderr
    assert {e["statement"] for e in document["estimates"]} >= {"open_goals", "store_results", "latest_messages"}
    ran = [e for e in document["estimates"] if e["worst"]]
    assert len(ran) >= 10
    assert all(e["draws"] == estimates.DRAWS for e in ran)
    (kept,) = (tmp_path / "kept").glob("*/fidelity.json")
    record = documents.parse(FidelityRecord, kept.read_bytes(), "fidelity.json")
    assert json.loads(documents.dump(record)) == document
    assert read_subject(kept) == record
    assert "<svg" in page.read_text("utf-8")
    with (tmp_path / "out" / "h.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == USERS
    with connect(people) as conn:
        keys = conn.execute(
            "SELECT DISTINCT jsonb_object_keys(financial_data -> 'assets') FROM financial_profiles"
        ).fetchall()
        debts = conn.execute(
            "SELECT DISTINCT jsonb_object_keys(financial_data -> 'debts') FROM financial_profiles"
        ).fetchall()
    assets, owed = {str(key) for (key,) in keys}, {str(key) for (key,) in debts}
    assert set(rows[0]) == {"age", "income", "net_worth"} | assets | owed
    for row in rows:
        worth = sum(float(row[name]) for name in assets) - sum(float(row[name]) for name in owed)
        assert float(row["net_worth"]) == pytest.approx(worth, abs=0.02)
    assert sum(float(row["net_worth"]) < 0 for row in rows) == document["under_water"]


def test_the_outcome_is_an_exit_code(people_record: FidelityRecord) -> None:
    within = tuple(replace(f, verdict="within") for f in people_record.figures)
    good = replace(people_record, figures=within, refusal=None)
    assert outcome(good) is None
    bad = replace(good, figures=(replace(within[3], verdict="outside"), *within[4:]))
    no = outcome(bad)
    assert isinstance(no, NegativeAnswer)
    assert within[3].name in str(no)
    assert isinstance(outcome(replace(good, refusal=Refusal("c", "m", "d"))), RefusalError)


def test_what_is_not_seeded_is_refused_in_a_line(empty_database: Target, database: Target, loadgen: Loadgen) -> None:
    for target, says in ((empty_database, "not marked as synthetic"), (database, "loadgen seed")):
        done = loadgen("fidelity", "--json", "--export", "h.csv", target=target)
        assert done.returncode == 3
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert says in done.stderr
        assert json.loads(done.stdout)["format"] == "loadgen.error/1"
    with pytest.raises(GuardRefusal):
        Snapshot(empty_database, print)


def test_an_export_is_whole_or_not_there(people: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "h.csv"
    path.write_text("old")
    said: list[int] = []
    monkeypatch.setattr("loadgen.fidelity.export.EVERY_S", 0.0)
    assert export(people, path, said.append) == USERS
    assert said
    assert said == sorted(said)
    first = path.read_bytes()
    assert export(people, path, lambda rows: None) == USERS
    assert path.read_bytes() == first

    def breaks(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(people, path, breaks)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(EnvironmentFault, match="/proc/none"):
        export(people, Path("/proc/none/h.csv"), lambda rows: None)
