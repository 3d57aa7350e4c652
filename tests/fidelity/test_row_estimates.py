"""How far the planner is off on a real database, and that measuring it changes nothing."""

from __future__ import annotations

import time

import psycopg
import pytest
from fidelity_samples import number

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.fidelity import estimates
from loadgen.fidelity.reading import Snapshot
from loadgen.runs.format.scenario import (
    ParameterDescription,
    ScenarioDescription,
    StatementDescription,
    TransactionDescription,
)


def scenario(text: str, *, writes: bool = False, draw: str = "active_user") -> ScenarioDescription:
    parameters = (ParameterDescription("user_id", "bigint", draw),)
    statement = StatementDescription("asked", text, writes, parameters, (0, None))
    transaction = TransactionDescription("t", 1.0, ("asked",), 1, writes, "read committed")
    return ScenarioDescription("planted", "", "1", 0.99, (transaction,), (statement,))


def estimated(target: Target, *scenarios: ScenarioDescription) -> list[estimates.StatementEstimate]:
    with Snapshot(target, lambda line: None) as snapshot:
        return list(estimates.measure(snapshot, scenarios))


def test_a_condition_on_a_document_is_badly_estimated_and_said_to_be_one(people: Target) -> None:
    looks = "SELECT id FROM financial_profiles WHERE user_id <> $1 AND basic_info ->> 'marital_status' <> 'x'"
    with connect(people) as conn:
        (policy,) = conn.execute(
            "SELECT count(*) FROM pg_policies WHERE tablename = 'financial_profiles'"
        ).fetchone() or (0,)
    assert policy, "row security stands between the statement and the rows"
    (one_,) = estimated(people, scenario(looks))
    assert one_.draws == estimates.DRAWS
    assert one_.jsonb_condition is not None
    assert "marital_status" in one_.jsonb_condition
    assert one_.top is not None
    assert one_.top.actual_rows == 0, "as the application's role, which sees one user's rows"


def test_stale_statistics_show_as_a_large_error(spoilt_people: psycopg.Connection, people: Target) -> None:
    spoilt_people.execute("ALTER TABLE goals SET (autovacuum_enabled = off)")
    spoilt_people.execute(
        "INSERT INTO goals (user_id, type, target_amount, target_date, status)"
        " SELECT id, 'car', 1, '2030-01-01', 'active' FROM users CROSS JOIN generate_series(1, 60)"
    )
    target = people.with_database(spoilt_people.info.dbname)
    (found_here,) = estimated(target, scenario("SELECT id FROM goals WHERE user_id = $1 ORDER BY target_date"))
    assert found_here.worst is not None
    assert found_here.worst.node.startswith(("Index Scan", "Bitmap", "Seq Scan"))
    assert found_here.worst.actual_rows is not None
    assert found_here.worst.actual_rows >= 60
    assert (found_here.worst.q_error or 0) > 10
    assert (found_here.median_worst_q_error or 0) > 10


def test_what_writes_is_planned_and_not_run(people: Target) -> None:
    with connect(people) as conn:
        before = number(conn, "SELECT count(*) FROM goals")
    delete = scenario("DELETE FROM goals WHERE user_id = $1", writes=True)
    update = scenario("UPDATE goals SET status = 'paused' WHERE user_id = $1", writes=True)
    liar = scenario("UPDATE goals SET status = 'active' WHERE user_id = $1 RETURNING id")
    denied, planned, refused = estimated(people, delete, update, liar)
    assert "permission denied" in denied.note, "the application's role may not delete"
    assert planned.top is not None
    assert planned.top.actual_rows is None
    assert "not run" in planned.note
    assert refused.worst is None
    assert "read-only" in refused.note, "what says that it reads but writes is stopped by the server"
    with connect(people) as conn:
        assert number(conn, "SELECT count(*) FROM goals") == before


def test_draws_of_a_scenario_and_slow_statements_are_notes(people: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    (own,) = estimated(people, scenario("SELECT id FROM goals WHERE user_id = $1", draw="somebody"))
    assert "somebody" in own.note
    assert own.worst is None
    monkeypatch.setattr(estimates, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(estimates, "DRAWS", 2)
    began = time.monotonic()
    (slow,) = estimated(people, scenario("SELECT pg_sleep(30) WHERE $1 > 0"))
    assert "took longer" in slow.note
    assert time.monotonic() - began < 10
