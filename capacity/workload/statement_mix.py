"""Transactions of production by class, and their shares, from its statement counts.

Calls of a statement are the sum over classes of transactions times calls per transaction: the utilisation law with
statements in place of runs, solved by the same least squares.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from capacity.demand.service_demand import unit_uses
from capacity.formatting import share
from capacity.growth import LARGEST_VALUE
from capacity.values import LEVEL, Interval, Refusal

LEAST_EXPLAINED = 0.5
"""Least share of all calls that the described transactions must explain; below it they are another application's."""


@dataclass(frozen=True, slots=True)
class Transactions:
    """Number of transactions of each class; they explain the share ``explained`` of all calls."""

    count: dict[str, Interval]
    explained: float

    @property
    def total(self) -> Interval:
        """Number of transactions of all classes, and of those that no class explains.

        The low end has only the explained ones; the value assumes as many transactions per unexplained call as per
        explained one, the high end that factor once more. The ends of the classes are added up, which is wider than
        their joint error.
        """
        explained = self.sum_of(self.count)
        more = 1 / self.explained
        value = explained.value * more
        return Interval(explained.low, value, max(explained.high * more**2, value), explained.level)

    def sum_of(self, names: Collection[str]) -> Interval:
        """Return the number of transactions of the classes ``names`` together."""
        ends = [self.count[name] for name in names]
        level = next(iter(self.count.values())).level
        return Interval(sum(e.low for e in ends), sum(e.value for e in ends), sum(e.high for e in ends), level)

    def share(self, names: Collection[str], among: Collection[str] | None = None) -> Interval | None:
        """Return the share of ``names`` in the classes ``among`` (default all); None if those have no transactions."""
        everything = set(self.count if among is None else among)
        inside = self.sum_of(set(names) & everything)
        outside = self.sum_of(everything - set(names))
        if not inside.value + outside.value > 0:
            return None
        value = inside.value / (inside.value + outside.value)
        low = inside.low / (inside.low + outside.high) if inside.low > 0 else 0.0
        high = inside.high / (inside.high + outside.low) if inside.high > 0 else 0.0
        return Interval(min(low, value), value, max(high, value), inside.level)


def transactions(
    calls: Mapping[str, float], makes: Mapping[str, Mapping[str, float]], level: float = LEVEL
) -> Transactions | Refusal:
    """Estimate transactions by class from ``calls`` by statement, where one of class c ``makes`` calls of each.

    Non-negative least squares of calls = Σ makes·count, errors taken as proportional to the calls; intervals by profile
    likelihood with Student's t, with as many degrees of freedom as statements less classes. Refuses unusable numbers,
    calls that the classes mostly do not explain, classes with the same statements in like proportions, and no more
    statements than classes.
    """
    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"use {LEVEL:g}")
    numbers = [*calls.values(), *(times for per_transaction in makes.values() for times in per_transaction.values())]
    if not all(0 <= number < LARGEST_VALUE for number in numbers) or not sum(calls.values()) > 0:
        missing = "calls of 0 or more, at least one above 0, and calls per transaction of 0 or more"
        return Refusal("bad_measurement", missing, "profile again")
    names = sorted(makes)
    known = sorted({text for per_transaction in makes.values() for text in per_transaction})
    explained = sum(calls.get(text, 0.0) for text in known) / sum(calls.values())
    if explained < LEAST_EXPLAINED:
        missing = f"calls by the described transactions: they explain only {share(explained)} of all calls"
        return Refusal("other_statements", missing, "describe the application's own transactions in a scenario")
    rows = np.array([[makes[name].get(text, 0.0) for name in names] for text in known])
    estimates = unit_uses(rows, [calls.get(text, 0.0) for text in known], names, level)
    if isinstance(estimates, Refusal):
        missing = f"transactions with different statements; those of {', '.join(names)} are too similar"
        return Refusal("collinear_classes", missing, "leave one out, or treat them as one")
    counted = {name: estimate for name, estimate in zip(names, estimates, strict=True) if estimate is not None}
    if len(counted) < len(names):
        missing = f"more statements with calls than kinds of transactions; {len(known)} for {len(names)}"
        return Refusal("too_few_statements", missing, "profile a period in which all of them were used")
    return Transactions(counted, min(explained, 1.0))
