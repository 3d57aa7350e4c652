"""A database full of planted values: the profile of it, and whatever is printed on the way, holds none of them."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from loadgen.database.connect import connect
from loadgen.database.target import Target

C = "zqkanari"
"""The canary: no word of any vocabulary, not even as a part."""
NUMBERS = ("918273645", "7531", "1987", "0987")
"""Planted amounts, one person's number of rows, days outside any month that may be named."""
OFTEN = 12
"""Times that each statement runs: rarer ones would not be shown in any case."""


def encodings(word: str) -> Iterator[bytes]:
    """How the word could have been written, all in lower case."""
    raw = word.encode()
    yield raw
    yield raw.hex().encode()
    yield word.encode("utf-16-le")
    for lead in range(3):  # base64 of a longer text that holds the word at any place
        yield base64.b64encode(b"\0" * lead + raw)[lead + 1 : -4].lower()


def planted(name: str) -> str:
    """A script with the canary in it."""
    return (Path(__file__).parent / f"{name}.sql").read_text("utf-8").replace("{c}", C)


@pytest.fixture
def production(database: Target) -> Iterator[Target]:
    """The planted database; a session that bears the canary's name stays open."""
    with connect(database, autocommit=True) as conn, connect(database, application_name=f"{C}-app") as other:
        other.execute("SELECT 1")
        conn.execute(planted("canaries").encode())
        conn.execute("DROP SCHEMA loadgen CASCADE")
        conn.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        for _ in range(OFTEN):
            for statement in planted("canary_statements").split("\n\n"):
                conn.execute(statement.encode())
        yield database


def test_nothing_planted_is_printed(
    production: Target, loadgen: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    with connect(production, autocommit=True) as conn:
        assert_planted(conn)
    path = tmp_path / "profile.json"
    done = loadgen("profile", "--json", "--output", str(path), target=production)
    assert done.returncode == 0, done.stderr
    everything = {"stdout": done.stdout, "stderr": done.stderr, "file": path.read_text("utf-8")}
    for where, text in everything.items():
        found = text.encode().lower()
        for written in encodings(C):
            assert written not in found, f"{where} holds the canary"
        for number in NUMBERS:
            assert number.encode() not in found, f"{where} holds {number}"

    # It says what it should, so that silence is not what passed.
    profile = json.loads(done.stdout)
    assert json.loads(everything["file"]) == profile
    rows = {table["name"]: table["rows"] for table in profile["tables"]}
    assert rows["users"] == 240
    assert rows["chat_messages"] == 900
    assert profile["missing"] == ["estate_plans.beneficiaries"]
    assert profile["others"]["tables"] == 2
    assert profile["server"]["synthetic"] is False
    texts = [statement["text"] for statement in profile["statements"]["statements"]]
    assert "SELECT id FROM users WHERE email = $1" in texts
    assert "SELECT id FROM users WHERE email = $1 || $2 || $3" in texts
    assert "SELECT id AS x1 FROM users" in texts
    assert "SELECT x1 FROM goals AS x2 WHERE user_id = $1" in texts
    assert "WITH x1 AS (SELECT $1 AS x1) SELECT count(*) FROM x1, users" in texts
    assert len(texts) == 6, "the other table's statement is not among them, nor any utility"
    types = {(t["name"], c["name"]): c["type"] for t in profile["tables"] for c in t["columns"]}
    assert types["goals", "status"] == types["education_goals", "school_type"] == "other"
    indexes = [index for table in profile["tables"] if table["name"] == "goals" for index in table["indexes"]]
    assert {"method": "btree", "columns": ["other", "user_id"], "unique": False, "partial": True} in [
        {name: value for name, value in index.items() if name != "bytes"} for index in indexes
    ]


def assert_planted(conn: psycopg.Connection) -> None:
    """The canary is where a careless profile would find it."""

    def count(query: str) -> int:
        row = conn.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])

    like = f"LIKE '%{C}%'"
    assert count(f"SELECT count(*) FROM pg_stats WHERE most_common_vals::text {like}") > 5  # noqa: S608
    assert count(f"SELECT count(*) FROM pg_stats WHERE histogram_bounds::text {like}") > 0  # noqa: S608
    assert count(f"SELECT count(*) FROM pg_stat_statements WHERE query {like}") > 10  # noqa: S608
    assert count(f"SELECT count(*) FROM pg_stat_activity WHERE application_name {like}") > 0  # noqa: S608
    assert count(f"SELECT count(*) FROM pg_class WHERE relname {like}") > 3  # noqa: S608


@pytest.mark.parametrize(
    ("change", "code"),
    [
        # An error whose message, detail or context would quote a value or a name.
        ("CREATE POLICY own ON goals FOR SELECT USING (raise_it(type)); ALTER TABLE goals FORCE ROW LEVEL SECURITY", 0),
        ("ALTER TABLE users RENAME COLUMN id TO zqkanari_id", 0),
        ("ALTER TABLE chat_messages ALTER COLUMN timestamp TYPE text; ALTER TABLE goals RENAME TO zqkanari_goals", 0),
        ("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM profiler", 3),
        ("DROP TABLE users, financial_profiles, goals, education_goals, estate_plans, chat_messages CASCADE; "
         "DROP TABLE user_achievements, user_progress CASCADE; CREATE VIEW users AS SELECT 'zqkanari' AS id", 3),
    ],
)  # fmt: skip
def test_no_error_quotes_a_value(
    production: Target, loadgen: Callable[..., subprocess.CompletedProcess[str]], change: str, code: int
) -> None:
    with connect(production, autocommit=True) as conn:
        conn.execute("DO $$ BEGIN CREATE ROLE profiler LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO profiler")
        conn.execute(
            "CREATE FUNCTION raise_it(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE '%', $1; END $$"
        )
        conn.execute(change.encode())
    weak = production.conninfo.replace("user=affluvia", "user=profiler")
    done = loadgen("profile", "--json", env={"LOADGEN_DSN": weak})
    assert done.returncode == code, done.stderr
    assert C not in (done.stdout + done.stderr).lower()
    assert "Traceback" not in done.stderr
    if code:
        assert len(done.stderr.strip().splitlines()) == 1
    else:
        assert json.loads(done.stdout)["notes"]
