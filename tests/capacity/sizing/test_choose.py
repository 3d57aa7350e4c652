"""Which configuration is chosen, above all where none is enough."""

from __future__ import annotations

import datetime as dt

import numpy as np
import plan_samples as samples
import pytest

from capacity.due import Due, when
from capacity.measurements import MeasuredServer
from capacity.sizing.choose import Choice, choose
from capacity.sizing.futures import Futures, simulate
from capacity.targets import measured_target
from capacity.uncertainty import DRAWS, share_error
from capacity.values import Interval
from capacity.workload import PeakLoad

SMALL = MeasuredServer(2, samples.GIB, "a server with little memory")


def futures(scale: float, working_set: Interval) -> Futures:
    given = samples.inputs(scale)
    values = {**{i.name: i.value for i in samples.policy().inputs}, "working_set_share": working_set}
    policy = type(given.policy)(**{name: samples.given(name, value) for name, value in values.items()})
    workload = samples.workload(spread=2, montecarlo=0.01)
    peak = PeakLoad.of(given.users, workload)
    answer = simulate(given.scenarios, peak, workload, policy, given.tables)
    assert isinstance(answer, Futures)
    return answer


def chosen(scale: float, working_set: Interval) -> Choice:
    return choose(futures(scale, working_set), measured_target(SMALL), SMALL)


SHARES = (Interval(0.2, 0.5, 0.9), Interval(0.5, 0.8, 1.0), Interval(0.9, 0.95, 1.0))


@pytest.mark.parametrize("scale", [1.0, 3.0, 8.0, 20.0])
@pytest.mark.parametrize("working_set", SHARES, ids=["loose", "tight", "hopeless"])
def test_every_server_is_needed_or_was_in_place(scale: float, working_set: Interval) -> None:
    """One replica fewer misses what is wanted, or, where nothing reaches that, is surely less likely than the best."""
    found = chosen(scale, working_set)
    (fit,) = found.fits
    before = None
    for row, here in enumerate(found.configurations):
        share = [float(np.mean(fit.replicas[row] <= k)) for k in range(16)]
        best, own = max(share), share[here.replicas]
        if best >= 0.95:
            assert own >= 0.95
            assert here.replicas == 0 or share[here.replicas - 1] < 0.95
        else:
            assert own >= best - share_error(best)
            fewer = share[here.replicas - 1] if here.replicas else -1.0
            assert here.replicas == before or fewer < best - share_error(best)
        before = here.replicas


def test_where_memory_is_what_is_short_replicas_are_not_added_and_it_is_said() -> None:
    found = chosen(8, Interval(0.9, 0.95, 1.0))
    assert not found.sizing.met
    assert {stage.replicas for stage in found.sizing.stages} == {0}
    assert "its memory is too small for the working set" in found.sizing.stages[0].why
    assert "sampling error" in found.sizing.stages[0].why


def test_the_error_of_a_share_is_that_of_so_many_draws() -> None:
    assert share_error(0.5) == pytest.approx(1.645 * (0.25 / DRAWS) ** 0.5, rel=1e-3)
    assert share_error(0.0) == share_error(1.0) == 0


def test_a_step_that_is_planned_to_be_sure_has_a_date() -> None:
    start, date = dt.date(2026, 1, 31), dt.date(2026, 6, 30)
    assert when(Due(None, None, None), start) == "not within the horizon"
    assert when(Due(None, None, None, date), start).startswith("by 2026-06-30 for the required probability")
    assert when(Due(start, date, None, start), start) == "by 2026-06-30 (2026-01-31 at the earliest)"


def test_every_later_stage_says_when_it_is_to_be_there() -> None:
    found = chosen(3.0, SHARES[0])
    for stage in found.sizing.stages[1:]:
        assert stage.due.planned == stage.from_date
        assert when(stage.due, found.futures.dates[0]) != "not within the horizon"
