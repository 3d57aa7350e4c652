"""A run whose statements share round trips: the same work, counted the same."""

from pathlib import Path

import orjson
import psycopg
from conftest import Loadgen

from loadgen.database.connect import connect
from loadgen.database.target import Target

# Each transaction identifies its user once. A prepared BEGIN the extension counts at its first execution only.
IDENTIFIED = """
SELECT sum(calls)::bigint FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE '%set_config(%'
"""


def identified(conn: psycopg.Connection) -> int:
    row = conn.execute(IDENTIFIED).fetchone()
    return int(row[0] or 0) if row else 0


def test_a_pipelined_run_counts_statements_and_has_no_latency_for_them(
    seeded: Target, loadgen: Loadgen, tmp_path: Path
) -> None:
    with connect(seeded, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        before = identified(conn)
    done = loadgen(
        "run", "montecarlo", "--mode", "pipeline", "--users", "2", "--no-think", "--duration", "2s", "--warmup", "0s",
        "--ramp", "0s", "--results-dir", str(tmp_path), "--json", target=seeded,
    )  # fmt: skip
    assert done.returncode in (0, 4), done.stderr
    record = orjson.loads(done.stdout)
    assert record["schedule"]["mode"] == "pipeline"
    result = record["result"]
    assert result["count"] > 20
    assert result["errors"] == 0, result["error_examples"]
    for statement in result["statements"]:
        assert statement["calls"] > 0
        assert statement["rows"] > 0
        assert statement["service"]["p50_ms"] is None
    with connect(seeded, autocommit=True) as conn:
        # The window is a part of what the server saw: ramp and drain are outside of it.
        assert identified(conn) - before >= result["count"]
