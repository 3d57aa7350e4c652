"""Steps of a plan in order of time, grouped by certainty."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from capacity import formatting
from capacity.plan import Plan
from capacity.recommendation import Recommendation, Step


@dataclass(frozen=True, slots=True)
class DatedStep:
    """A step with its recommendation."""

    advice: Recommendation
    step: Step

    @property
    def name(self) -> str:
        """Title: ``1 read replica``, ``2 read replicas``; a table's partitions with the table's name."""
        what = self.step.what.removesuffix("s") if self.step.amount == 1 else self.step.what
        name = f"{formatting.count(self.step.amount)} {what}"
        return f"{self.advice.subject}: {name}" if self.advice.kind == "partitions" else name


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps of a plan, each group by expected, then earliest date."""

    now: tuple[DatedStep, ...]
    """Steps due at the start of the plan even at the slow edge of the forecast."""
    expected: tuple[DatedStep, ...]
    """Steps expected within the horizon."""
    possible: tuple[DatedStep, ...]
    """Steps within the horizon only at the fast edge."""
    beyond: tuple[DatedStep, ...]


def steps_of(plan: Plan) -> Steps:
    """Group the steps of every recommendation."""
    every = [DatedStep(advice, step) for advice in plan.recommendations for step in advice.steps]
    every.sort(key=lambda d: (d.step.due.expected or dt.date.max, d.step.due.earliest or dt.date.max))
    now = tuple(d for d in every if d.step.due.latest and d.step.due.latest <= plan.start)
    return Steps(
        now=now,
        expected=tuple(d for d in every if d.step.due.expected and d not in now),
        possible=tuple(d for d in every if d.step.due.earliest and not d.step.due.expected),
        beyond=tuple(d for d in every if not d.step.due.earliest),
    )
