"""The shipped scenarios' scripts, run by pgbench on copies of seeded data."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest
from exporting_samples import processed
from scipy import stats

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.exporting.export import export
from loadgen.exporting.format import Export
from loadgen.observe.pg_stat_statements import snapshot
from loadgen.population.activity import ActivityRanks
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.scenarios import find_scenario
from loadgen.runs.format.scenario import StatementDescription

Pgbench = Callable[..., "subprocess.CompletedProcess[str]"]

SCENARIOS = ("dashboard", "montecarlo")
CLIENTS, EACH = 4, 150


@pytest.fixture(scope="module")
def exported(_seeded: Target, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Export, Path]]:
    place = tmp_path_factory.mktemp("exported")
    return {
        name: (
            export(find_scenario(name), _seeded, place / name, ("sequential", "pipeline"), variants=64, seed=1),
            place / name,
        )
        for name in SCENARIOS
    }


def run(directory: Path, program: Path, mode: str, target: Target, *arguments: str) -> str:
    """What ``run.sh`` printed; fails unless every transaction was carried out."""
    done = subprocess.run(
        [str(directory / "run.sh"), mode, "--random-seed=11", *arguments, target.conninfo],
        env=os.environ | {"PGBENCH": str(program)},
        cwd="/", capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def query_id(conn: psycopg.Connection, statement: StatementDescription) -> int:
    """The server's number of a statement that is prepared as the engine does, with the types that it declares.

    pgbench numbers parameters in the order in which they stand, so they are numbered like that here.
    """
    types: list[str] = []

    def in_order(found: re.Match[str]) -> str:
        types.append(statement.parameters[int(found[1]) - 1].type)
        return f"${len(types)}"

    text = re.sub(r"\$(\d+)", in_order, statement.sql)
    oids = [conn.execute("SELECT %s::regtype::oid", [name]).fetchone()[0] for name in types]
    conn.pgconn.prepare(b"measured", text.encode(), oids)
    nulls = f"({', '.join(['NULL'] * len(oids))})" if oids else ""
    plan = "\n".join(row[0] for row in conn.execute(f"EXPLAIN (VERBOSE) EXECUTE measured{nulls}"))
    conn.execute("DEALLOCATE measured")
    return int(re.search(r"Query Identifier: (-?\d+)", plan)[1])


@pytest.mark.parametrize("mode", [pytest.param("sequential", marks=pytest.mark.ci), "pipeline"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_scripts_send_the_statements_of_the_engine_as_often(
    name: str, mode: str, exported, seeded: Target, pgbench_program: Path
) -> None:
    made, directory = exported[name]
    with ScenarioChild(find_scenario(name), {}) as child:
        described = child.description
    counts = processed(run(directory, pgbench_program, mode, seeded, "-c", str(CLIENTS), "-t", str(EACH)))
    assert sum(counts.values()) == CLIENTS * EACH
    with connect(seeded, autocommit=True) as conn:
        counted = snapshot(conn)
        assert counted is not None
        for s in described.statements:
            used = counted[query_id(conn, s)]
            runs = sum(counts[t.name] * t.repeat * t.statements.count(s.name) for t in described.transactions)
            assert used.calls == runs, s.name
            least, most = s.rows
            assert least * used.calls <= used.rows, s.name
            assert most is None or used.rows <= most * used.calls, s.name
    assert [(s.transaction, s.weight) for s in made.scripts] == [(t.name, t.weight) for t in described.transactions]
    shares = [script.share * CLIENTS * EACH for script in made.scripts]
    assert stats.chisquare([counts[script.transaction] for script in made.scripts], shares).pvalue > 0.001


def test_users_are_those_of_the_engine(exported, seeded: Target, pgbench: Pgbench) -> None:
    """Those who ask a question in 2,400 transactions, against as many draws of the engine and against the law."""
    _, directory = exported["dashboard"]
    size = 2_400
    done = pgbench(
        seeded, "-M", "prepared", "-D", "ready=0", "-c", "4", "-t", str(size // 4),
        "-f", directory / "pipeline" / "ask_question.sql",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with connect(seeded) as conn:
        asked = "SELECT user_id, count(*) FROM chat_messages WHERE timestamp > now() - interval '1 hour' GROUP BY 1"
        found = dict(conn.execute(asked).fetchall())
        seed, users = conn.execute("SELECT seed, users FROM loadgen.mark").fetchone()
        texts = {row[0] for row in conn.execute("SELECT message FROM chat_messages WHERE response IS NULL").fetchall()}
    assert sum(found.values()) == size
    assert len(texts) >= 4
    ranks = ActivityRanks(users, seed)
    by_rank = np.bincount(ranks.rank_of(np.repeat(list(found), list(found.values()))), minlength=users + 1)[1:]
    weights = np.arange(1.0, users + 1) ** -0.99
    groups = np.minimum(np.arange(users), 99) // 1  # the tail in one group, so that each expects some
    expected = np.bincount(groups, size * weights / weights.sum())
    observed = np.bincount(groups, by_rank)
    assert stats.chisquare(observed, expected).pvalue > 0.001
    engine = ranks.rank_of(ranks.draw_users(np.random.default_rng(2), size, 0.99))
    by_engine = np.bincount(groups, np.bincount(engine, minlength=users + 1)[1:])
    assert stats.chi2_contingency(np.array([observed, by_engine])).pvalue > 0.001


def test_payloads_are_as_long_as_those_of_the_engine(exported) -> None:
    for made, _ in exported.values():
        lengths = [re.findall(r"([\d,.]+) bytes on average, all draws ([\d,.]+)", a.how) for a in made.approximations]
        pairs = [(float(a.replace(",", "")), float(b.replace(",", ""))) for found in lengths for a, b in found]
        assert pairs
        assert all(kept == pytest.approx(drawn, rel=0.03) for kept, drawn in pairs)


def test_another_database_is_refused_by_the_scripts_themselves(exported, database: Target, pgbench: Pgbench) -> None:
    _, directory = exported["montecarlo"]
    script = directory / "sequential" / "optimise.sql"
    done = pgbench(database, "-M", "prepared", "-D", "ready=0", "-t", "1", "-f", script)
    assert done.returncode != 0
    assert f"{database.database} has not the 300 users of seed 1" in done.stderr


def test_row_security_holds_in_the_scripts(exported, seeded: Target, pgbench: Pgbench) -> None:
    """Without the statement that names the user, the same script touches nothing."""
    _, directory = exported["montecarlo"]
    named = directory / "sequential" / "optimise.sql"
    nameless = directory / "nameless.sql"
    text, changes = re.subn(
        r"set_config\('app.user_id', [^)]*\)", "set_config('app.user_id', '', true)", named.read_text()
    )
    assert changes == 1
    nameless.write_text(text)
    stored = "SELECT md5(string_agg(optimization_variables::text, '' ORDER BY id)) FROM financial_profiles"
    with connect(seeded, autocommit=True) as conn:
        before = conn.execute(stored).fetchone()
        for script, touches in ((nameless, False), (named, True)):
            done = pgbench(seeded, "-M", "prepared", "-D", "ready=0", "-t", "20", "-f", script)
            assert done.returncode == 0, done.stderr
            assert (conn.execute(stored).fetchone() != before) == touches
