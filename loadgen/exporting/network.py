"""Sorting networks, which sort without loops and arrays."""

from __future__ import annotations

from collections.abc import Iterator


def sorting_network(size: int) -> Iterator[tuple[int, int]]:
    """Pairs of positions, from 1, whose comparison one after another sorts ``size`` values.

    Odd-even merge sort (Batcher 1968), by Knuth's algorithm 5.2.2M: about size · log²(size) / 4 pairs.
    """
    power = 1
    while power < size:
        power *= 2
    distance_first = power // 2
    p = distance_first
    while p > 0:
        q, r, d = distance_first, 0, p
        while d > 0:
            yield from ((i + 1, i + d + 1) for i in range(size - d) if i & p == r)
            d, q, r = q - p, q // 2, p
        p //= 2
