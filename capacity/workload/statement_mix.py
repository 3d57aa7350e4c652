"""What production's users do, from the statements that it counted: transactions of each class, and their shares.

Calls of a statement are the sum over classes of transactions times what one of them makes: the utilisation law with
statements in the place of runs, solved by the same least squares.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from capacity.demand.service_demand import unit_uses
from capacity.values import LEVEL, Interval, Refusal

LARGEST = 1e15
LEAST_EXPLAINED = 0.5
"""Of all calls that known transactions must make: below it the application is not the one that was described."""


@dataclass(frozen=True, slots=True)
class Transactions:
    """How many transactions of each class the counted statements stand for; ``explained`` of all calls are theirs."""

    count: dict[str, Interval]
    explained: float

    @property
    def total(self) -> Interval:
        """Of all classes and of what no class explains.

        The low end has nothing else in it; the value takes unexplained calls for as many transactions a call as the
        others; the high end for that much again. The ends of the classes are added up, which is wider than their joint
        error.
        """
        found = self.share_base(self.count)
        more = 1 / self.explained
        return Interval(found.low, found.value * more, max(found.high * more**2, found.value * more), found.level)

    def share_base(self, names: Collection[str]) -> Interval:
        """Transactions of the classes ``names`` together."""
        ends = [self.count[name] for name in names]
        level = next(iter(self.count.values())).level
        return Interval(sum(e.low for e in ends), sum(e.value for e in ends), sum(e.high for e in ends), level)

    def share(self, names: Collection[str], among: Collection[str] | None = None) -> Interval | None:
        """The share of ``names`` in the classes ``among`` (None: all); None where those did nothing."""
        everything = set(self.count if among is None else among)
        inside = self.share_base(set(names) & everything)
        outside = self.share_base(everything - set(names))
        if not inside.value + outside.value > 0:
            return None
        value = inside.value / (inside.value + outside.value)
        low = inside.low / (inside.low + outside.high) if inside.low > 0 else 0.0
        high = inside.high / (inside.high + outside.low) if inside.high > 0 else 0.0
        return Interval(min(low, value), value, max(high, value), inside.level)


def transactions(
    calls: Mapping[str, float], makes: Mapping[str, Mapping[str, float]], level: float = LEVEL
) -> Transactions | Refusal:
    """Transactions by class from ``calls`` by statement, where one of class c ``makes`` so many of each statement.

    Non-negative least squares of calls = Σ makes·count, errors taken as proportional to the calls; intervals by profile
    likelihood with Student's t, their degrees of freedom the statements seen less the classes. Refuses unusable
    numbers, statements most of whose calls no class makes, classes that make the same statements in like numbers, and
    no more statements than classes.
    """
    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"take {LEVEL:g}")
    numbers = [*calls.values(), *(times for made in makes.values() for times in made.values())]
    if not all(0 <= one < LARGEST for one in numbers) or not sum(calls.values()) > 0:
        missing = "calls of 0 or more, one above 0, of transactions that make each statement 0 times or more"
        return Refusal("bad_measurement", missing, "profile again")
    names = sorted(makes)
    known = sorted({text for made in makes.values() for text in made})
    explained = sum(calls.get(text, 0.0) for text in known) / sum(calls.values())
    if explained < LEAST_EXPLAINED:
        missing = f"statements of the described transactions: they are {explained:.0%} of the calls"
        return Refusal("other_statements", missing, "describe the application's own transactions in a scenario")
    rows = np.array([[makes[name].get(text, 0.0) for name in names] for text in known])
    found = unit_uses(rows, [calls.get(text, 0.0) for text in known], names, level)
    if isinstance(found, Refusal):
        missing = f"transactions that differ in their statements: {', '.join(names)} do not"
        return Refusal("collinear_classes", missing, "leave one out, or count them as one")
    counted = {name: one for name, one in zip(names, found, strict=True) if one is not None}
    if len(counted) < len(names):
        missing = f"more statements with calls than kinds of transactions: {len(known)} for {len(names)}"
        return Refusal("too_few_statements", missing, "profile a time in which all of them were used")
    return Transactions(counted, min(explained, 1.0))
