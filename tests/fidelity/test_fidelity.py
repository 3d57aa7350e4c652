"""The verb and its measurements on a real seeded database; planted faults are found and named."""

from __future__ import annotations

import csv
import datetime as dt
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from loadgen.database.connect import Target, connect
from loadgen.errors import EnvironmentFault, GuardRefusal, NegativeAnswer, RefusalError
from loadgen.fidelity import checks, estimates, households, published, shape
from loadgen.fidelity.export import export
from loadgen.fidelity.format import Check, FidelityRecord, Figure
from loadgen.fidelity.measure import keep, measure
from loadgen.fidelity.reading import Snapshot
from loadgen.population import reference
from loadgen.report.reading import read_subject
from loadgen.runs import documents
from loadgen.runs.format.scenario import (
    ParameterDescription,
    ScenarioDescription,
    StatementDescription,
    TransactionDescription,
)

Loadgen = Callable[..., "subprocess.CompletedProcess[str]"]
USERS = 3_000
NOW = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
DOLLARS = reference.dollars_per_2022_dollar()


def copied(server: Target, template: Target, name: str) -> Target:
    """A copy that a test may spoil."""
    target = server.with_database(name)
    with connect(server, autocommit=True) as conn:
        names = sql.Identifier(name), sql.Identifier(template.database)
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    return target


