"""Figures in sentences."""

from __future__ import annotations

from capacity.formatting import counted


def test_one_is_singular_and_all_else_plural() -> None:
    assert [counted(n, "day") for n in (0, 1, 2, 1200)] == ["0 days", "1 day", "2 days", "1,200 days"]
