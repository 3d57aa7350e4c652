"""What a run prints for people: nothing of a figure is cut off, whatever the terminal's width."""

from __future__ import annotations

import re

import pytest
from shown_runs import run

from loadgen.cli.run_result import show


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_each_latency_is_shown_with_its_whole_interval(
    columns: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    record = run()
    assert record.result is not None
    show(record)
    shown = capfd.readouterr().err
    assert "…" not in shown
    intervals = re.findall(r"\([\d.,]+–[\d.,]+\)", shown)
    rows = len(record.result.transactions) + 1
    assert len(intervals) >= 4 * rows - 1, "a transaction that was sent once has no percentile"
    for transaction in record.result.transactions:
        assert transaction.name in shown
        assert f"{transaction.count:,}" in shown