@pytest.fixture(scope="module")
def people(server: Target, _initialised: Target, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """A database of USERS users that no test writes to."""
    import os
    import sys

    target = copied(server, _initialised, "fidelity_people")
    command = [sys.executable, "-m", "loadgen", "seed", "--users", str(USERS), "--as-of", "2026-06-30"]
    subprocess.run(command, env=os.environ | target.environment(), check=True, capture_output=True, timeout=120)
    return target


@pytest.fixture(scope="module")
def found(people: Target) -> FidelityRecord:
    return measure(people, [], NOW, lambda line: None)


@pytest.fixture
def spoilt(server: Target, people: Target, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """A connection to a copy for one test."""
    name = f"fidelity_{abs(hash(request.node.name)) % 10**9}"
    with connect(copied(server, people, name), autocommit=True) as conn:
        yield conn


def measured(conn: psycopg.Connection, people: Target) -> FidelityRecord:
    return measure(people.with_database(conn.info.dbname), [], NOW, lambda line: None)


def figure(record: FidelityRecord, measure_name: str, group: str) -> Figure:
    (one,) = {f for f in record.figures if (f.measure, f.group) == (measure_name, group) and f.topic != "joint"} or {
        f for f in record.figures if (f.measure, f.group) == (measure_name, group)
    }
    return one


def check(record: FidelityRecord, name: str) -> Check:
    return next(c for c in record.checks if c.name == name)


def one(conn: psycopg.Connection, query: str) -> float:
    row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return float(row[0])


# --- what is measured -------------------------------------------------------------------------------------------


def test_every_published_figure_is_measured(people: Target) -> None:
    with Snapshot(people, lambda line: None) as snapshot:
        measured_here = households.measure(snapshot).found
    assert {(p.measure, p.group) for p in published.figures()} <= set(measured_here)


def test_figures_are_those_of_the_rows(people: Target, found: FidelityRecord) -> None:
    assert found.users == USERS
    true = "(calculations ->> 'total_assets')::float8 - (calculations ->> 'total_debts')::float8"
    with connect(people) as conn:
        assert found.under_water == one(conn, f"SELECT count(*) FROM financial_profiles WHERE {true} < 0")  # noqa: S608
        median = one(
            conn,
            f"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY {true}) FROM financial_profiles "  # noqa: S608
            "WHERE (basic_info ->> 'age')::int BETWEEN 45 AND 54",
        )
        holders = one(
            conn,
            "SELECT 100 * avg(((financial_data #>> '{assets,retirement_accounts}')::float8 > 0)::int)"
            " FROM financial_profiles WHERE (basic_info ->> 'age')::int < 35",
        )
        married = one(conn, "SELECT 100 * avg((basic_info -> 'spouse' <> 'null')::int) FROM financial_profiles")
        top = one(
            conn,
            f"SELECT 100 * sum(w) FILTER (WHERE place > 0.9) / sum(w) FROM (SELECT {true} AS w, "  # noqa: S608
            f"cume_dist() OVER (ORDER BY {true}) AS place FROM financial_profiles) AS x",
        )
    assert figure(found, "net_worth_median", "45-54").stored == pytest.approx(median)
    assert figure(found, "retirement_hold", "<35").stored == pytest.approx(holders)
    assert figure(found, "married_couples", "all").stored == pytest.approx(married)
    assert figure(found, "net_worth_share", "top 10 %").stored == pytest.approx(top, rel=0.002)
    wills = figure(found, "will", "50-64")
    assert wills.verdict == "undecided" or wills.stored is not None, "judged only where it is stored"


def test_groups_by_income_hold_their_share_of_households(found: FidelityRecord) -> None:
    counted = {f.group: f.households for f in found.figures if f.measure == "home_hold_by_income"}
    assert set(counted) == {f.group for f in reference.joint() if f.measure == "home_hold_by_income"}
    for group, n in counted.items():
        low, high = (float(edge) for edge in group.split("-"))
        assert n == pytest.approx(USERS * (high - low) / 100, abs=2)


def test_the_seeded_rows_keep_every_rule(found: FidelityRecord) -> None:
    assert {c.name for c in found.checks} > set(checks.RULES)
    assert not [c for c in found.checks if c.verdict != "within"]
    assert all(c.checked > 100 for c in found.checks)


def test_shape_is_that_of_the_tables(people: Target, found: FidelityRecord) -> None:
    with connect(people) as conn:
        for fan_out in found.fan_outs:
            counts = (
                f"SELECT count(t.user_id) AS n FROM users AS u LEFT JOIN {fan_out.table} AS t ON t.user_id = u.id "  # noqa: S608
                "GROUP BY u.id"
            )
            assert fan_out.mean == pytest.approx(one(conn, f"SELECT avg(n) FROM ({counts}) AS c"))  # noqa: S608
            assert fan_out.without == pytest.approx(one(conn, f"SELECT avg((n = 0)::int) FROM ({counts}) AS c"))  # noqa: S608
            p99 = f"SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY n) FROM ({counts}) AS c"  # noqa: S608
            assert fan_out.p99 == one(conn, p99)
        profiles = next(t for t in found.tables if t.size.name == "financial_profiles")
        size = profiles.size
        total = one(conn, "SELECT pg_total_relation_size('financial_profiles')")
        assert size.heap_bytes + size.toast_bytes + size.index_bytes == total
        chunks = (
            "SELECT count(*) FROM financial_profiles WHERE pg_column_toast_chunk_id(monte_carlo_results) IS NOT NULL"
        )
        results = next(d for d in found.documents if d.column == "monte_carlo_results")
        assert results.toasted_share is not None
        assert results.null_share is not None
        assert results.toasted_share * USERS * (1 - results.null_share) == pytest.approx(one(conn, chunks))
        text = "SELECT avg(octet_length(monte_carlo_results::text)) FROM financial_profiles"
        assert results.text_bytes == pytest.approx(one(conn, text))
        assert profiles.toasted_share is not None
        assert profiles.toasted_share * USERS >= one(conn, chunks)
    assert results.compressed_share == 1.0


def test_quantiles_of_a_fan_out_count_users_without_rows() -> None:
    of = shape.fan_out("goals", [(1, 30), (2, 15), (40, 5)], 100)
    assert (of.without, of.mean) == (0.5, pytest.approx(2.6))
    assert (of.p50, of.p90, of.p99, of.most) == (0, 2, 40, 40)
    assert shape.fan_out("goals", [], 10).most == 0


def test_dead_rows_and_free_space_by_pgstattuple(spoilt: psycopg.Connection, people: Target) -> None:
    spoilt.execute("ALTER TABLE goals SET (autovacuum_enabled = off)")
    spoilt.execute("UPDATE goals SET status = status")
    spoilt.execute("CREATE EXTENSION pgstattuple")
    goals = next(t for t in measured(spoilt, people).tables if t.size.name == "goals")
    assert goals.dead_rows == goals.size.rows > 0
    assert goals.free_share is not None


# --- planted faults ---------------------------------------------------------------------------------------------

DEARER_HOMES = """
UPDATE financial_profiles
SET financial_data = jsonb_set(
    financial_data, '{assets,home}', to_jsonb(round((financial_data #>> '{assets,home}')::numeric * 1.6, 2))
)
"""


def test_a_share_that_is_off_is_named(spoilt: psycopg.Connection, people: Target, found: FidelityRecord) -> None:
    before = figure(found, "card_balance_hold", "<35")
    spoilt.execute(
        "UPDATE financial_profiles SET financial_data = jsonb_set(financial_data, '{debts,credit_cards}', '0')"
        " WHERE (basic_info ->> 'age')::int < 35 AND user_id % 2 = 0"
    )
    after = measured(spoilt, people)
    changed = figure(after, "card_balance_hold", "<35")
    assert before.stored is not None
    assert changed.stored == pytest.approx(before.stored / 2, rel=0.15)
    assert changed.verdict == "outside"
    assert "card_balance_hold <35" in after.outside
    assert check(after, "net_worth").verdict == "outside", "the totals no longer add up"


def test_a_median_that_is_off_is_named(
    spoilt: psycopg.Connection, people: Target, found: FidelityRecord, loadgen: Loadgen
) -> None:
    spoilt.execute(DEARER_HOMES)
    done = loadgen("fidelity", "--json", target=people.with_database(spoilt.info.dbname))
    assert done.returncode == 1
    assert "outside tolerance: " in done.stderr.splitlines()[-1]
    verdicts = {(f["measure"], f["group"]): f["verdict"] for f in json.loads(done.stdout)["figures"]}
    assert verdicts["home_median", "55-64"] == "outside"
    after = measured(spoilt, people)
    for age in reference.AGE_GROUPS:
        before, changed = figure(found, "home_median", age), figure(after, "home_median", age)
        assert before.stored is not None
        assert changed.stored == pytest.approx(1.6 * before.stored)
    assert figure(after, "home_median", "55-64").verdict == "outside"
    assert figure(after, "home_hold", "55-64") == figure(found, "home_hold", "55-64")


FAULTS = {
    "net_worth": (
        "UPDATE financial_profiles SET calculations = jsonb_set(calculations, '{net_worth}', '1') WHERE user_id = 7", 1
    ),
    "allocation": (
        "UPDATE financial_profiles SET calculations = jsonb_set(calculations, '{allocation,cash}', '99.5')"
        " WHERE user_id IN (3, 4)", 2
    ),
    "bands": (
        "UPDATE financial_profiles SET monte_carlo_results = jsonb_set(monte_carlo_results, '{bands,p25,1}', '9e12')"
        " WHERE id = (SELECT min(id) FROM financial_profiles WHERE monte_carlo_results IS NOT NULL)", 1
    ),
    "score": (
        "UPDATE financial_profiles SET calculations = jsonb_set(calculations, '{retirement_score}', '101')"
        " WHERE id = (SELECT max(id) FROM financial_profiles WHERE monte_carlo_results IS NOT NULL)", 1
    ),
    "simulation": (
        "UPDATE financial_profiles SET monte_carlo_results = jsonb_set(monte_carlo_results, '{start_balance}', '9e12')"
        " WHERE id = (SELECT max(id) FROM financial_profiles WHERE monte_carlo_results IS NOT NULL)", 1
    ),
    "mortgage": (
        "UPDATE financial_profiles SET financial_data = jsonb_set(financial_data, '{assets,home}', '0')"
        " WHERE id = (SELECT min(id) FROM financial_profiles"
        " WHERE (financial_data #>> '{debts,mortgage}')::numeric > 0)", 1
    ),
    "household": (
        "UPDATE financial_profiles SET basic_info = basic_info || '{\"household_size\": 0}' WHERE id IN (50, 51)", 2
    ),
    "children": ("UPDATE education_goals SET child_name = 'Nobody Known' WHERE id <= 3", 3),
    "beneficiaries": (
        "UPDATE estate_plans SET beneficiaries = jsonb_set(beneficiaries, '{0,share_pct}', '0.5')"
        " WHERE id = (SELECT max(id) FROM estate_plans)", 1
    ),
    "heirs": ("UPDATE estate_plans SET beneficiaries = '[{\"relation\": \"child\", \"share_pct\": 100}]'"
              " WHERE user_id = (SELECT min(p.user_id) FROM financial_profiles AS p JOIN estate_plans USING (user_id)"
              " WHERE basic_info -> 'children' = '[]')", 1),
    "goal_dates": ("UPDATE goals SET target_date = '2001-01-01', status = 'active' WHERE id <= 5", 5),
    "goals": ("UPDATE goals SET type = 'home_improvement' WHERE id = (SELECT min(g.id) FROM goals AS g"
              " JOIN financial_profiles AS p USING (user_id)"
              " WHERE (financial_data #>> '{assets,home}')::numeric = 0)", 1),
    "emails": ("UPDATE users SET email = 'somebody@gmail.com' WHERE id = 9", 1),
    "distinct basic_info": (
        "UPDATE financial_profiles SET basic_info = (SELECT basic_info FROM financial_profiles WHERE id = 1)"
        " WHERE id <= 40", 39
    ),
}  # fmt: skip


def test_every_rule_can_be_broken(spoilt: psycopg.Connection, people: Target) -> None:
    """One fault after another: each rule counts at least the rows that were spoilt for it."""
    assert set(checks.RULES) <= set(FAULTS)
    for statement, _ in FAULTS.values():
        spoilt.execute(statement.encode())
    with Snapshot(people.with_database(spoilt.info.dbname), lambda line: None) as snapshot:
        broken = {c.name: c for c in checks.measure(snapshot)}
    for name, (_, rows) in FAULTS.items():
        assert broken[name].verdict == "outside", name
        assert broken[name].violating >= rows, name
    exact = ("household", "score", "emails", "bands", "beneficiaries", "allocation")
    assert all(broken[name].violating == FAULTS[name][1] for name in exact)


# --- the planner ------------------------------------------------------------------------------------------------


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


def test_stale_statistics_show_as_a_large_error(spoilt: psycopg.Connection, people: Target) -> None:
    spoilt.execute("ALTER TABLE goals SET (autovacuum_enabled = off)")
    spoilt.execute(
        "INSERT INTO goals (user_id, type, target_amount, target_date, status)"
        " SELECT id, 'car', 1, '2030-01-01', 'active' FROM users CROSS JOIN generate_series(1, 60)"
    )
    target = people.with_database(spoilt.info.dbname)
    (found_here,) = estimated(target, scenario("SELECT id FROM goals WHERE user_id = $1 ORDER BY target_date"))
    assert found_here.worst is not None
    assert found_here.worst.node.startswith(("Index Scan", "Bitmap", "Seq Scan"))
    assert found_here.worst.actual_rows is not None
    assert found_here.worst.actual_rows >= 60
    assert (found_here.worst.q_error or 0) > 10
    assert (found_here.median_worst_q_error or 0) > 10


def test_what_writes_is_planned_and_not_run(people: Target) -> None:
    with connect(people) as conn:
        before = one(conn, "SELECT count(*) FROM goals")
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
        assert one(conn, "SELECT count(*) FROM goals") == before


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


# --- the verb ---------------------------------------------------------------------------------------------------


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


def test_the_outcome_is_an_exit_code(found: FidelityRecord) -> None:
    from dataclasses import replace

    from capacity.values import Refusal
    from loadgen.cli.fidelity import outcome

    within = tuple(replace(f, verdict="within") for f in found.figures)
    good = replace(found, figures=within, refusal=None)
    assert outcome(good) is None
    bad = replace(good, figures=(replace(within[3], verdict="outside"), *within[4:]))
    no = outcome(bad)
    assert isinstance(no, NegativeAnswer)
    assert within[3].name in str(no)
    assert isinstance(outcome(replace(good, refusal=Refusal("c", "m", "d"))), RefusalError)


def test_too_few_households_are_a_refusal(database: Target, loadgen: Loadgen) -> None:
    assert loadgen("seed", "--users", "12", target=database).returncode == 0
    record = measure(database, [], NOW, lambda line: None)
    assert {f.verdict for f in record.figures} <= {"undecided", "within", "outside"}
    if record.refusal is not None:
        assert record.refusal.code == "too_few_households"
    assert sum(f.verdict == "undecided" for f in record.figures) > 0.9 * len(record.figures)


def test_what_is_not_seeded_is_refused_in_a_line(empty_database: Target, database: Target, loadgen: Loadgen) -> None:
    for target, says in ((empty_database, "not marked as synthetic"), (database, "loadgen seed")):
        done = loadgen("fidelity", "--json", "--export", "h.csv", target=target)
        assert done.returncode == 3
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert says in done.stderr
        assert json.loads(done.stdout)["format"] == "loadgen.error/1"
    with pytest.raises(GuardRefusal):
        Snapshot(empty_database, print)


def test_nothing_is_written_and_one_moment_is_seen(people: Target, spoilt: psycopg.Connection) -> None:
    target = people.with_database(spoilt.info.dbname)
    with Snapshot(target, lambda line: None) as snapshot:
        before = snapshot.rows("main_goals")
        spoilt.execute("DELETE FROM goals")
        assert snapshot.rows("main_goals") == before
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            snapshot.conn.execute("DELETE FROM goals")


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


def test_records_are_found_again(found: FidelityRecord, tmp_path: Path) -> None:
    directory = keep(found, tmp_path)
    assert documents.parse(FidelityRecord, (directory / "fidelity.json").read_bytes(), "x") == found
