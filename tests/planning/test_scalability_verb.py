"""``loadgen scalability``: the document that other tools read, what people see, and a sweep instead of a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweep_samples import store, sweep

from loadgen.cli import main

Run = Callable[..., tuple[int, dict[str, Any], str]]
PUBLISHED = Path(__file__).parents[1] / "capacity" / "data" / "usl_specsdm91.csv"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``run(source, *options)``: exit code, document and stderr of the law of a source."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOADGEN_RESULTS_DIR", raising=False)

    def scalability(source: str, *options: str) -> tuple[int, dict[str, Any], str]:
        with pytest.raises(SystemExit) as ended:
            main(["scalability", source, "--json", *options])
        written = capfd.readouterr()
        assert "Traceback" not in written.err
        return int(ended.value.code or 0), json.loads(written.out), written.err

    return scalability


def points(rows: str) -> str:
    """A file with these rows below the header; returns its name."""
    Path("levels.csv").write_text(f"concurrency,throughput\n{rows}\n")
    return "levels.csv"


def test_the_document_has_the_fields_that_other_tools_read(run: Run) -> None:
    code, made, seen = run(str(PUBLISHED), "--at", "50,100.5,300")
    assert (code, made["format"], made["identified"]) == (0, "loadgen.scalability/1", True)
    for name, value in (("alpha", 0.0277285), ("beta", 0.0001044), ("gamma", 89.9952330)):
        assert made[name]["low"] < made[name]["value"] < made[name]["high"]
        assert made[name]["value"] == pytest.approx(value, abs=5e-7 if name == "gamma" else 5e-8)
    assert made["peak"] == pytest.approx(96.51956, abs=5e-6)
    assert made["peak_interval"]["low"] < made["peak"] < made["peak_interval"]["high"]
    near, between, far = made["predictions"]
    assert (near["concurrency"], between["concurrency"], far["concurrency"]) == (50, 100.5, 300)
    assert near["low"] < near["value"] < near["high"]
    assert near["value"] * near["response_s"] == pytest.approx(50)
    assert (far["identified"], far["value"], far["refusal"]["code"]) == (False, None, "not_identified")
    assert "throughput peaks at 97" in seen
    assert "beyond 270 nothing is predicted" in seen
    assert len([line for line in seen.splitlines() if "●" in line]) == 8, "a chart of seven levels and its key"
    assert max(map(len, seen.splitlines()[:12])) <= 80


def test_a_straight_line_has_no_peak(run: Run) -> None:
    code, made, seen = run(points("1,10\n2,20\n4,40\n8,80"), "--at", "10")
    assert (code, made["peak"], made["peak_interval"], made["model"]) == (0, None, None, "linear")
    assert made["identified"]
    assert made["beta"] == {"value": 0, "low": 0, "high": 0}
    assert made["predictions"][0]["value"] == pytest.approx(100)
    assert "no peak up to 10" in seen


def test_points_that_do_not_tell_are_not_identified(run: Run) -> None:
    code, made, seen = run(points("1,10\n2,18\n3,31\n4,36"))
    assert (code, made["peak"], made["identified"], made["predictions"]) == (0, None, False, [])
    assert "the peak is not identified" in seen


def test_rows_may_be_doubled_unordered_incomplete_and_weighted(run: Run) -> None:
    Path("levels.csv").write_text(
        "# from a log\nwhen,Throughput,concurrency,spread\n"
        "b,190,2,4\na,100,1,2\na,102,1,2\nc,NA,4,2\nc,300,4,6\nd,310,8,6\ne,,16,1\ne,250,16,5\n"
    )
    code, made, seen = run("levels.csv")
    assert code == 0
    assert (made["points"], made["left_out"], made["largest_measured"]) == (6, 2, 16)
    assert "2 left out" in seen


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ("1,10\n2,20", 4, "too_few_levels"),
        ("", 4, "too_few_levels"),
        ("1,NaN\n2,NA", 4, "too_few_levels"),
        ("1,10\n2,-20\n4,40\n8,80", 4, "line 3"),
        ("1,10\n2,0\n4,40\n8,80", 4, "line 3"),
        ("1,10\n2,inf\n4,40\n8,80", 4, "line 3"),
        ("0.5,10\n2,20\n4,40\n8,80", 4, "line 2"),
        ("nan,10\n2,20\n4,40\n8,80", 4, "line 2"),
        ("10,1000000\n20,1000\n40,1\n80,0.001", 4, "not_identified"),
        ("1,ten\n2,20\n4,40\n8,80", 2, "line 2: throughput 'ten' is not a number"),
        ("1\n2,20\n4,40\n8,80", 2, "1 value for 2 columns"),
        ('1,"10\n2,20', 2, "not CSV"),
    ],
)
def test_what_cannot_be_fitted_says_why(run: Run, rows: str, code: int, said: str) -> None:
    ended, made, seen = run(points(rows))
    assert (ended, len(seen.splitlines())) == (code, 1)
    assert said in seen
    assert made["format"] == ("loadgen.refusal/1" if code == 4 else "loadgen.error/1")


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("absent.csv", (), "cannot read measurements from absent.csv"),
        ("absent", (), "no record 'absent'"),
        ("other.csv", (), "needs concurrency and throughput"),
        ("empty.csv", (), "no rows"),
        ("levels.csv", ("--at", "4,x"), "--at 4,x: expected numbers of 1 or more"),
        ("levels.csv", ("--at", "0"), "--at 0: expected numbers of 1 or more"),
        ("levels.csv", ("--at", ",".join(["4"] * 101)), "at most 100"),
        ("levels.csv", ("--level", "1"), "--level"),
    ],
)
def test_what_was_typed_wrong_is_one_line(run: Run, source: str, options: tuple[str, ...], said: str) -> None:
    points("1,10\n2,20\n4,40\n8,80")
    Path("other.csv").write_text("a,b\n1,2\n")
    Path("empty.csv").write_text("# nothing\n")
    code, _, seen = run(source, *options)
    assert (code, len(seen.splitlines())) == (2, 1)
    assert said in seen


@pytest.mark.parametrize("shape", ["constant", "falling", "superlinear"])
def test_odd_curves_get_an_answer_that_holds_its_own_point(run: Run, shape: str) -> None:
    n = np.array([1, 2, 4, 8, 16])
    x = {"constant": np.full(5, 7.0), "falling": 100 / np.sqrt(n), "superlinear": n**1.5}[shape]
    code, made, _ = run(points("\n".join(f"{a},{b}" for a, b in zip(n, x, strict=True))), "--at", "3,20")
    assert code == 0
    for found in (made["alpha"], made["beta"], made["gamma"], *made["predictions"]):
        assert found["low"] <= found["value"] <= (np.inf if found["high"] is None else found["high"])


@pytest.mark.slow
def test_ten_thousand_rows_are_answered(run: Run) -> None:
    rng = np.random.default_rng(0)
    n = rng.uniform(1, 300, 10_000)
    x = 10 * n / (1 + 0.05 * (n - 1) + 1e-4 * n * (n - 1)) * np.exp(0.05 * rng.standard_normal(10_000))
    code, made, seen = run(points("\n".join(f"{a},{b}" for a, b in zip(n, x, strict=True))))
    assert code == 0
    assert made["alpha"]["low"] < 0.05 < made["alpha"]["high"]
    assert len(seen.splitlines()) < 40


# --- a sweep ------------------------------------------------------------------------------------------------------


def test_a_sweep_is_read_by_its_id(run: Run, tmp_path: Path) -> None:
    """Planted: 300 a second alone, α 0.3, β 0.02; three blocks that drift by 1 %."""
    record = sweep()
    store(tmp_path / "results", record)
    code, made, seen = run(record.id, "--at", "12")
    assert code == 0
    assert made["alpha"]["value"] == pytest.approx(0.3, rel=0.05)
    assert made["beta"]["value"] == pytest.approx(0.02, rel=0.05)
    assert made["gamma"]["low"] < 303 < made["gamma"]["high"]
    assert (made["points"], made["source"]) == (15, f"sweep {record.id}")
    assert record.id in seen


def test_a_sweep_with_think_time_counts_users_and_is_refused(run: Run, tmp_path: Path) -> None:
    record = sweep()
    store(tmp_path / "results", replace(record, schedule=replace(record.schedule, think=True)))
    code, made, _ = run(record.id)
    assert (code, made["refusal"]["code"]) == (4, "needs_busy_connections")
