"""What is measured on a real seeded database is what SQL finds in its rows."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from conftest import Loadgen
from fidelity_samples import USERS, figure, measured, number

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.fidelity import checks, households, published, shape
from loadgen.fidelity.format import FidelityRecord
from loadgen.fidelity.measure import keep
from loadgen.fidelity.reading import Snapshot
from loadgen.population.household import reference
from loadgen.runs import documents
from loadgen.sql_files import SqlFile


def test_every_published_figure_is_measured(people: Target) -> None:
    with Snapshot(people, lambda line: None) as snapshot:
        measured_here = households.measure(snapshot).figures
    assert {(p.measure, p.group) for p in published.figures()} <= set(measured_here)


def test_figures_are_those_of_the_rows(people: Target, people_record: FidelityRecord) -> None:
    assert people_record.users == USERS
    true = "(calculations ->> 'total_assets')::float8 - (calculations ->> 'total_debts')::float8"
    with connect(people) as conn:
        assert people_record.under_water == number(conn, f"SELECT count(*) FROM financial_profiles WHERE {true} < 0")  # noqa: S608
        median = number(
            conn,
            f"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY {true}) FROM financial_profiles "  # noqa: S608
            "WHERE (basic_info ->> 'age')::int BETWEEN 45 AND 54",
        )
        holders = number(
            conn,
            "SELECT 100 * avg(((financial_data #>> '{assets,retirement_accounts}')::float8 > 0)::int)"
            " FROM financial_profiles WHERE (basic_info ->> 'age')::int < 35",
        )
        married = number(conn, "SELECT 100 * avg((basic_info -> 'spouse' <> 'null')::int) FROM financial_profiles")
        top = number(
            conn,
            f"SELECT 100 * sum(w) FILTER (WHERE place > 0.9) / sum(w) FROM (SELECT {true} AS w, "  # noqa: S608
            f"cume_dist() OVER (ORDER BY {true}) AS place FROM financial_profiles) AS x",
        )
    assert figure(people_record, "net_worth_median", "45-54").stored == pytest.approx(median)
    assert figure(people_record, "retirement_hold", "<35").stored == pytest.approx(holders)
    assert figure(people_record, "married_couples", "all").stored == pytest.approx(married)
    assert figure(people_record, "net_worth_share", "top 10 %").stored == pytest.approx(top, rel=0.002)
    wills = figure(people_record, "will", "50-64")
    assert wills.verdict == "undecided" or wills.stored is not None, "judged only where it is stored"


def test_groups_by_income_hold_their_share_of_households(people_record: FidelityRecord) -> None:
    counted = {f.group: f.households for f in people_record.figures if f.measure == "home_hold_by_income"}
    assert set(counted) == {f.group for f in reference.joint() if f.measure == "home_hold_by_income"}
    for group, n in counted.items():
        low, high = (float(edge) for edge in group.split("-"))
        assert n == pytest.approx(USERS * (high - low) / 100, abs=2)


def test_the_seeded_rows_keep_every_rule(people_record: FidelityRecord) -> None:
    assert {c.name for c in people_record.checks} > set(checks.RULES)
    assert not [c for c in people_record.checks if c.verdict != "within"]
    assert all(c.checked > 100 for c in people_record.checks)


def test_shape_is_that_of_the_tables(people: Target, people_record: FidelityRecord) -> None:
    with connect(people) as conn:
        for fan_out in people_record.fan_outs:
            counts = (
                f"SELECT count(t.user_id) AS n FROM users AS u LEFT JOIN {fan_out.table} AS t ON t.user_id = u.id "  # noqa: S608
                "GROUP BY u.id"
            )
            assert fan_out.mean == pytest.approx(number(conn, f"SELECT avg(n) FROM ({counts}) AS c"))  # noqa: S608
            assert fan_out.without == pytest.approx(number(conn, f"SELECT avg((n = 0)::int) FROM ({counts}) AS c"))  # noqa: S608
            p99 = f"SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY n) FROM ({counts}) AS c"  # noqa: S608
            assert fan_out.p99 == number(conn, p99)
        profiles = next(t for t in people_record.tables if t.size.name == "financial_profiles")
        size = profiles.size
        total = number(conn, "SELECT pg_total_relation_size('financial_profiles')")
        assert size.heap_bytes + size.toast_bytes + size.index_bytes == total
        chunks = (
            "SELECT count(*) FROM financial_profiles WHERE pg_column_toast_chunk_id(monte_carlo_results) IS NOT NULL"
        )
        results = next(d for d in people_record.documents if d.column == "monte_carlo_results")
        assert results.toasted_share is not None
        assert results.null_share is not None
        assert results.toasted_share * USERS * (1 - results.null_share) == pytest.approx(number(conn, chunks))
        text = "SELECT avg(octet_length(monte_carlo_results::text)) FROM financial_profiles"
        assert results.text_bytes == pytest.approx(number(conn, text))
        assert profiles.toasted_share is not None
        assert profiles.toasted_share * USERS >= number(conn, chunks)
    assert results.compressed_share == 1.0


def test_quantiles_of_a_fan_out_count_users_without_rows() -> None:
    of = shape.fan_out("goals", [(1, 30), (2, 15), (40, 5)], 100)
    assert (of.without, of.mean) == (0.5, pytest.approx(2.6))
    assert (of.p50, of.p90, of.p99, of.most) == (0, 2, 40, 40)
    assert shape.fan_out("goals", [], 10).most == 0


def test_dead_rows_and_free_space_by_pgstattuple(spoilt_people: psycopg.Connection, people: Target) -> None:
    spoilt_people.execute("ALTER TABLE goals SET (autovacuum_enabled = off)")
    spoilt_people.execute("UPDATE goals SET status = status")
    spoilt_people.execute("CREATE EXTENSION pgstattuple")
    goals = next(t for t in measured(people.with_database(spoilt_people.info.dbname)).tables if t.size.name == "goals")
    assert goals.dead_rows == goals.size.rows > 0
    assert goals.free_share is not None


def test_nothing_is_written_and_one_moment_is_seen(people: Target, spoilt_people: psycopg.Connection) -> None:
    target = people.with_database(spoilt_people.info.dbname)
    with Snapshot(target, lambda line: None) as snapshot:
        goals = SqlFile("loadgen.fidelity", "sql/households.sql")["main_goals"]
        before = snapshot.rows(goals)
        spoilt_people.execute("DELETE FROM goals")
        assert snapshot.rows(goals) == before
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            snapshot.conn.execute("DELETE FROM goals")


def test_too_few_households_are_a_refusal(database: Target, loadgen: Loadgen) -> None:
    assert loadgen("seed", "--users", "12", target=database).returncode == 0
    record = measured(database)
    assert {f.verdict for f in record.figures} <= {"undecided", "within", "outside"}
    if record.refusal is not None:
        assert record.refusal.code == "too_few_households"
    assert sum(f.verdict == "undecided" for f in record.figures) > 0.9 * len(record.figures)


def test_records_are_found_again(people_record: FidelityRecord, tmp_path: Path) -> None:
    directory = keep(people_record, tmp_path)
    assert documents.parse(FidelityRecord, (directory / "fidelity.json").read_bytes(), "x") == people_record
