"""Every inverse is undone by what it inverts, over random models; those of one law alone are with that law's tests."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from capacity.demand import Demand, RunUse, cores_used, service_demands
from capacity.due import due
from capacity.growth.breaks import find_breaks
from capacity.growth.nonlinear import fit_curve, gompertz, logistic
from capacity.growth.season import Pattern
from capacity.latency import LatencyCurve, LatencyRun, Target, latency_curve, open_response_ms
from capacity.queueing import Queue, Station, erlang_c, mean_value_analysis
from capacity.tables import boundaries
from capacity.tables.partitioning import boundary
from capacity.uncertainty import at_scores
from capacity.values import Interval, Refusal

# --- waiting ------------------------------------------------------------------------------------------------------


@given(st.floats(0, 0.9999), st.integers(1, 64), st.floats(0, 0.9999), st.floats(1e-6, 1e3))
def test_the_wait_that_a_share_does_not_exceed_is_exceeded_by_the_rest(
    busy: float, servers: int, share: float, service_s: float
) -> None:
    """P(W > t) = C·exp(−(c − a)·t/S), forwards."""
    queue = erlang_c(busy * servers, servers)
    assert isinstance(queue, Queue)
    wait_s = queue.waiting_percentile_s(share, service_s)
    beyond = queue.probability_of_waiting * math.exp(-(servers - queue.offered_load) * wait_s / service_s)
    if wait_s > 0:
        assert beyond == pytest.approx(1 - share, rel=1e-9)
    else:
        assert beyond <= 1 - share


@settings(max_examples=60)
@given(st.floats(0, 1 - 1e-9), st.integers(1, 40), st.floats(0.1, 99.99))
def test_a_percentile_of_response_is_exceeded_by_the_rest(utilisation: float, cores: int, percentile: float) -> None:
    """P(R > t) forwards: those who do not wait, and wait and service of those who do, added up by quadrature."""
    t = open_response_ms(utilisation, cores, 1.0, percentile)
    queue = erlang_c(utilisation * cores, cores)
    assert isinstance(t, float) and isinstance(queue, Queue)
    waits, rate = queue.probability_of_waiting, cores - queue.offered_load
    # Over the service where that is the shorter, over the wait otherwise: the integrand is narrow there.
    if rate <= 1:
        still = quad(lambda s: math.exp(-s - rate * (t - s)), 0, min(t, 80), limit=200)[0]
    else:
        still = quad(lambda w: math.exp(w - t - rate * w), 0, min(t, 80 / (rate - 0.5)), limit=200)[0]
    assert math.exp(-t) + waits * still == pytest.approx(1 - percentile / 100, rel=1e-4)


# --- service demand -----------------------------------------------------------------------------------------------

DEMANDS_S = st.lists(st.floats(1e-4, 10), min_size=2, max_size=4)


@settings(max_examples=40)
@given(DEMANDS_S, st.integers(0, 10**6))
def test_demands_come_back_from_the_mixtures_that_they_make(demands_s: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"class {i}" for i in range(len(demands_s))]
    mixes = [dict(zip(names, row, strict=True)) for row in rng.uniform(0, 100, (12, len(names)))]
    mixes += [{name: 50.0} for name in names]
    truth = dict(zip(names, demands_s, strict=True))
    found = service_demands([RunUse(mix, cpu_cores=sum(x * truth[n] for n, x in mix.items())) for mix in mixes])
    assert not isinstance(found, Refusal), found
    for demand in found:
        assert demand.cpu_s is not None
        assert demand.cpu_s.value == pytest.approx(truth[demand.transaction], rel=1e-6)
    used = cores_used(found, mixes[0])
    assert isinstance(used, Interval)
    assert used.value == pytest.approx(sum(x * truth[n] for n, x in mixes[0].items()), rel=1e-6)


@settings(max_examples=40)
@given(st.floats(1e-4, 1), st.integers(1, 8), st.floats(1e-3, 1), st.floats(0, 5))
def test_the_demands_of_a_network_come_back_from_its_utilisations(
    cpu_s: float, cores: int, other_s: float, think_s: float
) -> None:
    """Mean-value analysis forwards, the utilisation law U = X·D back."""
    steps = mean_value_analysis([Station("cpu", cpu_s, cores), Station("log", other_s)], 20, think_s)
    assert not isinstance(steps, Refusal), steps
    runs = [RunUse({"a": s.throughput_tps}, cpu_cores=s.stations[0].utilisation * cores) for s in steps]
    found = service_demands(runs)
    assert not isinstance(found, Refusal) and isinstance(found[0], Demand) and found[0].cpu_s is not None
    assert found[0].cpu_s.value == pytest.approx(cpu_s, rel=1e-9)


# --- latency ------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.floats(0.0, 0.4), st.floats(1, 16), st.integers(0, 1000))
def test_the_load_that_meets_a_response_time_has_it(alpha: float, level: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    assume(1.01 < level < 15.9)
    tps = {n: 100 * n / (1 + alpha * (n - 1) + 0.02 * n * (n - 1)) for n in (1, 2, 4, 8, 16)}
    curve = latency_curve(
        [
            LatencyRun(n, block, x * math.exp(0.01 * e), 1500 * n / x * math.exp(0.01 * d))
            for n, x in tps.items()
            for block, (e, d) in enumerate(rng.standard_normal((3, 2)))
        ]
    )
    assert isinstance(curve, LatencyCurve)
    response = curve.predict_ms(level)
    assert isinstance(response, Interval)
    target = curve.target(response.value)
    assert isinstance(target, Target), target
    logs = np.log([p.level for p in curve.points])
    used = np.maximum.accumulate([p.utilisation.value for p in curve.points])
    assert target.utilisation <= target.crossing.value
    assert target.crossing.value == pytest.approx(float(np.interp(math.log(level), logs, used)), rel=1e-6)
    assert curve.share_at(np.array([response.value]))[0] == pytest.approx(target.crossing.value, rel=1e-6)


# --- growth -------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.floats(10, 1e6), st.floats(0.5, 3), st.floats(0.08, 0.3), st.sampled_from((logistic, gompertz)))
def test_a_sigmoid_comes_back_from_its_values(ceiling: float, start: float, speed: float, curve) -> None:
    x = np.arange(60.0)
    truth = (ceiling, start, speed)
    fit = fit_curve(curve, x, curve(np.array(truth), x)[0], (1.2 * ceiling, 0.9 * start, 0.9 * speed))
    assert fit is not None
    assert fit.parameters == pytest.approx(truth, rel=1e-6)


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=12), st.integers(1, 60), st.booleans())
def test_a_season_taken_out_and_put_back_changes_nothing(index: list[float], count: int, multiplies: bool) -> None:
    pattern = Pattern(np.array(index) + multiplies, multiplies, 9.0, 0.1)
    values = 100 + np.arange(float(count))
    assert pattern.restored(pattern.removed(values), 0) == pytest.approx(values)
    late = pattern.restored(values[count // 2 :], count // 2)
    assert late == pytest.approx(pattern.restored(values, 0)[count // 2 :])


@settings(max_examples=40)
@given(st.integers(8, 30), st.floats(200, 5000), st.integers(0, 1000))
def test_a_shift_is_undone_where_it_was_made(at: int, amount: float, seed: int) -> None:
    values = 1000 + 10.0 * np.arange(40) + 0.5 * np.random.default_rng(seed).standard_normal(40)
    shifted = values + amount * (np.arange(40) >= at)
    found = find_breaks(shifted)
    assert [place for place, _ in found.shifts] == [at]
    assert found.shifts[0][1] == pytest.approx(amount, rel=0.02)
    steps = np.diff(found.known_at(shifted, 40))
    assert abs(steps[at - 1]) < 0.2 * amount


# --- when an amount is reached ------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.integers(2, 24), st.integers(0, 10**6), st.floats(0, 60))
def test_a_date_is_the_first_at_which_so_many_draws_have_reached_the_amount(
    count: int, seed: int, amount: float
) -> None:
    rng = np.random.default_rng(seed)
    needed = np.cumsum(rng.exponential(3, (count, 101)), axis=0)
    dates = [dt.date(2026, 1, 1) + dt.timedelta(days=30 * i) for i in range(count)]
    found = due(dates, needed, amount)
    for share, date in ((0.1, found.earliest), (0.5, found.expected), (0.9, found.latest)):
        reached = [float(np.mean(row >= amount)) for row in needed]
        assert date == next((d for d, r in zip(dates, reached, strict=True) if r >= share), None)
    # The other way about: what the middle draw needs at a date is reached by then, and not long before.
    row = count // 2
    back = due(dates, needed, float(np.median(needed[row])))
    assert back.expected == dates[row]


@given(st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)), st.integers(0, 800),
       st.sampled_from(("year", "quarter", "month", "week", "day")))  # fmt: skip
def test_ranges_meet_and_every_day_is_in_the_one_that_is_its_own(first: dt.date, days: int, unit) -> None:
    last = first + dt.timedelta(days=days)
    edges = boundaries(first, last, unit)
    assert edges[0] > first and edges[-1] > last
    for begin, end in itertools.pairwise(edges):
        assert begin < end
        inside = begin + (end - begin) / 2
        assert boundary(inside, unit) == boundary(begin, unit) == end


@given(st.floats(1e-6, 1e6), st.floats(1, 20), st.floats(1, 20), st.floats(0.5, 0.99))
def test_the_ends_of_an_interval_are_its_own_quantiles(value: float, below: float, above: float, level: float) -> None:
    from scipy.special import ndtri

    edge = float(ndtri((1 + level) / 2))
    interval = Interval(value / below, value, value * above, level)
    drawn = at_scores(np.array([-edge, 0.0, edge]), interval)
    assert drawn == pytest.approx([interval.low, interval.value, interval.high])
