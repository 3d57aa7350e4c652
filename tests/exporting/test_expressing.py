"""What can be said in pgbench and what cannot: draws that hand rows on, odd texts, NULL, batches, refusals."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from exporting_samples import scenario

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.exporting.export import export
from loadgen.exporting.format import Export
from loadgen.exporting.network import sorting_network
from loadgen.runs.format.schedule import Mode

Pgbench = Callable[..., "subprocess.CompletedProcess[str]"]
MODES: tuple[Mode, ...] = ("sequential", "pipeline")
by_mode = pytest.mark.parametrize("mode", [pytest.param("sequential", marks=pytest.mark.ci), "pipeline"])


@pytest.fixture
def write(seeded: Target, tmp_path: Path) -> Callable[..., Export]:
    """Export a scenario given as text to ``out``."""

    def written(python: str, sql: str, **options: Any) -> Export:
        path = scenario(tmp_path, python, sql)
        return export(path, seeded, tmp_path / "out", MODES, **({"variants": 16, "seed": 1} | options))

    return written


def run(pgbench: Pgbench, target: Target, script: Path, count: int) -> None:
    done = pgbench(target, "-M", "prepared", "-D", "ready=0", "--max-tries=4", "-t", str(count), "-f", script)
    assert done.returncode == 0, done.stderr


TEXTS = [
    "it's",
    'a "b": {"c":d}',
    "back\\slash :user ::x",
    "two\nlines; \\set x 1",
    "-- no comment $1",
    "Ünï✓",
    "",
    "%s",
]

NOTE = """
-- name: note (write, rows 1)
-- $1 user_id bigint = active_user
-- $2 message text = odd
INSERT INTO chat_messages (user_id, message, response)
VALUES ($1, $2, 'kept') -- a comment
"""


@by_mode
def test_every_text_arrives_as_it_was_drawn(
    mode: str, write: Callable[..., Export], seeded: Target, pgbench: Pgbench, tmp_path: Path
) -> None:
    write(
        f"TEXTS = {TEXTS!r}\n@draw\ndef odd(rng):\n    return rng.choice(TEXTS)\n"
        "class Mine(PostgresUser):\n    transactions = (Transaction('note it!', 1, ('note',)),)\n",
        NOTE,
        variants=64,
    )
    run(pgbench, seeded, tmp_path / "out" / mode / "note-it.sql", 200)
    with connect(seeded) as conn:
        found = {row[0] for row in conn.execute("SELECT message FROM chat_messages WHERE response = 'kept'")}
    assert found == set(TEXTS)


@by_mode
def test_a_batch_acts_for_its_users_in_order_of_id(
    mode: str, write: Callable[..., Export], seeded: Target, pgbench: Pgbench, tmp_path: Path
) -> None:
    write(
        "@draw\ndef odd(rng):\n    return str(rng.random())\n"
        "class Mine(PostgresUser):\n    transactions = (Transaction('batch', 1, ('note',), repeat=7),)\n",
        NOTE,
        variants=4,
    )
    run(pgbench, seeded, tmp_path / "out" / mode / "batch.sql", 60)
    with connect(seeded) as conn:
        rows = conn.execute(
            "SELECT timestamp, user_id FROM chat_messages WHERE response = 'kept' ORDER BY timestamp, id"
        ).fetchall()
    batches = [[user for _, user in batch] for _, batch in itertools.groupby(rows, key=lambda row: row[0])]
    assert [len(batch) for batch in batches] == [7] * 60
    assert all(batch == sorted(batch) for batch in batches)
    assert any(len(set(batch)) > 4 for batch in batches)


@pytest.mark.parametrize("size", range(1, 13))
def test_the_sorting_network_sorts(size: int) -> None:
    pairs = list(sorting_network(size))
    for bits in itertools.product((0, 1), repeat=size):  # what sorts these sorts everything (Knuth 5.3.4, theorem Z)
        values = list(bits)
        for low, high in pairs:
            values[low - 1 : high : high - low] = sorted((values[low - 1], values[high - 1]))
        assert values == sorted(bits)


HANDED_ON = """
-- name: ask (write, rows 1)
-- $1 user_id bigint = active_user
INSERT INTO chat_messages (user_id, message) VALUES ($1, 'what?') RETURNING id AS message_id, message
-- name: answer (write, rows 1)
-- $1 user_id bigint = active_user
-- $2 message_id bigint = first(ask)
-- $3 response text = reply
UPDATE chat_messages SET response = $3 WHERE id = $2 AND user_id = $1
"""

FIRST = """
@draw
def first(rng, row):
    return None if row is None else row[0]
