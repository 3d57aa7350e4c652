"""The child's protocol with a real child; no server is needed to describe a scenario or to refuse one."""

from pathlib import Path

import pytest

from loadgen.errors import EnvironmentFault, UsageError
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.scenarios import find_scenario

pytestmark = pytest.mark.slow


def test_finds_shipped_scenarios_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_scenario("dashboard").name == "dashboard.py"
    (tmp_path / "scenarios").mkdir()
    own = tmp_path / "scenarios" / "dashboard.py"
    own.write_text("")
    assert find_scenario("dashboard").resolve() == own
    assert find_scenario(str(own)) == own


@pytest.mark.parametrize("name", ["nope", "../dashboard", "", "absent.py", "__init__", "a b"])
def test_an_unknown_scenario_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"scenario"):
        find_scenario(name)


@pytest.mark.parametrize(("name", "writes", "read_share"), [("dashboard", True, 0.92), ("montecarlo", True, 0.15)])
def test_a_child_describes_its_scenario(name: str, writes: bool, read_share: float) -> None:
    with ScenarioChild(find_scenario(name), {}) as child:
        found = child.description
    assert (found.name, found.writes) == (name, writes)
    assert found.read_share == pytest.approx(read_share)
    names = {statement.name for statement in found.statements}
    assert all(set(transaction.statements) <= names for transaction in found.transactions)
    assert all(transaction.statements[0] == "identify" for transaction in found.transactions)
    assert all(statement.sql and "user_id" in [p.name for p in statement.parameters] for statement in found.statements)


SCENARIO = """
from loadgen.engine.scenario import PostgresUser, Transaction
print("scenarios may print")
class Mine(PostgresUser):
    transactions = (Transaction("look", 1, ("{statement}",)),)
"""


@pytest.mark.parametrize(
    ("python", "message"),
    [
        (SCENARIO.format(statement="absent"), "names statement 'absent'"),
        ("import nothing_like_it", "nothing_like_it"),
        ("def broken(:", r"mine\.py:1"),
        ("x = 1", "declares 0 PostgresUser classes"),
        ("raise SystemExit(3)", "could not be loaded"),
        ("1 / 0", "division by zero"),
    ],
)
def test_a_scenario_that_cannot_be_loaded_says_why_in_one_line(tmp_path: Path, python: str, message: str) -> None:
    (tmp_path / "mine.py").write_text(python)
    (tmp_path / "mine.sql").write_text("-- name: one (read, rows 1)\nSELECT 1\n")
    with pytest.raises(UsageError, match=message) as caught:
        ScenarioChild(tmp_path / "mine.py", {})
    assert "\n" not in str(caught.value)


def test_a_process_that_is_killed_while_it_loads_is_no_fault_of_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.raises(EnvironmentFault, match=r"mine\.py was killed by SIGKILL"):
        ScenarioChild(tmp_path / "mine.py", {})


def test_a_scenario_may_print_without_breaking_the_protocol(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SCENARIO.format(statement="one"))
    (tmp_path / "mine.sql").write_text("-- name: one (read, rows 1)\nSELECT 1\n")
    with ScenarioChild(tmp_path / "mine.py", {}) as child:
        assert child.description.name == "mine"
        assert not child.description.writes
