from pathlib import Path

import pytest

from loadgen.engine.scenario_sql import load
from loadgen.errors import UsageError

HEADER = "-- name: one (read, rows 0..1)\n-- $1 user_id bigint = active_user\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenario.sql"
    path.write_text(text)
    return path


def test_reads_names_kinds_rows_parameters_and_draws(tmp_path: Path) -> None:
    statements = load(
        write(
            tmp_path,
            "-- about this file\n\n-- name: one (read, rows 0..1)\n-- $1 user_id bigint = active_user\n"
            "SELECT 1 WHERE $1 > 0;\n\n"
            "-- name: two (write, rows 3)\n-- $1 doc jsonb = simulate(one)\n-- $2 x double precision = noise\n"
            "-- why\nUPDATE t SET d = $1,\n  x = $2\n"
            "-- name: three (read, rows 0..)\nSELECT 3\n",
        )
    )
    one, two, three = statements.values()
    assert (one.sql, one.writes, one.least_rows, one.most_rows) == ("SELECT 1 WHERE $1 > 0", False, 0, 1)
    assert (two.sql, two.writes, two.least_rows, two.most_rows) == ("UPDATE t SET d = $1,\n  x = $2", True, 3, 3)
    assert [(p.name, p.type, p.draw, p.of) for p in two.parameters] == [
        ("doc", "jsonb", "simulate", "one"),
        ("x", "double precision", "noise", None),
    ]
    assert (three.parameters, three.most_rows) == ((), None)
    assert two.describe().parameters[0].draw == "simulate(one)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1", "no statement found"),
        ("SELECT 1;\n" + HEADER + "SELECT $1", r"scenario\.sql:1: this is above the first header"),
        ("-- name: one (reads)\nSELECT 1", r"scenario\.sql:1: not a header"),
        (HEADER + "SELECT 1", "declares 1"),
        ("-- name: one (read, rows 1)\nSELECT $1", "declares 0"),
        (
            "-- name: one (read, rows 1)\n-- $2 user bigint = active_user\nSELECT $2",
            r"scenario\.sql:2: expected '-- \$1",
        ),
        ("-- name: one (read, rows 1)\n-- $1 user uuid = active_user\nSELECT $1", "unknown parameter type 'uuid'"),
        (HEADER + "SELECT $1\n" + HEADER + "SELECT $1", r"scenario\.sql:4: there is a statement 'one' already"),
    ],
)
def test_says_where_a_file_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.sql"):
        load(tmp_path / "absent.sql")
