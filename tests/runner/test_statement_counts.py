"""The server's own count of statements against the record's, for runs with errors and retries in them."""

from pathlib import Path
from textwrap import dedent

import pytest
from sweep_samples import scenario

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.observe.pg_stat_statements import between, snapshot
from loadgen.observe.statement_counts import StatementCounter
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.run import record_run
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Mode, Schedule

SCENARIO = """
    '''Serialisation failures, deadlocks, errors and a wrong number of rows, side by side.'''
    import random
    from loadgen.engine.scenario import PostgresUser, Transaction, draw, exponential

    @draw
    def row(rng: random.Random) -> int:
        return rng.randint(1, 3)

    @draw
    def divisor(rng: random.Random) -> int:
        return rng.randint(0, 9)

    class Contended(PostgresUser):
        think_time = exponential(mean_s=0.01)
        transactions = (
            Transaction("conflict", 4, ("read_counter", "add"), isolation="repeatable read"),
            Transaction("skew", 2, ("sum_counters", "add"), isolation="serializable"),
            Transaction("deadlock", 2, ("add", "nap", "add_another")),
            Transaction("divide", 1, ("read_counter", "divide")),
            Transaction("surprise", 1, ("read_counter", "surprise")),
        )
"""
SQL = """
    -- name: read_counter (read, rows 1)
    -- $1 row integer = row
    SELECT n FROM counter WHERE id = $1

    -- name: sum_counters (read, rows 1)
    SELECT sum(n) FROM counter

    -- name: add (write, rows 1)
    -- $1 row integer = row
    UPDATE counter SET n = n + 1 WHERE id = $1

    -- name: add_another (write, rows 1)
    -- $1 row integer = row
    UPDATE counter SET n = n + 2, touched = true WHERE id = $1

    -- name: nap (read, rows 1)
    SELECT pg_sleep(0.01)

    -- name: divide (read, rows 1)
    -- $1 divisor integer = divisor
    SELECT 1000 / $1

    -- name: surprise (read, rows 2)
    SELECT 'one row only'
"""


def contended(tmp_path: Path, target: Target) -> Path:
    path = tmp_path / "contended.py"
    path.write_text(dedent(SCENARIO))
    path.with_suffix(".sql").write_text(dedent(SQL))
    with connect(target) as conn:
        conn.execute("CREATE TABLE counter (id int PRIMARY KEY, n bigint NOT NULL, touched boolean)")
        conn.execute("INSERT INTO counter VALUES (1, 0), (2, 0), (3, 0)")
        conn.execute("GRANT SELECT, UPDATE ON counter TO affluvia_app_role")
        conn.execute("ALTER DATABASE {} SET deadlock_timeout = '20ms'".format(target.database))  # noqa: UP032
    return path


def ran(scenario: Path, target: Target, results: Path, mode: Mode) -> RunRecord:
    schedule = Schedule(6, True, ramp_s=0, warmup_s=1, measure_s=4, drain_s=5, seed=11, mode=mode)
    with ScenarioChild(scenario, target.environment()) as child:
        return record_run(child, target, schedule, Objective(), results)[0]


@pytest.mark.parametrize("mode", [pytest.param("sequential", marks=pytest.mark.ci), "pipeline"])
def test_the_server_counts_what_the_record_counts(seeded: Target, tmp_path: Path, mode: Mode) -> None:
    with connect(seeded) as conn:
        # Statements of all tests so far may fill what the server keeps; it would forget some while this one runs.
        conn.execute("SELECT pg_stat_statements_reset()")
    record = ran(contended(tmp_path, seeded), seeded, tmp_path / "r", mode)
    result = record.result
    assert result is not None
    # There was something to get wrong: failures to serialise, deadlocks, errors of the server's and of the client's.
    assert result.retries > 10
    assert {"22012", "P0002"} <= result.errors_by_sqlstate.keys()
    assert not result.errors_by_sqlstate.keys() - {"22012", "P0002", "40001", "40P01"}, result.error_examples
    assert result.server.deadlocks, "no two transactions locked each other"
    assert result.transactions[1].name == "deadlock"
    # Nothing broke, so nothing is explained away: equal to the last call and row, statement by statement.
    counted = {s.name: s for s in record.server_statements}
    assert counted.keys() == {s.name for s in record.scenario.statements}
    for s in counted.values():
        assert (s.calls, s.unaccounted) == (s.client_calls, 0), s
        assert s.calls > 10
    rows = {name: (s.rows, s.client_rows) for name, s in counted.items()}
    # The rows of a pipeline that was refused further on are not counted by the client.
    assert all(server == client or (mode == "pipeline" and server > client) for server, client in rows.values()), rows
    assert counted["add"].wal_bytes > 0 < counted["add"].blocks_hit
    assert counted["nap"].exec_ms_per_call > 10
    assert "statements_differ" not in {reason.code for reason in record.verdict.reasons}
    # And what it says is what the server says to somebody who asks by text.
    with connect(seeded, autocommit=True) as conn:
        after = snapshot(conn)
    assert after is not None
    (use,) = (use for use in between({}, after) if use.query.startswith("SELECT sum(n) FROM counter"))
    assert use.calls == counted["sum_counters"].calls


def test_a_count_that_differs_from_the_servers_makes_a_run_invalid(seeded: Target, tmp_path: Path) -> None:
    path = contended(tmp_path, seeded)
    schedule = Schedule(1, False, ramp_s=0, warmup_s=0, measure_s=2, drain_s=5, seed=1)

    def others(event: object) -> None:
        if getattr(event, "phase", "") == "measure":
            with connect(seeded, autocommit=True) as conn:
                for _ in range(7):
                    conn.execute("SELECT sum(n) FROM counter")

    with ScenarioChild(path, seeded.environment()) as child:
        record, _ = record_run(child, seeded, schedule, Objective(), tmp_path / "r", others)
    assert record.verdict.status == "invalid"
    (reason,) = [r for r in record.verdict.reasons if r.code == "statements_differ"]
    (counted,) = [s for s in record.server_statements if s.name == "sum_counters"]
    assert counted.calls == counted.client_calls + 7
    assert f"the server counted {counted.calls:,} calls of sum_counters" in reason.what


def test_a_server_that_does_not_count_is_said(seeded: Target, tmp_path: Path) -> None:
    with connect(seeded, autocommit=True) as conn:
        conn.execute("DROP EXTENSION IF EXISTS pg_stat_statements")
    path = contended(tmp_path, seeded)
    schedule = Schedule(1, False, ramp_s=0, warmup_s=0, measure_s=1, drain_s=5, seed=1)
    with ScenarioChild(path, seeded.environment()) as child:
        record, _ = record_run(child, seeded, schedule, Objective(), tmp_path / "r")
    assert record.server_statements == ()
    assert "statements_not_counted" in {note.code for note in record.verdict.notes}


def test_of_a_server_that_is_gone_its_log_tells_more_than_an_extension() -> None:
    nowhere = Target("host=127.0.0.1 port=1 dbname=x user=u", None, embedded=False, database="x")
    (note,) = StatementCounter([nowhere], scenario("x", writes=1)).notes
    assert note.code == "statements_not_counted"
    assert note.do.startswith("see the server's log")
