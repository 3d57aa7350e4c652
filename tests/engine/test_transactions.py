import random
from pathlib import Path

import pytest

from loadgen.engine.scenario_sql import load
from loadgen.engine.transactions import Transaction, bind, draw, draws_of
from loadgen.errors import UsageError

SQL = """
-- name: inputs (read, rows 1)
-- $1 user_id bigint = active_user
SELECT $1
-- name: store (write, rows 1)
-- $1 user_id bigint = active_user
-- $2 results jsonb = double(inputs)
UPDATE t SET r = $2 WHERE id = $1
"""


@draw
def double(rng: random.Random, row: tuple[int, ...]) -> str:
    return str(row[0] * 2)


def helper(rng: random.Random) -> int:
    return 1


@pytest.fixture
def statements(tmp_path: Path):
    path = tmp_path / "s.sql"
    path.write_text(SQL)
    return load(path)


def test_only_declared_functions_are_draws() -> None:
    assert draws_of({"double": double, "helper": helper, "number": 3}) == {"double": double}


def test_a_transaction_begins_by_naming_the_user_and_writes_if_a_statement_does(statements) -> None:
    read = bind(Transaction("look", 1, ("inputs",)), statements, {}, "s.py")
    assert [step.statement.name for step in read.steps] == ["identify", "inputs"]
    assert not read.writes
    write = bind(Transaction("store", 1, ("inputs", "store")), statements, {"double": double}, "s.py")
    assert write.writes
    assert [step.read_by_draw for step in write.steps] == [False, True, False]
    results = write.steps[2].parameters[1]
    assert results.value(7, {"inputs": (21,)}, random.Random(1)) == b"\x0142"
    assert write.steps[2].parameters[0].value(7, {}, random.Random(1)) == (7).to_bytes(8, "big")


@pytest.mark.parametrize(
    ("names", "isolation", "begin"),
    [
        (("inputs",), "read committed", b"BEGIN READ ONLY"),
        (("inputs", "store"), "read committed", b"BEGIN"),
        (("inputs", "store"), "repeatable read", b"BEGIN ISOLATION LEVEL REPEATABLE READ"),
        (("inputs",), "serializable", b"BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"),
    ],
)
def test_a_transaction_begins_at_its_isolation_level(statements, names, isolation, begin) -> None:
    plan = bind(Transaction("t", 1, names, isolation=isolation), statements, {"double": double}, "s.py")
    assert plan.rounds[0].queries[0] == begin
    assert plan.describe().isolation == isolation


def test_an_unknown_isolation_level_is_named(statements) -> None:
    with pytest.raises(UsageError, match="isolation 'snapshot'; levels are read committed, repeatable read"):
        bind(Transaction("t", 1, ("inputs",), isolation="snapshot"), statements, {}, "s.py")  # type: ignore[arg-type]  # whose mistake it is


@pytest.mark.parametrize(
    ("names", "draws", "message"),
    [
        (("absent",), {}, "names statement 'absent'; there are inputs, store"),
        (("inputs", "store"), {}, "from 'double', which no @draw declares"),
        (("store",), {"double": double}, "reads 'inputs', which t does not run before"),
    ],
)
def test_what_does_not_fit_is_named(statements, names, draws, message) -> None:
    with pytest.raises(UsageError, match=message):
        bind(Transaction("t", 1, names), statements, draws, "s.py")
