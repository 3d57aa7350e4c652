"""What verbs print for people: no line is wider than the terminal, with long values too; elsewhere none is wrapped."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import shown_fidelity
import shown_plans
import shown_runs
import shown_sweeps
from sizing_samples import bases, sensitivity, sizing, triggers

from capacity.growth import Forecast
from capacity.values import Refusal
from loadgen.cli import fidelity_result, forecast, plan_result, run_result, scalability, sweep
from loadgen.cli.output import say
from loadgen.cli.run import _end
from loadgen.planning.history import read_csv
from loadgen.planning.throughputs import read
from loadgen.runs import documents
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.verdict import Reason, Verdict

GOLDEN = Path(__file__).parent.parent / "runs" / "golden"
LONG = "a transaction with a name that is as long as people write them when nobody stops them, and then some more of it"


class Terminal(io.StringIO):
    """A terminal's stderr."""

    def isatty(self) -> bool:
        return True


def long_run() -> RunRecord:
    record = shown_runs.run()
    assert record.result is not None
    transactions = tuple(replace(t, name=LONG.replace(" ", "_")[:40]) for t in record.result.transactions)
    reason = Reason("steadiness", f"{LONG}: {LONG}", f"do this: {LONG}")
    return replace(
        record,
        result=replace(record.result, transactions=transactions, error_examples={"40001": LONG}),
        verdict=replace(record.verdict, notes=(reason, reason)),
    )


def invalid_run() -> RunRecord:
    return replace(
        shown_runs.invalid_run(), verdict=Verdict("invalid", (Reason("x", LONG, LONG), Reason("y", LONG, LONG)))
    )


def open_run() -> RunRecord:
    path = GOLDEN / "run-1-open.json"
    return documents.parse(RunRecord, path.read_bytes(), str(path))


def show_plan() -> None:
    record = shown_plans.plan()
    missing = Refusal("no_cpu", LONG, LONG)
    plan = replace(
        record.plan,
        sizing=sizing(),
        sensitivity=sensitivity(),
        triggers=triggers(),
        bases=bases(),
        notes=(LONG,),
        calibration_refused=missing,
    )
    plan_result.show(replace(record, plan=plan))


def show_forecast(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text(
        "date,value\n" + "".join(f"20{20 + n // 12}-{n % 12 + 1:02}-01,{1000 + 50 * n + n % 5}\n" for n in range(36))
    )
    history = read_csv(path)
    answer = history.forecast(18, 0.9)
    assert isinstance(answer, Forecast)
    forecast.show(history, answer)


def show_scalability(tmp_path: Path) -> None:
    path = tmp_path / "levels.csv"
    levels = ((1, 1_000), (2, 1_990), (4, 3_800), (8, 6_900), (16, 10_300), (32, 11_200), (64, 9_800))
    path.write_text("concurrency,throughput\n" + "".join(f"{n},{x}\n{n},{x * 1.02:.0f}\n" for n, x in levels))
    measured = read(tmp_path, str(path))
    scalability.show(measured, measured.fit(0.9), (48.0, 1_000_000.0))


PRINTERS: dict[str, Callable[[Path], None]] = {
    "run": lambda _: run_result.show(long_run()),
    "invalid run": lambda _: run_result.show(invalid_run()),
    "open run": lambda _: run_result.show(open_run()),
    "sweep": lambda _: sweep.show(shown_sweeps.sweep()),
    "plan": lambda _: show_plan(),
    "forecast": show_forecast,
    "scalability": show_scalability,
    "fidelity": lambda _: fidelity_result.show(shown_fidelity.fidelity(), everything=True),
    "line": lambda _: say(f"loadgen: {LONG}; {LONG}"),
    "indented line": lambda _: say(f"  {LONG}; {LONG}"),
}


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("name", PRINTERS)
def test_no_line_is_wider_than_the_terminal(
    name: str, columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")  # no colours
    PRINTERS[name](Path())
    lines = terminal.getvalue().splitlines()
    assert lines
    assert [line for line in lines if len(line.rstrip()) > columns] == []


@pytest.mark.parametrize("name", ["plan", "invalid run", "line"])
def test_elsewhere_a_message_is_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    monkeypatch.setenv("COLUMNS", "80")
    PRINTERS[name](tmp_path)
    assert any(line.count(LONG) == 2 for line in written.getvalue().splitlines())


def test_a_path_stays_whole_so_that_it_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    path = "/" + "/".join(["directory"] * 12)
    say(f"recorded in {path}; HTML page: loadgen report {path}")
    assert terminal.getvalue().split().count(path) == 1
    assert f"{path};" in terminal.getvalue().split()


def test_a_run_says_that_its_objective_was_met(monkeypatch: pytest.MonkeyPatch) -> None:
    record = shown_runs.run()
    assert record.result is not None
    for judged in (True, False):
        written = io.StringIO()
        monkeypatch.setattr("sys.stderr", written)
        _end(record, judged=judged, json=False)
        assert written.getvalue().startswith(f"the objective was met: {record.objective}, measured ") == judged


def test_a_level_without_a_valid_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    record = shown_sweeps.sweep()
    level = record.levels[1]
    points = tuple(replace(p, verdict=Verdict("invalid")) if p.level == level else p for p in record.points)
    sweep.show(replace(record, points=points))
    assert f"no valid run at level {level}: the result leaves it out" in written.getvalue()
