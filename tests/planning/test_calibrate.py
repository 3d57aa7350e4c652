"""Calibrating a real server: what it measures, that it changes nothing, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest

from capacity.demand import Ratio
from capacity.values import Origin, Refusal
from loadgen.database.connect import connect
from loadgen.database.guard import changed_rows
from loadgen.database.target import Target
from loadgen.planning.calibrating import as_user
from loadgen.planning.calibration import ratio, read_calibration

Loadgen = Callable[..., CompletedProcess[str]]


def row_changes(target: Target) -> dict[str, int]:
    with connect(target, autocommit=True) as conn:
        conn.execute("SELECT pg_stat_force_next_flush()")
        return changed_rows(conn)


def test_a_marked_database_tells_all_and_stays_as_it_is(seeded: Target, loadgen: Loadgen, tmp_path: Path) -> None:
    before = row_changes(seeded)
    kept = tmp_path / "here.json"
    done = loadgen("calibrate", "--time", "8s", "--output", str(kept), "--json", target=seeded)
    assert done.returncode == 0, done.stderr
    assert row_changes(seeded) == before
    record = read_calibration(kept)
    assert json.loads(done.stdout) == json.loads(kept.read_text())
    assert {s.scenario for s in record.statements} == {"dashboard", "montecarlo"}
    assert all(0 < s.server_ms.low <= s.server_ms.value < 1000 for s in record.statements)
    assert record.round_trip_ms is not None and record.round_trip_ms.value > 0
    assert record.commit_ms is not None and record.commit_ms.value > 0
    assert {s.why for s in record.skipped} >= {"it writes"}
    itself = ratio(record, record)
    assert isinstance(itself, Ratio)
    assert itself.origin is Origin.MEASURED
    assert itself.value.low < 1 < itself.value.high
    assert itself.value.value == 1
    other = replace(record, database=replace(record.database, fingerprint=replace(record.database.fingerprint, seed=9)))
    refused = ratio(record, other)
    assert isinstance(refused, Refusal) and refused.code == "other_data"
    assert _assumed(ratio(record, None))


def test_an_unmarked_database_is_only_read(seeded: Target, loadgen: Loadgen) -> None:
    with connect(seeded, autocommit=True) as conn:
        conn.execute("DROP SCHEMA loadgen CASCADE")
    arguments = ("calibrate", "--time", "4s", "--scenario", "dashboard", "--json")
    done = loadgen(*arguments, target=seeded)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["format"] == "loadgen.calibration/1"
    assert document["commit_ms"] is None
    assert {"what": "commit", "why": "the database is not marked as synthetic"} in document["skipped"]
    assert "not marked" in done.stderr


def test_without_users_there_is_nothing_to_time(database: Target, loadgen: Loadgen) -> None:
    done = loadgen("calibrate", "--time", "2s", "--scenario", "montecarlo", "--json", target=database)
    assert done.returncode == 4
    assert json.loads(done.stdout)["refusal"]["code"] == "no_users"


def test_a_database_without_the_schema_is_named(empty_database: Target, loadgen: Loadgen) -> None:
    done = loadgen("calibrate", "--time", "2s", "--scenario", "montecarlo", target=empty_database)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "a table is missing" in done.stderr


def _assumed(found: Ratio | Refusal) -> bool:
    return isinstance(found, Ratio) and found.origin is Origin.ASSUMPTION


def test_what_is_timed_cannot_write(seeded: Target) -> None:
    """The limits of its transactions, by the server's own word."""
    with (
        connect(seeded, autocommit=True) as conn,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        as_user(conn, 1),
    ):
        conn.execute("UPDATE users SET email = email")
