"""Odd histories and odd sweeps through the planner's verbs: an answer or a typed refusal, never a traceback.

Warnings of libraries are errors here, as in all tests.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Loadgen
from sweep_samples import store, sweep

from capacity.values import Interval
from loadgen.runs.format.sweep import SweepPoint

Run = Callable[..., tuple[int, dict[str, Any]]]

ANSWERED, MISSED, USAGE, REFUSED = 0, 1, 2, 4


@pytest.fixture
def run(here: Loadgen) -> Run:
    """The command line in this process: its exit code and its one document."""

    def verb(*arguments: str) -> tuple[int, dict[str, Any]]:
        done = here(*arguments, "--json")
        return done.returncode, json.loads(done.stdout)

    return verb


def history(name: str) -> str:
    """A CSV of one odd kind."""
    dates = [f"20{20 + n // 12}-{n % 12 + 1:02}-01" for n in range(36)]
    rising: list[object] = [1000 + 50 * n + n * 37 % 11 for n in range(36)]
    pairs = list(zip(dates, rising, strict=True))

    def but(n: int, value: object) -> list[tuple[str, object]]:
        return [*pairs[:n], (dates[n], value), *pairs[n + 1 :]]

    rows: dict[str, list[tuple[str, object]]] = {
        "negative": but(35, -5),
        "missing": but(7, ""),
        "nan": but(9, "NaN"),
        "infinite": but(9, "inf"),
        "constant": [(date, 4000) for date in dates],
        "zero": [(date, 0) for date in dates],
        "decreasing": list(zip(dates, rising[::-1], strict=True)),
        "single": pairs[:1],
        "none": [],
        "unordered": pairs[::-1],
        "doubled": [pair for pair in pairs for _ in range(2)],
        "huge": [(date, 1e300 * (1 + n)) for n, date in enumerate(dates)],
        "tiny": [(date, 1e-300 * (1 + n)) for n, date in enumerate(dates)],
        "jump": [(date, 1e3 if n < 18 else 1e9) for n, date in enumerate(dates)],
    }
    return "date,value\n" + "".join(f"{date},{value}\n" for date, value in rows[name])


KINDS = (
    "negative", "missing", "nan", "infinite", "constant", "zero", "decreasing", "single", "none", "unordered",
    "doubled", "huge", "tiny", "jump",
)  # fmt: skip


def intervals(found: object) -> Iterator[tuple[float, float, float]]:
    """All of a document, ends that are infinite as such."""
    if isinstance(found, dict):
        if {"low", "high"} <= found.keys() and ("value" in found or "point" in found):
            value = found["value"] if "value" in found else found["point"]
            if value is not None and found["low"] is not None:
                yield found["low"], value, float("inf") if found["high"] is None else found["high"]
        for inner in found.values():
            yield from intervals(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from intervals(inner)


def assert_holds(code: int, made: dict[str, Any]) -> None:
    assert code in (ANSWERED, MISSED, USAGE, REFUSED)
    if code in (ANSWERED, MISSED):
        assert all(low <= value <= high for low, value, high in intervals(made))
    else:
        assert made["format"] in ("loadgen.error/1", "loadgen.refusal/1")


@pytest.mark.parametrize("kind", KINDS)
def test_odd_histories(run: Run, tmp_path: Path, kind: str) -> None:
    Path("h.csv").write_text(history(kind))
    store(tmp_path / "results", sweep())
    for arguments in (("forecast", "h.csv", "--horizon", "6"), ("plan", "--history", "h.csv", "--horizon", "6")):
        assert_holds(*run(*arguments))


LONG = 100_000


def long(verb: str, rows: int) -> tuple[str, ...]:
    """A file with so many rows, and the verb that reads it."""
    heads = {"forecast": "period,value", "scalability": "concurrency,throughput", "workload": "timestamp,requests"}
    lines = {
        "forecast": lambda n: f"{n},{1000 + n}",
        "scalability": lambda n: f"{n + 1},{n / (1 + 0.001 * n):.6g}" if n else "1,0.5",
        "workload": lambda n: f"{1_790_000_000 - 1_790_000_000 % 86_400 + 60 * n},{50 + n % 1440 // 10}",
    }[verb]
    Path("long.csv").write_text(heads[verb] + "\n" + "\n".join(map(lines, range(rows))) + "\n")
    return {
        "forecast": ("forecast", "long.csv", "--horizon", "6"),
        "scalability": ("scalability", "long.csv", "--at", "64"),
        "workload": ("workload", "--requests", "long.csv"),
    }[verb]


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["forecast", "scalability", "workload"])
def test_a_file_as_long_as_is_read_is_answered(run: Run, verb: str) -> None:
    code, made = run(*long(verb, LONG))
    assert code == ANSWERED, made
    assert_holds(code, made)


@pytest.mark.parametrize("verb", ["forecast", "scalability"])
def test_a_longer_one_is_refused_in_one_line(here: Loadgen, verb: str) -> None:
    done = here(*long(verb, LONG + 1), "--json")
    assert done.returncode == USAGE
    assert "more than 100,000 rows" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def odd_sheet(head: str, ats: list[int], kind: str) -> str:
    """A CSV of one odd kind; the first column is when or at which load."""
    rising = [float(1000 + 50 * n + n * 37 % 11) for n in range(len(ats))]
    values: dict[str, list[object]] = {
        "negative": [-5, *rising[1:]],
        "missing": ["", *rising[1:]],
        "nan": ["NaN", *rising[1:]],
        "infinite": ["inf", *rising[1:]],
        "constant": [7 for _ in ats],
        "zero": [0 for _ in ats],
        "decreasing": [*rising[::-1]],
        "huge": [1e300 * value for value in rising],
        "tiny": [1e-300 * value for value in rising],
    }
    pairs = list(zip(ats, values.get(kind, rising), strict=True))
    rows = {"single": pairs[:1], "none": [], "unordered": pairs[::-1], "doubled": pairs * 2}.get(kind, pairs)
    return head + "\n" + "".join(f"{at},{value}\n" for at, value in rows)


SHEET_KINDS = tuple(kind for kind in KINDS if kind != "jump")


@pytest.mark.parametrize("kind", SHEET_KINDS)
def test_odd_throughputs(run: Run, kind: str) -> None:
    Path("x.csv").write_text(odd_sheet("concurrency,throughput", [1, 2, 4, 8, 16, 32], kind))
    assert_holds(*run("scalability", "x.csv", "--at", "3,24"))


@pytest.mark.parametrize("kind", SHEET_KINDS)
def test_odd_request_counts(run: Run, kind: str) -> None:
    hours = [1_790_000_000 - 1_790_000_000 % 86_400 + 3600 * n for n in range(24 * 14)]
    Path("r.csv").write_text(odd_sheet("timestamp,requests", hours, kind))
    assert_holds(*run("workload", "--requests", "r.csv"))


@pytest.mark.slow
def test_a_plan_reads_a_history_as_long_as_is_read(run: Run, tmp_path: Path) -> None:
    last = dt.date(2026, 9, 1).toordinal()
    days = [dt.date.fromordinal(last - LONG + 1 + n) for n in range(LONG)]
    Path("long.csv").write_text("date,value\n" + "".join(f"{day},{1000 + n}\n" for n, day in enumerate(days)))
    store(tmp_path / "results", sweep())
    code, made = run("plan", "--history", "long.csv", "--horizon", "6")
    assert code in (ANSWERED, MISSED), made
    assert_holds(code, made)


def odd(kind: str, point: SweepPoint) -> SweepPoint:
    tps = point.throughput_tps
    assert tps is not None
    if kind == "constant":
        return replace(point, throughput_tps=Interval.exact(7.0))
    if kind == "falling":
        return replace(point, throughput_tps=Interval.exact(tps.value / point.level**1.5))
    if kind == "nothing":
        return replace(point, throughput_tps=Interval.exact(0.0))
    if kind == "huge":
        return replace(point, throughput_tps=Interval.exact(tps.value * 1e40))
    if kind == "unmeasured":
        return replace(point, throughput_tps=None, response=None)
    assert kind == "single"
    return point


@pytest.mark.parametrize("kind", ["constant", "falling", "nothing", "huge", "unmeasured", "single"])
def test_odd_sweeps(run: Run, tmp_path: Path, kind: str) -> None:
    whole = sweep()
    kept = [point for point in whole.points if kind != "single" or (point.level, point.repeat) == (1, 0)]
    store(tmp_path / "results", replace(whole, points=tuple(odd(kind, point) for point in kept)))
    Path("h.csv").write_text(history("unordered"))
    for arguments in (
        ("scalability", whole.id),
        ("demand", whole.id),
        ("plan", "--history", "h.csv", "--horizon", "6"),
    ):
        assert_holds(*run(*arguments))
