"""Disclosure rules of a profile: rounding, and leaving out figures about few people.

- A count of 1 to 9 is given as 10, a larger one to four digits.
- A quantile is that of at least ten users or rows at or beyond it, hence the highest is that of the tenth.
- Users are put in buckets by how many rows they have, none with fewer than ten users; the last one has no upper end.
- A mean is over at least ten, to three digits; lengths and counts above 20 to two.
- A month with fewer than ten rows is not named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from loadgen.population.shape import MOST_ROWS_A_USER, Bucket
from loadgen.profiling.format import Quantile

LEAST: Final = 10
"""Least number of users, rows or calls behind a figure."""
QUANTILES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)
_SINGLE: Final = 12
"""Most rows of buckets that hold a single number of rows."""
_STEPS: Final = (15, 20, 30, 50, 70)


def significant(value: float, digits: int = 3) -> float:
    """Round to so many significant digits."""
    return float(f"{value:.{digits}g}")


def count(number: float) -> int:
    """Round a number of rows, users or bytes."""
    return 0 if number <= 0 else max(LEAST, int(significant(number, 4)))


def length(number: float) -> int:
    """Round a length, or a person's number of rows: exact up to 20, else to two digits."""
    return int(number) if number <= 20 else int(significant(number, 2))


def share(part: float, whole: float) -> float:
    """Share of a whole, rounded to three places."""
    return round(min(max(part / whole, 0.0), 1.0), 3) if whole > 0 else 0.0


def quantiles(users_by_rows: Mapping[int, int], probabilities: Sequence[float] = QUANTILES) -> tuple[Quantile, ...]:
    """Quantiles of a histogram; empty for fewer than twenty users."""
    users = sum(users_by_rows.values())
    if users < 2 * LEAST:
        return ()
    result = []
    for p in probabilities:
        place = min(max(math.ceil(p * users), LEAST), users - LEAST + 1)
        users_so_far = 0
        for rows in sorted(users_by_rows):
            users_so_far += users_by_rows[rows]
            if users_so_far >= place:
                result.append(Quantile(p, length(rows)))
                break
    return tuple(result)


def buckets(users_by_rows: Mapping[int, int]) -> tuple[Bucket, ...]:
    """Buckets of users by number of rows; empty for fewer than twenty users."""
    users = sum(users_by_rows.values())
    if users < 2 * LEAST:
        return ()
    merged: list[tuple[int, int, int, int]] = []  # least, most, users, rows
    for least, most in _bounds(max(users_by_rows)):
        inside = {rows: n for rows, n in users_by_rows.items() if least <= rows <= most}
        merged.append((least, most, sum(inside.values()), sum(rows * n for rows, n in inside.items())))
    # From the top down a bucket that is too small joins the one below; the last one at the bottom joins the one above.
    kept: list[tuple[int, int, int, int]] = []
    above: tuple[int, int, int, int] | None = None
    for bucket in reversed(merged):
        joined = bucket if above is None else _join(bucket, above)
        if joined[2] >= LEAST:
            kept.append(joined)
            above = None
        else:
            above = joined if joined[2] else None
    if above is not None and kept:
        kept[-1] = _join(above, kept[-1])
    top = kept[0]
    return tuple(
        Bucket(
            least=least,
            most=None if (least, most) == top[:2] and most > least else most,
            share=significant(n / users, 4),
            mean=min(max(significant(rows / n), least), most),
        )
        for least, most, n, rows in reversed(kept)
    )


def _join(lower: tuple[int, int, int, int], upper: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return lower[0], upper[1], lower[2] + upper[2], lower[3] + upper[3]


def _bounds(most: int) -> list[tuple[int, int]]:
    """Bounds of the buckets: 0, 1, … 12, then ever wider, in steps that do not depend on data."""
    edges = list(range(_SINGLE + 1))
    scale = 1
    while edges[-1] < min(most, MOST_ROWS_A_USER):
        edges += [step * scale for step in _STEPS]
        edges.append(100 * scale)
        scale *= 10
    bounds = sorted({min(edge, MOST_ROWS_A_USER) for edge in edges})
    return [
        (low + 1 if index else 0, high) for index, (low, high) in enumerate(zip([-1, *bounds], bounds, strict=False))
    ]
