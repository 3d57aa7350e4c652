"""The profile of a real database: its figures are right, reading it changes nothing, and what it lacks it says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault
from loadgen.profiling import profile as profiling
from loadgen.profiling import rows
from loadgen.profiling.format import Note, Profile
from loadgen.profiling.profile import explain, make_profile, to_json
from loadgen.profiling.reading import Reader
from loadgen.runs.documents import parse
from loadgen.sql_files import SqlFile

Loadgen = Callable[..., "subprocess.CompletedProcess[str]"]
HIDDEN = "profile_reader"


def quietly(target: Target, **options: float) -> Profile:
    return make_profile(target, lambda line: None, **options)  # type: ignore[arg-type]  # named by the caller


@pytest.fixture
def writer(seeded: Target) -> Iterator[psycopg.Connection]:
    """A connection that may change the seeded database."""
    with connect(seeded, autocommit=True) as conn:
        yield conn


def one(conn: psycopg.Connection, query: str) -> float:
    row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return float(row[0])


def test_figures_are_those_of_the_database(seeded: Target, writer: psycopg.Connection) -> None:
    found = quietly(seeded)
    assert found.notes == ()
    assert found.missing == ()
    assert found.server.synthetic
    assert found.server.version == writer.info.server_version
    settings = {setting.name: setting.value for setting in found.server.settings}
    assert settings["jit"] == one_text(writer, "SHOW jit")
    assert settings["max_connections"] == one_text(writer, "SHOW max_connections")
    for table in found.tables:
        assert table.rows == one(writer, f"SELECT count(*) FROM {table.name}")  # noqa: S608
        assert table.counted
        total = one(writer, f"SELECT pg_total_relation_size('{table.name}')")
        assert table.heap_bytes + table.toast_bytes + table.index_bytes == pytest.approx(total, rel=0.001)
        assert any(index.columns == ("id",) and index.unique for index in table.indexes)
    results = next(c for c in table_of(found, "financial_profiles").columns if c.name == "monte_carlo_results")
    assert results.text is not None
    assert results.stored is not None
    mean = one(writer, "SELECT avg(octet_length(monte_carlo_results::text)) FROM financial_profiles")
    assert results.text.mean_bytes == pytest.approx(mean, rel=0.01)
    nulls = "SELECT avg((monte_carlo_results IS NULL)::int) FROM financial_profiles"
    assert results.null_share == pytest.approx(one(writer, nulls), abs=0.001)

    assert found.fan_outs is not None
    assert {fan_out.table for fan_out in found.fan_outs.tables} == {t.name for t in found.tables} - {"users"}
    goals = next(fan_out for fan_out in found.fan_outs.tables if fan_out.table == "goals")
    assert goals.mean == pytest.approx(one(writer, "SELECT count(*) / 300.0 FROM goals"), rel=0.01)
    none = "SELECT avg((NOT EXISTS (SELECT FROM goals AS g WHERE g.user_id = u.id))::int) FROM users AS u"
    assert goals.without == pytest.approx(one(writer, none), abs=0.001)
    growth = {g.table: g for g in found.growth}
    shown = sum(month.rows for month in growth["users"].months)
    assert shown + growth["users"].in_small_months == pytest.approx(300, abs=5)
    assert all("2023-06" <= month.month <= "2026-06" for g in found.growth for month in g.months)


def one_text(conn: psycopg.Connection, query: str) -> str:
    row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def table_of(profile: Profile, name: str) -> profiling.TableShape:
    found = profile.table(name)
    assert found is not None
    return found


def test_a_profile_is_read_back_as_it_was_written(seeded: Target) -> None:
    found = quietly(seeded)
    assert parse(Profile, to_json(found), "profile.json") == found


def test_large_tables_are_sampled_and_looked_up_by_index(
    seeded: Target, writer: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = quietly(seeded)
    monkeypatch.setattr(rows, "COUNTED_BYTES", 0)
    monkeypatch.setattr(rows, "SCANNED_ROWS", 0)
    writer.execute("DROP INDEX education_goals_user_id_idx")
    found = quietly(seeded)
    assert found.notes == (Note("no_index", "education_goals"),)
    assert not any(table.counted for table in found.tables)
    assert table_of(found, "users").rows == 300, "vacuumed just now, so the server's estimate is right"
    assert found.fan_outs is not None
    assert whole.fan_outs is not None
    assert found.fan_outs.tables == tuple(f for f in whole.fan_outs.tables if f.table != "education_goals")

    monkeypatch.setattr(rows, "SAMPLED_USERS", 100)
    sampled = quietly(seeded)
    assert sampled.fan_outs is not None
    assert 20 <= sampled.fan_outs.users_sampled < 300


def test_partitions_are_summed_up(seeded: Target, writer: psycopg.Connection) -> None:
    whole = quietly(seeded)
    writer.execute("ALTER TABLE chat_messages RENAME TO old_messages")
    writer.execute("CREATE TABLE chat_messages (LIKE old_messages) PARTITION BY RANGE (id)")
    writer.execute("CREATE TABLE chat_1 PARTITION OF chat_messages FOR VALUES FROM (0) TO (500)")
    writer.execute("CREATE TABLE chat_2 PARTITION OF chat_messages FOR VALUES FROM (500) TO (9000)")
    writer.execute("CREATE INDEX ON chat_messages (user_id)")
    writer.execute("INSERT INTO chat_messages SELECT * FROM old_messages")
    writer.execute("DROP TABLE old_messages CASCADE")
    writer.execute("ANALYZE chat_messages")
    found = quietly(seeded)
    chat, before = table_of(found, "chat_messages"), table_of(whole, "chat_messages")
    assert chat.partitions == 2
    assert chat.rows == before.rows
    assert chat.heap_bytes == pytest.approx(before.heap_bytes, rel=0.2)
    assert [c.text for c in chat.columns] == [c.text for c in before.columns]
    assert any(index.columns == ("user_id",) and index.bytes > 0 for index in chat.indexes)
    assert found.others == whole.others, "partitions are none of the other tables"


def test_nothing_is_written(seeded: Target) -> None:
    with Reader(seeded, "public", 5, lambda line: None) as reader:
        with pytest.raises(EnvironmentFault, match="SQLSTATE 25006") as caught:
            reader.rows("CREATE TABLE zqkanari (x int)", what="a test")
        assert "zqkanari" not in str(caught.value)


def test_a_statement_that_takes_too_long_is_a_note(seeded: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Reader.rows
    of_rows = SqlFile("loadgen.profiling", "sql/rows.sql")
    slow = of_rows["fan_outs"], of_rows["growth"], SqlFile("loadgen.profiling", "sql/statements.sql")["statements"]

    def delayed(self: Reader, statement: LiteralString, *arguments: Any, **options: Any) -> Any:
        if options["what"].startswith("goals") or statement in slow:
            return read(self, "SELECT pg_sleep(20)", what=options["what"])
        return read(self, statement, *arguments, **options)

    monkeypatch.setattr(Reader, "rows", delayed)
    found = quietly(seeded, timeout_s=0.3)
    assert {note.code for note in found.notes} == {"timed_out"}
    assert Note("timed_out", "goals.status") in found.notes
    assert (found.fan_outs, found.growth, found.statements) == (None, (), None)
    assert table_of(found, "goals").rows is not None, "the catalogue's estimate"
    assert not table_of(found, "goals").counted
    to_json(found)


def test_nobody_is_waited_for(seeded: Target, writer: psycopg.Connection) -> None:
    with writer.transaction():
        writer.execute("LOCK TABLE goals IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(EnvironmentFault, match="sizes of tables"):
            quietly(seeded, timeout_s=0.2)


def test_a_user_with_few_rights_gets_what_they_may_see(seeded: Target, writer: psycopg.Connection) -> None:
    writer.execute(
        f"DO $$ BEGIN CREATE ROLE {HIDDEN} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$".encode()
    )
    weak = Target(
        seeded.conninfo.replace("user=affluvia", f"user={HIDDEN}"),
        password=None,
        embedded=True,
        database=seeded.database,
    )
    with pytest.raises(EnvironmentFault, match="GRANT SELECT"):
        quietly(weak)
    writer.execute(f"GRANT SELECT ON users, goals TO {HIDDEN}".encode())
    writer.execute("ALTER TABLE users DISABLE ROW LEVEL SECURITY")
    writer.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    found = quietly(weak)
    assert {Note("row_security", "goals"), Note("not_readable", "chat_messages"), Note("statements_hidden")} <= set(
        found.notes
    )
    assert table_of(found, "users").counted
    assert table_of(found, "goals").rows is not None, "the catalogue's estimate"
    assert all("GRANT" in explain(note) or "BYPASSRLS" in explain(note) for note in found.notes
               if note.code in ("not_readable", "row_security", "statements_hidden"))  # fmt: skip


def test_a_database_without_rows_or_statistics_has_a_profile(database: Target) -> None:
    found = quietly(database)
    assert {note.code for note in found.notes} >= {"not_analysed", "too_few"}
    assert found.users == 0
    assert found.fan_outs is None
    assert all(not growth.months for growth in found.growth)
    to_json(found)


def test_another_schema(empty_database: Target) -> None:
    with connect(empty_database, autocommit=True) as conn:
        conn.execute('CREATE SCHEMA "App One" CREATE TABLE users (id uuid DEFAULT gen_random_uuid(), created_at date)')
        conn.execute("INSERT INTO \"App One\".users (created_at) SELECT '2025-05-05' FROM generate_series(1, 40)")
    with pytest.raises(EnvironmentFault, match="--schema NAME"):
        quietly(empty_database)
    found = make_profile(empty_database, lambda line: None, schema="App One")
    assert found.users == 40
    assert [column.type for column in table_of(found, "users").columns] == ["uuid", "date"]
    assert [(month.month, month.rows) for month in found.growth[0].months] == [("2025-05", 40)]
    assert "goals" in found.missing
    assert "users.email" in found.missing


def test_people_see_what_is_read_and_what_was_found(seeded: Target, loadgen: Loadgen) -> None:
    done = loadgen("profile", target=seeded)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    for said in ("users: counting rows", "rows per user", "financial_profiles.monte_carlo_results", "--output"):
        assert said in done.stderr
    refused = loadgen("profile", "--output", "/proc/none/profile.json", target=seeded)
    assert refused.returncode == 3
    assert "/proc/none/profile.json" in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr


def test_the_statement_mix(seeded: Target, writer: psycopg.Connection, loadgen: Loadgen) -> None:
    writer.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    for n in range(15):
        writer.execute(f"SELECT status FROM goals WHERE user_id = {n}".encode())  # noqa: S608
        writer.execute("UPDATE goals SET status = 'paused' WHERE id = 1")
        writer.execute("SELECT count(*) FROM pg_class")
    writer.execute("SELECT id FROM goals WHERE id = 5")
    done = loadgen("profile", "--json", target=seeded)
    mix = json.loads(done.stdout)["statements"]
    by_text = {statement["text"]: statement for statement in mix["statements"]}
    read, write = (
        by_text["SELECT status FROM goals WHERE user_id = $1"],
        by_text["UPDATE goals SET status = $1 WHERE id = $2"],
    )
    assert read["calls"] == write["calls"] == 15
    assert (read["writes"], write["writes"]) == (False, True)
    assert write["wal_bytes_per_call"] > 0 == read["wal_bytes_per_call"]
    assert read["mean_ms"] > 0
    assert "SELECT id FROM goals WHERE id = $1" not in by_text, "a rare one is only counted"
    assert not any("TABLESAMPLE" in text for text in by_text), "what the profile itself ran is left out"
    assert mix["others"]["calls"] >= 16
    assert mix["days"] is not None
