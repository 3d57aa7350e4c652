"""Sorting without loops and arrays: what to compare, known beforehand."""

from __future__ import annotations

from collections.abc import Iterator


def sorting_network(size: int) -> Iterator[tuple[int, int]]:
    """Pairs, from 1, to be put in order one after another: then ``size`` values are sorted.

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