@draw
def reply(rng):
    return rng.choice(("yes", None))
class Mine(PostgresUser):
    transactions = (Transaction("talk", 1, {statements}),)
"""


@by_mode
def test_a_column_is_handed_on_and_null_is_null(
    mode: str, write: Callable[..., Export], seeded: Target, pgbench: Pgbench, tmp_path: Path
) -> None:
    made = write(FIRST.format(statements=("ask", "answer")), HANDED_ON)
    assert any("message_id of ask, by \\gset" in a.how for a in made.approximations)
    run(pgbench, seeded, tmp_path / "out" / mode / "talk.sql", 80)
    with connect(seeded) as conn:
        found = dict(
            conn.execute("SELECT response, count(*) FROM chat_messages WHERE message = 'what?' GROUP BY 1").fetchall()
        )
    assert set(found) == {"yes", None}
    assert sum(found.values()) == 80
    assert min(found.values()) > 20


ABSENT = """
-- name: newest (read, rows 0..1)
-- $1 user_id bigint = active_user
SELECT id FROM goals WHERE user_id = $1 ORDER BY id DESC LIMIT 1
-- name: finish (write, rows 0..1)
-- $1 user_id bigint = active_user
-- $2 goal_id bigint = first(newest)
UPDATE goals SET status = 'completed' WHERE id = $2 AND user_id = $1
"""


@by_mode
def test_without_a_row_the_parameter_is_null(
    mode: str, write: Callable[..., Export], seeded: Target, pgbench: Pgbench, tmp_path: Path
) -> None:
    write(FIRST.format(statements=("newest", "finish")), ABSENT)
    with connect(seeded, autocommit=True) as conn:
        conn.execute("UPDATE goals SET status = 'active'")
        without = conn.execute(
            "SELECT count(*) FROM users u WHERE NOT EXISTS (SELECT FROM goals g WHERE g.user_id = u.id)"
        ).fetchone()
        assert without is not None
        assert without[0] > 20, "somebody must have none"
        run(pgbench, seeded, tmp_path / "out" / mode / "talk.sql", 200)
        newest, others = conn.execute(
            "SELECT count(*) FILTER (WHERE newest), count(*) FILTER (WHERE NOT newest) FROM ("
            "SELECT status, id = max(id) OVER (PARTITION BY user_id) AS newest FROM goals) AS g "
            "WHERE status = 'completed'"
        ).fetchone()
        assert newest > 20
        assert others == 0


REFUSED = {
    "next_id": ("row[0] + 1", "integer computed from a row"),
    "any_id": ("rng.choice(row)", "integer computed from a row"),
    "first_of_many": ("row[0]", "may return several rows"),
    "absent_text": ("row[0] if row else None", "NULL for a number only"),
    "never_null": ("row[0]", "the draw must return None"),
    "nameless": ("row[0]", "cannot name a variable after column"),
    "of_a_write": ("str(row[0]) + '!'", "source_of_a_write writes, and an export only reads"),
    "of_nothing": ("str(row[0]) + '!'", "had a row of source_of_nothing"),
    "colon": ("'text'", "take ':MI' for a variable"),
}
"""A transaction each: its draw, and why it is refused. What it reads is in the file of statements below."""

REFUSING = """
-- name: source_next_id (read, rows 1)
-- $1 user_id bigint = active_user
SELECT id FROM users WHERE id = $1
-- name: sink_next_id (read, rows 1)
-- $1 x bigint = next_id(source_next_id)
SELECT $1
-- name: source_any_id (read, rows 1)
-- $1 user_id bigint = active_user
SELECT id, id + 1 AS next FROM users WHERE id = $1
-- name: sink_any_id (read, rows 1)
-- $1 x integer = any_id(source_any_id)
SELECT $1
-- name: source_first_of_many (read, rows 0..)
-- $1 user_id bigint = active_user
SELECT id FROM goals WHERE user_id = $1
-- name: sink_first_of_many (read, rows 1)
-- $1 x bigint = first_of_many(source_first_of_many)
SELECT $1
-- name: source_absent_text (read, rows 0..1)
-- $1 user_id bigint = active_user
SELECT email FROM users WHERE id = $1
-- name: sink_absent_text (read, rows 1)
-- $1 x text = absent_text(source_absent_text)
SELECT $1
-- name: source_never_null (read, rows 0..1)
-- $1 user_id bigint = active_user
SELECT id FROM users WHERE id = $1
-- name: sink_never_null (read, rows 1)
-- $1 x bigint = never_null(source_never_null)
SELECT $1
-- name: source_nameless (read, rows 1)
-- $1 user_id bigint = active_user
SELECT id + 0 FROM users WHERE id = $1
-- name: sink_nameless (read, rows 1)
-- $1 x bigint = nameless(source_nameless)
SELECT $1
-- name: source_of_a_write (write, rows 1)
-- $1 user_id bigint = active_user
INSERT INTO chat_messages (user_id, message) VALUES ($1, 'written') RETURNING id
-- name: sink_of_a_write (read, rows 1)
-- $1 x text = of_a_write(source_of_a_write)
SELECT $1
-- name: source_of_nothing (read, rows 0..1)
-- $1 user_id bigint = active_user
SELECT id FROM users WHERE id = $1 AND id < 0
-- name: sink_of_nothing (read, rows 1)
-- $1 x text = of_nothing(source_of_nothing)
SELECT $1
-- name: source_colon (read, rows 1)
SELECT to_char(now(), 'HH24:MI') AS t
-- name: sink_colon (read, rows 1)
SELECT 1
-- name: one (read, rows 1)
SELECT 1
"""


def transactions(names: Iterable[str]) -> str:
    """A scenario in which each reads from its source, and one needs no draw."""
    each = ", ".join(f"Transaction({name!r}, 3, ('source_{name}', 'sink_{name}'))" for name in names)
    return f"class Mine(PostgresUser):\n    transactions = ({each}, Transaction('fine', 1, ('one',)))\n"


def draw_of_row(name: str, value: str) -> str:
    return f"@draw\ndef {name}(rng, row):\n    return {value}\n"


def test_what_cannot_be_expressed_is_refused_by_name(
    write: Callable[..., Export], seeded: Target, tmp_path: Path
) -> None:
    python = "".join(draw_of_row(name, value) for name, (value, _) in REFUSED.items()) + transactions(REFUSED)
    with pytest.raises(UsageError) as caught:
        write(python, REFUSING)
    said = str(caught.value)
    assert "\n" not in said
    assert all(f"{name}: " in said and why in said for name, (_, why) in REFUSED.items()), said
    assert "--without-refused" in said
    assert not (tmp_path / "out").exists()

    made = write(python, REFUSING, leave_out=True)
    assert [s.transaction for s in made.scripts] == ["fine"]
    assert {r.transaction: r.why for r in made.refused}.keys() == REFUSED.keys()
    assert all(REFUSED[r.transaction][1] in r.why for r in made.refused)
    readme = (tmp_path / "out" / "README.md").read_text()
    assert all(f"**{name}**" in readme for name in REFUSED)
    with connect(seeded) as conn:
        assert conn.execute("SELECT count(*) FROM chat_messages WHERE message = 'written'").fetchone() == (0,)


def test_rows_of_a_database_without_a_mark_are_not_written_to_files(
    write: Callable[..., Export], seeded: Target, tmp_path: Path
) -> None:
    # One that computes its text: rows are read for it.
    python = draw_of_row("next_id", "str(row[0]) + '!'") + transactions(["next_id"])
    sql = REFUSING.replace("x bigint = next_id", "x text = next_id")
    with connect(seeded, autocommit=True) as conn:
        conn.execute("DROP SCHEMA loadgen CASCADE")
    with pytest.raises(EnvironmentFault, match="not marked as synthetic"):
        write(python, sql)
    made = write(python, sql, allow_unmarked=seeded.database)
    assert not made.data.marked
    assert "no mark describes" in (tmp_path / "out" / "README.md").read_text()
    assert "loadgen.mark" not in (tmp_path / "out" / "sequential" / "fine.sql").read_text()


@pytest.mark.parametrize("body", ["1 / 0", "'text'"])
def test_a_draw_that_fails_is_named(body: str, write: Callable[..., Export]) -> None:
    python = (
        f"@draw\ndef taken(rng):\n    return {body}\n"
        "class Mine(PostgresUser):\n    transactions = (Transaction('look', 1, ('sink',)),)\n"
    )
    with pytest.raises(UsageError, match="drawing x from taken failed"):
        write(python, "-- name: sink (read, rows 1)\n-- $1 x bigint = taken\nSELECT $1\n")
