"""Figures in sentences: a unit and two or three digits, an interval where there is one."""

from __future__ import annotations

import math

from capacity.values import Interval


def figure(value: float) -> str:
    """Three significant digits, thousands separated; whole above 100."""
    if math.isinf(value):
        return "∞"
    if abs(value) >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 or value == 0 else f"{value:.1g}"


def counted(count: int, noun: str) -> str:
    """``1 day``, ``1,200 days``: of nouns whose plural ends in s."""
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


def span(interval: Interval, unit: str = "") -> str:
    """``value (low–high)``, the interval left out where it has no width."""
    tail = f" {unit}" if unit else ""
    low, value, high = figure(interval.low), figure(interval.value), figure(interval.high)
    if low == value == high:
        return f"{value}{tail}"
    return f"{value} ({low}–{high}){tail}"


def size(count: float) -> str:
    """Bytes in binary units."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{figure(count)} {unit}"
        count /= 1024
    return f"{figure(count)} TiB"


def size_span(interval: Interval) -> str:
    """An interval of bytes."""
    low, value, high = size(interval.low), size(interval.value), size(interval.high)
    if low == value == high:
        return value
    return f"{value} ({low}–{high})"


def chance(probability: float) -> str:
    """A probability rounded down to a tenth of a percent: one that falls short never reads as if it did not."""
    return f"{math.floor(probability * 1000 + 1e-9) / 10:.3g}%"
