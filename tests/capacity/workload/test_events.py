"""Launches and campaigns: dated steps of the users or of the peak."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from plan_samples import given, inputs, users, workload

from capacity.planner import make_plan
from capacity.values import Interval
from capacity.workload import Event, PeakLoad, Workload

DAY = dt.timedelta(days=1)
BEGIN = dt.date(2026, 6, 10)


def with_events(*events: Event) -> Workload:
    return replace(workload(), events=events)


def event(
    factor: Interval,
    on: Literal["users", "peak"] = "peak",
    days: int | None = None,
    date: dt.date = BEGIN,
    name: str = "a",
) -> Event:
    return Event(name, date, given(f"event.{name}", factor, "times"), on, days)


def ratio(block: Workload, what: str = "tps") -> dict[dt.date, float]:
    """The median of what events do to it, by date."""
    plain, changed = PeakLoad.of(users(), workload()), PeakLoad.of(users(), block)
    before = dict(zip(plain.dates, getattr(plain, what), strict=True))
    found = {}
    for date, row in zip(changed.dates, getattr(changed, what), strict=True):
        if date in before:
            found[date] = float(np.median(row / before[date]))
    return found


def test_a_launch_is_a_step_that_stays() -> None:
    block = with_events(event(Interval.exact(1.5), on="users"))
    for what in ("tps", "users"):
        for date, factor in ratio(block, what).items():
            assert factor == pytest.approx(1.5 if date >= BEGIN else 1.0)


def test_a_campaign_ends_and_leaves_users_alone() -> None:
    block = with_events(event(Interval.exact(2.0), days=45))
    for date, factor in ratio(block).items():
        assert factor == pytest.approx(2.0 if BEGIN <= date < BEGIN + 45 * DAY else 1.0)
    assert set(ratio(block, "users").values()) == {1.0}


def test_both_sides_of_each_edge_are_dates_of_the_plan() -> None:
    made = PeakLoad.of(users(), with_events(event(Interval.exact(2.0), days=5)))
    edges = {BEGIN - DAY, BEGIN, BEGIN + 4 * DAY, BEGIN + 5 * DAY}
    assert edges <= set(made.dates)
    assert list(made.dates) == sorted(set(made.dates))
    inside = made.tps[made.dates.index(BEGIN)] / made.tps[made.dates.index(BEGIN - DAY)]
    assert float(np.median(inside)) == pytest.approx(2.0, rel=0.02)


def test_an_events_interval_widens_the_peak() -> None:
    sure, unsure = (
        make_plan(inputs(workload=with_events(event(factor)))) for factor in (Interval.exact(2.0), Interval(1, 2, 4))
    )
    for narrow, wide in zip(sure.demand_tps, unsure.demand_tps, strict=True):
        spread = [one[1].high / one[1].low for one in (narrow, wide)]
        assert spread[1] > spread[0] if narrow[0] >= BEGIN else spread[1] == spread[0]
    assert "event.a" in {i.name for i in unsure.inputs}


@pytest.mark.slow
def test_a_larger_event_never_needs_less() -> None:
    costs = [make_plan(inputs(workload=with_events(event(Interval.exact(f))))).sizing for f in (1.0, 10.0, 60.0)]
    found = [sizing.cost.value for sizing in costs if sizing is not None]
    assert len(found) == 3 and found == sorted(found) and found[0] < found[2]


def test_an_event_before_the_plan_begins_is_in_its_history() -> None:
    past = event(Interval.exact(3.0), date=dt.date(2025, 1, 1))
    assert set(ratio(with_events(past)).values()) == {1.0}
