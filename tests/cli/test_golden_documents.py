"""Documents for programs keep their fields and figures, whatever words they hold.

``golden/*.json`` are what an earlier version printed for the same files. A change that is meant is written there by
``UPDATE_GOLDEN=1 make unit``, with a line in CHANGELOG.md and a new version in the document's ``format``.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Loadgen
from sweep_samples import history_csv, store, sweep

GOLDEN = Path(__file__).parent / "golden"

COMMANDS = {
    "describe": "describe montecarlo",
    "demand": "demand --results-dir results",
    "error": "forecast absent.csv",
    "forecast": "forecast history.csv --horizon 6",
    "plan": "plan --results-dir results --history history.csv --horizon 12",
    "plan-neon": "plan --results-dir results --history history.csv --horizon 12 --target neon --growth 3",
    "refusal": "scalability few.csv",
    "scalability": "scalability levels.csv --at 12,99",
    "schemas": "schema",
    "workload": "workload --requests requests.csv",
}
"""Calls that read files alone, by the name of their golden document."""

OF_THE_DAY = {"id", "made_at", "tool_version", "took_s"}
"""Fields that differ from call to call."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a history, levels, requests, and the record of a sweep."""
    place = tmp_path_factory.mktemp("golden")
    history_csv(place / "history.csv", rows=36)
    (place / "levels.csv").write_text("concurrency,throughput\n1,100\n2,190\n4,300\n8,310\n16,250\n")
    (place / "few.csv").write_text("concurrency,throughput\n1,100\n2,190\n")
    hours = [f"2026-03-{1 + n // 24:02}T{n % 24:02}:00Z,{100 + n % 24}\n" for n in range(240)]
    (place / "requests.csv").write_text("timestamp,requests\n" + "".join(hours))
    store(place / "results", sweep())
    return place


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_document_is_as_it_was(name: str, inputs: Path, here: Loadgen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inputs)
    printed = json.loads(here(*COMMANDS[name].split(), "--json").stdout)
    path = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN") and differences(json.loads(path.read_text()), printed):
        path.write_text(json.dumps(printed, indent=1) + "\n")
    assert differences(json.loads(path.read_text()), printed) == []


def differences(before: Any, now: Any, where: str = "$") -> list[str]:
    """Paths at which two documents differ in a field, a figure or a string that is no prose."""
    if isinstance(before, dict) and isinstance(now, dict):
        fields = [f"{where}.{key}: only before" for key in before.keys() - now.keys()]
        fields += [f"{where}.{key}: only now" for key in now.keys() - before.keys()]
        both = [key for key in before if key in now and key not in OF_THE_DAY]
        return fields + [line for key in both for line in differences(before[key], now[key], f"{where}.{key}")]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = enumerate(zip(before, now, strict=True))
        return [line for k, (one, other) in pairs for line in differences(one, other, f"{where}[{k}]")]
    if isinstance(before, float) and isinstance(now, int | float):
        # Another processor's linear algebra may round the last digits otherwise.
        return [] if now == pytest.approx(before, rel=1e-4, abs=1e-9) else [f"{where}: {before} → {now}"]
    prose = isinstance(before, str) and isinstance(now, str) and re.search(r"\s", before) and re.search(r"\s", now)
    return [] if before == now or prose else [f"{where}: {before!r} → {now!r}"]


def test_a_difference_is_found() -> None:
    before = {"id": "a", "p99_ms": 2.0, "levels": [{"n": 1}], "why": "some words", "code": "x"}
    assert differences(before, before | {"id": "b", "why": "other words"}) == []
    changed = before | {"p99_ms": 2.1, "levels": [{"n": 2}], "code": "y", "more": 1}
    assert len(differences(before, changed)) == 4
    assert differences([1], [1, 2])
