"""Latency against load: the curve of planted sweeps, its target, and the bounds of queueing against their sources."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.latency import LatencyCurve, LatencyRun, closed_bounds, latency_curve, open_response_ms
from capacity.values import Interval, Refusal

LEVELS = (1, 2, 4, 8, 16, 32)


def tps(n: float) -> float:
    return 500 * n / (1 + 0.15 * (n - 1) + 0.002 * n * (n - 1))


def p95_ms(n: float) -> float:
    return 1.6 * 1000 * n / tps(n)


def sweep(rng: np.random.Generator, noise: float = 0.05, drift: float = 0.03, blocks: int = 3) -> list[LatencyRun]:
    runs = []
    for block in range(blocks):
        slow = math.exp(drift * rng.standard_normal())
        for n in LEVELS:
            x, r = np.exp(noise * rng.standard_normal(2))
            runs.append(LatencyRun(n, block, tps(n) / slow * x, p95_ms(n) * slow * r))
    return runs


def curve(runs: list[LatencyRun], level: float = 0.9) -> LatencyCurve:
    answer = latency_curve(runs, level)
    assert not isinstance(answer, Refusal), answer
    return answer


def interval(answer: Interval | Refusal) -> Interval:
    assert isinstance(answer, Interval), answer
    return answer


def test_exact_runs_give_the_levels_back() -> None:
    found = curve(sweep(np.random.default_rng(1), noise=0, drift=0))
    for point in found.points:
        assert point.response_ms.value == pytest.approx(p95_ms(point.level))
        assert point.utilisation.value == pytest.approx(tps(point.level) / max(map(tps, LEVELS)))
    assert found.saturated


def test_levels_between_are_predicted_within_a_tenth_and_covered() -> None:
    rng = np.random.default_rng(3)
    inside, off = [], []
    for _ in range(60):
        found = curve(sweep(rng))
        for n in (3, 6, 12, 24):
            further = p95_ms(n) * math.exp(0.05 * rng.standard_normal() + 0.03 * rng.standard_normal())
            said = interval(found.predict_ms(n))
            inside.append(said.low <= further <= said.high)
            off.append(abs(math.log(said.value / p95_ms(n))))
    assert np.mean(inside) > 0.85
    assert np.median(off) < 0.1


def test_the_curve_never_falls() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        found = curve(sweep(rng, noise=0.5))
        values = [interval(found.predict_ms(n)).value for n in np.linspace(1, 32, 60)]
        assert np.all(np.diff(values) >= -1e-9)


def test_what_is_drawn_is_the_curve_that_decides() -> None:
    """Through the levels, never falling, and at each limit where the share of it is taken."""
    found = curve(sweep(np.random.default_rng(5), noise=0.2))
    shares, responses = np.array(found.drawn(between=40)).T
    assert np.all(np.diff(shares) >= 0) and np.all(np.diff(responses) >= -1e-9)
    for point in found.points:
        assert np.min(np.abs(np.log(responses / point.response_ms.value))) < 1e-9
    limits = np.geomspace(responses[0] * 1.01, responses[-1] * 0.99, 50)
    assert np.interp(np.log(limits), np.log(responses), shares) == pytest.approx(found.share_at(limits), abs=0.01)


def test_outside_of_the_levels_there_is_no_answer() -> None:
    found = curve(sweep(np.random.default_rng(1)))
    for n in (0.5, 33, math.nan):
        answer = found.predict_ms(n)
        assert isinstance(answer, Refusal)
        assert answer.code == "not_identified"


def test_a_looser_objective_allows_more() -> None:
    found = curve(sweep(np.random.default_rng(6)))
    targets = [found.target(limit) for limit in (4.5, 6, 10, 20, 1000)]
    shares = [t.utilisation for t in targets if not isinstance(t, Refusal)]
    assert len(shares) == 5
    assert shares == sorted(shares)
    assert all(t.crossing.low <= t.crossing.value <= t.crossing.high for t in targets if not isinstance(t, Refusal))
    last = targets[-1]
    assert not isinstance(last, Refusal) and last.met_everywhere and last.utilisation == 1


@pytest.mark.slow
def test_the_promised_probability_holds() -> None:
    """At the utilisation that is said to be safe the true curve meets the objective about as often as promised."""
    rng, limit, met = np.random.default_rng(8), 12.0, []
    for _ in range(200):
        target = curve(sweep(rng)).target(limit)
        if isinstance(target, Refusal):  # noise made it look as if throughput still rose
            assert target.code == "not_saturated"
            continue
        met.append(p95_ms(target.level) <= limit * 1.02)
    assert len(met) > 170
    assert np.mean(met) >= 0.9


def test_a_sweep_that_ends_too_early_is_refused_a_target() -> None:
    early = [run for run in sweep(np.random.default_rng(2)) if run.level <= 4]
    answer = curve(early).target(10)
    assert isinstance(answer, Refusal) and answer.code == "not_saturated"
    answer = curve(sweep(np.random.default_rng(2))).target(0.1)
    assert isinstance(answer, Refusal) and answer.code == "objective_not_met"
    answer = curve(sweep(np.random.default_rng(2))).target(math.nan)
    assert isinstance(answer, Refusal) and answer.code == "bad_objective"


@pytest.mark.slow
@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_rescaled_input_rescaled_answer(time: float, rate: float) -> None:
    runs = sweep(np.random.default_rng(5))
    scaled = [LatencyRun(r.level, r.block, r.throughput_tps * rate, r.response_ms * time) for r in runs]
    one, other = curve(runs), curve(scaled)
    for n in (1, 3, 20):
        a, b = interval(one.predict_ms(n)), interval(other.predict_ms(n))
        assert (b.low, b.value, b.high) == pytest.approx((a.low * time, a.value * time, a.high * time), rel=1e-6)
    first, second = one.target(12), other.target(12 * time)
    assert not isinstance(first, Refusal) and not isinstance(second, Refusal)
    assert second.utilisation == pytest.approx(first.utilisation, rel=1e-6)


RUN = st.builds(
    LatencyRun,
    st.integers(-1, 50),
    st.integers(0, 3),
    st.one_of(st.floats(allow_nan=True), st.just(5.0)),
    st.one_of(st.floats(allow_nan=True), st.just(2.0)),
)


@given(st.lists(RUN, max_size=12))
def test_any_input_is_answered_or_refused(runs: list[LatencyRun]) -> None:
    answer = latency_curve(runs)
    if isinstance(answer, LatencyCurve):
        said = interval(answer.predict_ms(answer.points[0].level))
        assert said.low <= said.value <= said.high


# --- bounds -------------------------------------------------------------------------------------------------------


@given(st.floats(0.01, 0.99), st.floats(1, 99.9))
def test_one_server_has_the_textbooks_percentile(utilisation: float, percentile: float) -> None:
    """M/M/1: R is exponential with mean S/(1 − ρ). L. Kleinrock, Queueing Systems I, 1975."""
    found = open_response_ms(utilisation, 1, 5.0, percentile)
    assert found == pytest.approx(-math.log(1 - percentile / 100) * 5.0 / (1 - utilisation), rel=1e-6)


@pytest.mark.parametrize("percentile", [50, 99.9, 99.9999999])
def test_nearly_full_servers_are_answered(percentile: float) -> None:
    for full in (0.99, 1 - 1e-9, 1 - 1e-15):
        found = open_response_ms(full, 1, 5.0, percentile)
        assert found == pytest.approx(-math.log(1 - percentile / 100) * 5.0 / (1 - full), rel=1e-4)
        many = open_response_ms(full, 8, 5.0, percentile)
        assert isinstance(many, float) and math.isfinite(many)


def test_two_servers_by_simulation() -> None:
    rng = np.random.default_rng(7)
    n, utilisation, free = 200_000, 0.7, [0.0, 0.0]
    arrivals = np.cumsum(rng.exponential(1 / (2 * utilisation), n))
    services, responses = rng.exponential(1, n), np.empty(n)
    for i in range(n):
        server = 0 if free[0] <= free[1] else 1
        free[server] = max(free[server], arrivals[i]) + services[i]
        responses[i] = free[server] - arrivals[i]
    assert open_response_ms(utilisation, 2, 1.0, 95) == pytest.approx(np.quantile(responses, 0.95), rel=0.04)


def test_more_load_waits_longer_and_more_cores_less() -> None:
    waits = [open_response_ms(u, 4, 2.0, 99) for u in (0, 0.3, 0.6, 0.9)]
    assert waits == sorted(waits)  # type: ignore[type-var]  # none of them a refusal
    assert open_response_ms(0.9, 16, 2.0, 99) < open_response_ms(0.9, 2, 2.0, 99)  # type: ignore[operator]  # nor these
    full = open_response_ms(1.0, 4, 2.0, 99)
    assert isinstance(full, Refusal) and full.code == "unstable"


def test_busy_connections_lie_between_the_asymptotes() -> None:
    for n in (1, 2, 8, 64):
        found = closed_bounds(0.004, 2, n, other_s=0.001)
        assert not isinstance(found, Refusal)
        assert found.low_ms <= found.mean_ms <= found.high_ms
    alone = closed_bounds(0.004, 2, 1, other_s=0.001)
    assert not isinstance(alone, Refusal)
    assert alone.mean_ms == pytest.approx(5.0)
    assert isinstance(closed_bounds(-1, 2, 4), Refusal)
