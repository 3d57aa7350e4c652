"""``loadgen forecast FILE``: the document that other tools read, and what people see."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadgen.cli import main

Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``run(text, *options)``: exit code, document and stderr of a forecast of a file with that text."""
    monkeypatch.chdir(tmp_path)

    def forecast(text: str, *options: str) -> tuple[int, dict[str, Any], str]:
        Path("h.csv").write_text(text)
        with pytest.raises(SystemExit) as ended:
            main(["forecast", "h.csv", "--json", *options])
        written = capfd.readouterr()
        return int(ended.value.code or 0), json.loads(written.out), written.err

    return forecast


def rows(values: np.ndarray, label: str = "period") -> str:
    months = [f"{2022 + m // 12}-{m % 12 + 1:02d}-01" for m in range(len(values))]
    names = months if label == "date" else range(1, len(values) + 1)
    return f"{label},value\n" + "".join(f"{n},{v}\n" for n, v in zip(names, values, strict=True))


def line(count: int) -> np.ndarray:
    return 1000 + 20.0 * np.arange(count) + 5 * np.random.default_rng(0).standard_normal(count)


def test_a_forecast_has_the_fields_that_other_tools_read(run: Run) -> None:
    code, made, seen = run(rows(line(36)), "--horizon", "18")
    assert (code, made["format"], made["level"]) == (0, "loadgen.forecast/1", 0.9)
    assert [p["period"] for p in made["forecast"]] == list(range(37, 55))
    assert all(set(p) == {"period", "point", "low", "high"} for p in made["forecast"])
    assert 0 <= made["coverage_range"]["low"] <= made["coverage"] <= made["coverage_range"]["high"] <= 1
    assert isinstance(made["model"], str)
    assert sum(made["weights"].values()) <= 1
    held = r"back-tested at \d+ past periods, \d+% of the values were inside \(\d+% to \d+%"
    assert re.search(held, " ".join(seen.split()))


def test_a_dated_forecast_has_the_same_fields_and_the_date(run: Run) -> None:
    code, made, _ = run(rows(line(36), "date"), "--horizon", "3", "--level", "0.75")
    assert (code, made["level"]) == (0, 0.75)
    assert [p["date"] for p in made["forecast"]] == ["2025-01-01", "2025-02-01", "2025-03-01"]
    assert all(set(p) == {"period", "date", "point", "low", "high"} for p in made["forecast"])
    widths = [p["high"] - p["low"] for p in made["forecast"]]
    assert widths == sorted(widths)
    assert (made["tables"], made["tables_missing"]) == ([], [])


def test_whole_periods_may_be_written_as_decimals(run: Run) -> None:
    plain, decimal = rows(line(24)), rows(line(24)).replace("\n1,", "\n1.0,").replace("\n2,", "\n2.00,")
    assert run(decimal, "--horizon", "3")[1]["forecast"] == run(plain, "--horizon", "3")[1]["forecast"]


def test_what_was_noticed_is_in_the_document_and_on_the_terminal(run: Run) -> None:
    values = line(40)
    values[30:] += 900
    values[15] += 700
    lines = [row for row in rows(values, "date").splitlines() if not row.startswith("2022-06")]
    code, made, seen = run("\n".join(lines) + "\n", "--horizon", "6")
    assert code == 0
    assert [(f["kind"], f["date"]) for f in made["findings"]] == [
        ("outlier", "2023-04-01"),
        ("level_shift", "2024-07-01"),
    ]
    assert [(a["kind"], a["count"]) for a in made["adjustments"]] == [("interpolated", 1)]
    assert "2024-07-01: a level shift of " in seen
    assert "interpolated 1" in seen


def test_an_unseen_ceiling_is_scenarios_that_say_why(run: Run) -> None:
    t = np.arange(36)
    code, made, seen = run(rows(5000 / (1 + np.exp(-0.18 * (t - 44)))), "--horizon", "18")
    assert (code, made["code"]) == (0, "ceiling_not_identified")
    assert list(made["scenarios"]) == ["ceiling", "linear", "compounding"]
    assert all(set(p) == {"period", "point"} for p in made["scenarios"]["ceiling"])
    assert "forecast" not in made
    assert "so its ceiling is unknown" in seen


def test_a_horizon_longer_than_the_history_can_test_is_said(run: Run) -> None:
    code, made, seen = run(rows(line(20)), "--horizon", "40")
    assert code == 0
    assert made["tested_horizon"] < 20
    assert f"back-tested up to {made['tested_horizon']} periods ahead" in seen


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("period,value\n1,5\n2,-6\n3,7\n", "negative"),
        ("period,value\n1,5\n2,inf\n3,7\n", "not_finite"),
        ("period,value\n1,nan\n2,\n3,NA\n", "too_few_points"),
        ("period,value\n1,5\n", "too_few_points"),
        ("period,value\n" + "".join(f"{n},7\n" for n in range(30)), "constant"),
        ("date,value\n2024-01-31,1\n2024-02-29,2\n2024-09-30,5\n", "irregular"),
    ],
)
def test_a_refusal_is_typed(run: Run, text: str, code: str) -> None:
    status, made, seen = run(text, "--horizon", "6")
    assert (status, made["format"], made["refusal"]["code"]) == (4, "loadgen.refusal/1", code)
    assert made["refusal"]["missing"] and made["refusal"]["do"]
    assert len(seen.strip().splitlines()) == 1


def test_doubles_may_be_averaged(run: Run) -> None:
    text = rows(line(24)) + "24,9999\n"
    for option, found in (("last", 9999.0), ("mean", None)):
        code, made, _ = run(text, "--duplicates", option)
        assert code == 0
        assert [a["kind"] for a in made["adjustments"]] == ["duplicate"]
        assert (made["forecast"][0]["point"] > 5000) == (found is not None)
    assert run(text, "--duplicates", "first")[0] == 2
