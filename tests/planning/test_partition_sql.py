"""The rendered scripts, run on a real server: no row lost, keys and row security kept, views there, parts pruned."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from capacity.recommendation import PartitionDesign
from loadgen.database.connect import connect
from loadgen.database.programs import client_program
from loadgen.database.target import Target
from loadgen.planning.partitions.partition_sql import partition_sql

TODAY = dt.date(2026, 7, 1)
BY_TIME = PartitionDesign(
    "chat_messages", "timestamp", True, "month", 6, dt.date(2026, 8, 1), dt.date(2027, 2, 1), 12,
    ("id", "timestamp"), ("dashboard.latest_messages",),
)  # fmt: skip


def hashed(table: str) -> PartitionDesign:
    return PartitionDesign(table, "user_id", False, None, 4, TODAY, TODAY, None, ("id", "user_id"), ())


def run(script: str, target: Target, directory: Path) -> None:
    path = directory / "partition.sql"
    path.write_text(script)
    psql = client_program("psql", None)
    assert psql is not None
    done = subprocess.run(
        [str(psql), "-X", "-q", "-d", target.conninfo, "-f", str(path)], capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def digest(conn: psycopg.Connection, table: str) -> tuple[int, str]:
    rows = sql.SQL("SELECT count(*), md5(string_agg(t::text, '' ORDER BY id)) FROM {} t").format(sql.Identifier(table))
    row = conn.execute(rows).fetchone()
    assert row is not None and row[0] > 0
    return row


def parts_read(conn: psycopg.Connection, query: str) -> int:
    """Tables that the plan touches."""
    lines = [row[0] for row in conn.execute(f"EXPLAIN (COSTS OFF) {query}")]
    return sum(" on " in line for line in lines)


@pytest.mark.parametrize(
    "design", [BY_TIME, hashed("financial_profiles"), hashed("user_progress")], ids=lambda d: d.table
)
def test_nothing_is_lost_and_all_rules_go_on(design: PartitionDesign, seeded: Target, tmp_path: Path) -> None:
    with connect(seeded, autocommit=True) as conn:
        before = digest(conn, design.table)
    run(partition_sql(design, TODAY), seeded, tmp_path)
    with connect(seeded, autocommit=True) as conn:
        assert digest(conn, design.table) == before
        kind = conn.execute("SELECT relkind FROM pg_class WHERE relname = %s", [design.table]).fetchone()
        assert kind == ("p",)
        for view in ("user_overview", "active_goals", "retirement_readiness"):
            assert conn.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(view))).fetchone() is not None
        orphan = sql.SQL("UPDATE {} SET user_id = 10000000 WHERE id = (SELECT min(id) FROM {})")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            conn.execute(orphan.format(*[sql.Identifier(design.table)] * 2))


def test_row_security_holds_through_partitions(seeded: Target, tmp_path: Path) -> None:
    run(partition_sql(BY_TIME, TODAY), seeded, tmp_path)
    with connect(seeded) as conn:
        owner = conn.execute("SELECT user_id FROM chat_messages GROUP BY 1 ORDER BY count(*) DESC LIMIT 1").fetchone()
        assert owner is not None
        conn.execute("SET LOCAL ROLE affluvia_app_role")
        assert conn.execute("SELECT count(*) FROM chat_messages").fetchone() == (0,)
        conn.execute("SELECT set_config('app.user_id', %s, true)", [str(owner[0])])
        seen = conn.execute("SELECT count(*), count(DISTINCT user_id) FROM chat_messages").fetchone()
        assert seen is not None and seen[0] > 0 and seen[1] == 1
        conn.execute("INSERT INTO chat_messages (user_id, message) VALUES (%s, 'later')", [owner[0]])
        part = conn.execute("SELECT 1 FROM pg_class WHERE relname = 'chat_messages_later'").fetchone()
        assert part is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("SELECT 1 FROM chat_messages_later")


def test_statements_with_the_key_touch_one_part_and_others_all(seeded: Target, tmp_path: Path) -> None:
    run(partition_sql(BY_TIME, TODAY), seeded, tmp_path)
    with connect(seeded, autocommit=True) as conn:
        one = parts_read(conn, "SELECT * FROM chat_messages WHERE timestamp = '2026-10-03 12:00+00' AND user_id = 1")
        all_of_them = parts_read(conn, "SELECT * FROM chat_messages WHERE user_id = 1")
    assert one == 1
    assert all_of_them >= BY_TIME.count + 2, "the whole of before, six months, and the default"


def test_a_table_that_others_refer_to_is_refused() -> None:
    with pytest.raises(ValueError, match="foreign keys"):
        partition_sql(PartitionDesign("users", "id", False, None, 4, TODAY, TODAY, None, ("id",), ()), TODAY)
