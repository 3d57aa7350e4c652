"""Which law measured throughputs follow: published figures, intervals that cover, refusals."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from capacity.scalability import Model, Usl, fit_usl
from capacity.scalability.profile import MOST_GROUPS, Profile
from capacity.scalability.solve import Points, columns, solve
from capacity.values import Interval, Refusal

DATA = Path(__file__).parent.parent / "data" / "usl_specsdm91.csv"
LEVELS = [1, 2, 4, 8, 16, 32, 64]


def published() -> tuple[list[float], list[float]]:
    rows = list(csv.DictReader(line for line in DATA.read_text().splitlines() if not line.startswith("#")))
    return [float(r["concurrency"]) for r in rows], [float(r["throughput"]) for r in rows]


def usl(n: npt.ArrayLike, alpha: float, beta: float, gamma: float) -> npt.NDArray[np.float64]:
    n = np.asarray(n, dtype=np.float64)
    return gamma * n / (1 + alpha * (n - 1) + beta * n * (n - 1))


def fitted(answer: Usl | Refusal) -> Usl:
    assert isinstance(answer, Usl), answer
    return answer


def interval(answer: Interval | Refusal) -> Interval:
    assert isinstance(answer, Interval), answer
    return answer


def test_the_published_fit_is_reproduced_standard_errors_too() -> None:
    fit = fitted(fit_usl(*published()))
    assert f"{fit.alpha.value:.7f} {fit.beta.value:.7f}" == "0.0277285 0.0001044"
    # The published γ ends in 330, from a search that stopped early; the least squares are lower at …331.
    assert fit.gamma.value == pytest.approx(89.9952330, abs=1.5e-7)
    assert [f"{e:.7f}" for e in fit.standard_errors[:2]] == ["0.0091217", "0.0000199"]
    assert fit.standard_errors[2] == pytest.approx(14.2134894, abs=1e-6)
    assert f"{fit.residual_standard_error:.2f}" == "82.85"
    assert fit.degrees_of_freedom == 4
    assert fit.peak == pytest.approx(96.51956, abs=5e-6)
    assert fit.model is Model.USL
    assert fit.identified


def test_the_profile_ends_where_the_best_fit_with_that_value_is_as_bad_as_chance_allows() -> None:
    """Against scipy with one parameter held, which knows nothing of ours."""
    n, x = (np.array(values) for values in published())
    fit = fitted(fit_usl(n, x))
    best = float(np.sum((x - usl(n, fit.alpha.value, fit.beta.value, fit.gamma.value)) ** 2))
    allowed = best * (1 + 2.131846786**2 / 4)  # Student's 95 % quantile, 4 degrees of freedom
    for held, found in enumerate((fit.alpha, fit.beta, fit.gamma)):
        for end in (found.low, found.high):

            def residuals(free: npt.NDArray[np.float64], held: int = held, end: float = end) -> npt.NDArray[np.float64]:
                alpha, beta, gamma = np.insert(free * np.delete([1, 1e-3, 100], held), held, end)
                return np.asarray(x - usl(n, alpha, beta, gamma))

            start = np.delete([fit.alpha.value, fit.beta.value * 1e3, fit.gamma.value / 100], held)
            held_fit = least_squares(residuals, start, bounds=(0, np.inf), xtol=1e-15, ftol=1e-15, gtol=1e-15)
            assert 2 * held_fit.cost == pytest.approx(allowed, rel=1e-4)


@pytest.mark.parametrize("noise", [0.001, 0.3])
@pytest.mark.parametrize("farthest", [20_000.0, 1e7])
def test_groups_of_many_levels_give_the_intervals_of_all(noise: float, farthest: float) -> None:
    """Of 54 combinations of noise, range, size and law the farthest end was off by 0.3 % of its interval."""
    n = np.append(np.arange(1.0, 20_000), farthest)
    x = usl(n, 0.01, 1e-9, 100) * np.exp(noise * np.random.default_rng(0).standard_normal(len(n)))
    points = Points(n, x, np.ones_like(n))
    best = solve(points, columns(n))
    allowance = 2.7 * best.squares / len(n)
    everything, groups = Profile(points, best, allowance), Profile.of(points, best, allowance)
    assert len(groups.points.n) <= MOST_GROUPS
    u, v, c = best.parts
    x_64 = float(64 / (columns(np.array([64.0]))[0] @ best.parts))
    for full, found in (
        (everything.alpha(v / (u + v)), groups.alpha(v / (u + v))),
        (everything.beta(c / (u + v)), groups.beta(c / (u + v))),
        (everything.throughput(64, x_64), groups.throughput(64, x_64)),
    ):
        assert full[1] > full[0]
        assert found == pytest.approx(full, rel=0, abs=0.01 * (full[1] - full[0]))


@settings(max_examples=40, deadline=None)
@given(alpha=st.floats(0, 0.5), beta=st.one_of(st.just(0.0), st.floats(1e-6, 0.05)), gamma=st.floats(1e-3, 1e6))
def test_exact_points_give_the_parameters_back(alpha: float, beta: float, gamma: float) -> None:
    fit = fitted(fit_usl(LEVELS, usl(LEVELS, alpha, beta, gamma)))
    assert fit.alpha.value == pytest.approx(alpha, abs=1e-7)
    assert fit.beta.value == pytest.approx(beta, abs=1e-9)
    assert fit.gamma.value == pytest.approx(gamma, rel=1e-7)
    for n in (3, 48, 80):
        assert interval(fit.predict(n)).value == pytest.approx(float(usl(n, alpha, beta, gamma)), rel=1e-7)


@pytest.mark.slow
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), spread=st.floats(0.001, 0.5))
def test_no_other_parameters_fit_better(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    alpha, beta, gamma = rng.uniform(0, 0.3), rng.choice([0, 1e-4, 1e-2]), rng.uniform(1, 1000)
    x = usl(LEVELS, alpha, beta, gamma) * np.exp(spread * rng.standard_normal(7))
    answer = fit_usl(LEVELS, x)
    if isinstance(answer, Refusal):
        assert answer.code == "not_identified"
        return
    ours = np.sum((x - usl(LEVELS, answer.alpha.value, answer.beta.value, answer.gamma.value)) ** 2)
    size = np.array([1, 0.01, x[0]])
    for start in ([0.01, 0.01, 1], [0.5, 0.001, 1], [0.001, 1, 1]):
        other = least_squares(
            lambda p: x - usl(LEVELS, *(p * size)), start, bounds=([0, 0, 1e-9], [1, np.inf, np.inf]), max_nfev=500
        )
        assert ours <= 2 * other.cost * (1 + 1e-6)
    for found in (answer.alpha, answer.beta, answer.gamma):
        assert found.low <= found.value <= found.high


@settings(max_examples=5)
@given(unit=st.floats(1e-6, 1e9), seed=st.integers(0, 1000))
def test_throughput_in_another_unit_scales_only_gamma(unit: float, seed: int) -> None:
    x = usl(LEVELS, 0.05, 0.002, 100) * np.exp(0.03 * np.random.default_rng(seed).standard_normal(7))
    plain, scaled = fitted(fit_usl(LEVELS, x)), fitted(fit_usl(LEVELS, x * unit))
    for name, factor in (("alpha", 1.0), ("beta", 1.0), ("gamma", unit)):
        ours, theirs = getattr(plain, name), getattr(scaled, name)
        for end in ("low", "value", "high"):
            assert getattr(theirs, end) == pytest.approx(getattr(ours, end) * factor, rel=1e-4, abs=1e-9 * factor)
    assert (plain.model, plain.identified) == (scaled.model, scaled.identified)
    assert interval(scaled.predict(50)).high == pytest.approx(interval(plain.predict(50)).high * unit, rel=1e-4)


@settings(max_examples=5)
@given(st.permutations(range(14)))
def test_order_does_not_matter(order: list[int]) -> None:
    n = np.repeat(LEVELS, 2)
    x = usl(n, 0.05, 0.002, 100) * np.exp(0.03 * np.random.default_rng(3).standard_normal(14))
    plain, mixed = fitted(fit_usl(n, x)), fitted(fit_usl(n[order], x[order]))
    assert mixed.alpha.high == pytest.approx(plain.alpha.high, rel=1e-6)
    assert mixed.degrees_of_freedom == plain.degrees_of_freedom == 11


@pytest.mark.slow
def test_intervals_cover_at_the_bound_and_off_it() -> None:
    """Nominal 90 %. At β = 0 half of all fits end on the bound, where a bootstrap's interval would be a point."""
    rng = np.random.default_rng(17)
    for alpha, beta in ((0.03, 0.0), (0.03, 0.0005)):
        covered = np.zeros(4)
        count = 60
        for _ in range(count):
            x = usl(LEVELS, alpha, beta, 100) + 25 * rng.standard_normal(7)
            fit = fitted(fit_usl(LEVELS, x))
            ahead = float(usl(48, alpha, beta, 100)) + 25 * rng.standard_normal()
            pairs = ((fit.alpha, alpha), (fit.beta, beta), (fit.gamma, 100), (interval(fit.predict(48)), ahead))
            covered += [found.low <= truth <= found.high for found, truth in pairs]
        # Of 60 draws at 0.9, three standard deviations below are 0.78.
        assert (covered / count >= 0.78).all(), covered / count


def test_known_spreads_count() -> None:
    """A level known ten times worse may be wrong by much without moving the fit."""
    x = usl(LEVELS, 0.05, 0.002, 100)
    x[3] *= 1.5
    trusting, knowing = (fitted(fit_usl(LEVELS, x, spreads=spreads)) for spreads in (None, [1, 1, 1, 300, 1, 1, 1]))
    assert abs(knowing.gamma.value - 100) < 0.2 < abs(trusting.gamma.value - 100)
    assert interval(knowing.predict(8)).high - interval(knowing.predict(8)).low > 100
    scaled = fitted(fit_usl(LEVELS, x, spreads=[7, 7, 7, 2100, 7, 7, 7]))
    assert scaled.alpha.high == pytest.approx(knowing.alpha.high, rel=1e-6)


def test_runs_that_agree_only_among_themselves_do_not_narrow_the_law() -> None:
    """Ten runs a level that agree to 0.1 %, about means that miss the law by some 5 %."""
    rng = np.random.default_rng(2)
    means = usl(LEVELS, 0.05, 0.002, 100) * np.exp(0.05 * rng.standard_normal(7))
    n = np.repeat(LEVELS, 10)
    many = fitted(fit_usl(n, np.repeat(means, 10) * np.exp(0.001 * rng.standard_normal(70))))
    one = fitted(fit_usl(LEVELS, means))
    assert many.degrees_of_freedom == one.degrees_of_freedom == 4
    assert many.alpha.high - many.alpha.low == pytest.approx(one.alpha.high - one.alpha.low, rel=0.02)


@pytest.mark.parametrize(
    ("alpha", "beta", "model"), [(0.0, 0.0, Model.LINEAR), (0.1, 0.0, Model.AMDAHL), (0.1, 0.01, Model.USL)]
)
def test_the_least_law_that_is_not_rejected_is_named(alpha: float, beta: float, model: Model) -> None:
    x = usl(LEVELS, alpha, beta, 100)
    assert fitted(fit_usl(LEVELS, x)).model is model
    rng = np.random.default_rng(5)
    named = [fitted(fit_usl(LEVELS, x + 5 * rng.standard_normal(7))).model for _ in range(30)]
    assert named.count(model) >= 24  # a superfluous part is kept in about 5 % of fits


def test_a_peak_that_is_not_there_or_not_known_is_none() -> None:
    linear = fitted(fit_usl([1, 2, 4, 8], [10, 20, 40, 80]))
    assert (linear.peak, linear.identified) == (None, True)
    amdahl = fitted(fit_usl(LEVELS, usl(LEVELS, 0.05, 0, 100)))
    assert (amdahl.peak, amdahl.identified) == (None, True)
    far = fitted(fit_usl(LEVELS, usl(LEVELS, 0.05, 1e-5, 100)))
    assert (far.peak, far.identified) == (None, False)
    noisy = fitted(fit_usl([1, 2, 3, 4], [10, 18, 31, 36]))
    assert noisy.beta.low == 0
    assert (noisy.peak, noisy.identified) == (None, False)


@pytest.mark.slow
def test_the_peaks_interval_covers_it() -> None:
    rng = np.random.default_rng(23)
    truth = math.sqrt((1 - 0.03) / 0.002)
    found = []
    for _ in range(50):
        fit = fitted(fit_usl(LEVELS, usl(LEVELS, 0.03, 0.002, 100) + 15 * rng.standard_normal(7)))
        assert fit.peak_interval is not None
        assert fit.peak_interval.low <= fit.peak_interval.value <= fit.peak_interval.high
        found.append(fit.peak_interval.low <= truth <= fit.peak_interval.high)
    assert np.mean(found) >= 0.76


def test_prediction_stops_at_reach() -> None:
    fit = fitted(fit_usl(*published()))
    assert interval(fit.predict(270)).value == fit.throughput(270)
    for refused in (fit.predict(270.1), fit.throughput(270.1)):
        assert isinstance(refused, Refusal)
        assert refused.code == "not_identified"


@pytest.mark.parametrize(
    ("n", "x", "code"),
    [
        ([], [], "too_few_levels"),
        ([4], [9], "too_few_levels"),
        ([1, 2, 4], [1, 2, 3], "too_few_levels"),
        ([1, 1, 2, 2, 4, 4], [1, 1, 2, 2, 3, 3], "too_few_levels"),
        ([1, 2, 4, 8], [1, 2, 3], "bad_measurement"),
        ([1, 2, 4, math.nan], [1, 2, 3, 4], "bad_measurement"),
        ([1, 2, 4, 8], [1, math.inf, 3, 4], "bad_measurement"),
        ([1, 2, 4, 8], [1, -2, 3, 4], "bad_measurement"),
        ([1, 2, 4, 8], [1, 0, 3, 4], "bad_measurement"),
        ([0, 2, 4, 8], [1, 2, 3, 4], "bad_measurement"),
        ([1, 2, 4, 8], [1, 1e-200, 3, 4], "bad_measurement"),
        ([2, 20, 200, 2000], [1e9, 1e3, 1, 1e-6], "not_identified"),
    ],
)
def test_unusable_points_are_refused(n: list[float], x: list[float], code: str) -> None:
    refused = fit_usl(n, x)
    assert isinstance(refused, Refusal)
    assert refused.code == code


def test_unusable_spreads_and_levels_are_refused() -> None:
    for refused in (
        fit_usl([1, 2, 4, 8], [1, 2, 3, 4], spreads=[1, 1, 0, 1]),
        fit_usl([1, 2, 4, 8], [1, 2, 3, 4], spreads=[1, 1, 1]),
        fit_usl([1, 2, 4, 8], [1, 2, 3, 4], level=1.0),
    ):
        assert isinstance(refused, Refusal)


THROUGHPUTS = st.one_of(st.floats(1e-40, 1e40), st.sampled_from([7.0, 1e-6, 0.0, -1.0, math.nan, math.inf]))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 300), THROUGHPUTS), max_size=12))
def test_whatever_was_measured_gives_an_answer_or_a_refusal(points: list[tuple[int, float]]) -> None:
    """Constant, falling, absurd, doubled, unordered; warnings are errors here."""
    answer = fit_usl([n for n, _ in points], [x for _, x in points])
    if isinstance(answer, Usl):
        reach = 1.25 * answer.largest_measured
        for n in (1.0, reach / 2 + 0.5, reach):
            assert interval(answer.predict(n)).high > 0
    else:
        assert answer.missing and answer.do


@pytest.mark.parametrize("far", [1e3, 1e6, 1e9, 1e12])
def test_a_level_far_above_the_others_leaves_their_law_alone(far: float) -> None:
    levels = np.array([1, 2, 4, 8, 16, far])
    fit = fitted(fit_usl(levels, usl(levels, 0.05, 0.001, 100)))
    assert (fit.alpha.value, fit.beta.value, fit.gamma.value) == pytest.approx((0.05, 0.001, 100))


def test_a_steep_fall_from_a_measured_level_of_one_is_told() -> None:
    fit = fitted(fit_usl([1, 10, 100, 1000], [1e9, 1e3, 1, 1e-6]))
    assert fit.gamma.value == pytest.approx(1e9)
    assert fit.peak_interval is not None and fit.peak_interval.low == fit.peak == 1


def test_absurd_levels_and_spreads_still_hold_their_own_point() -> None:
    levels = [8, 947.5, 9, 4, 4, 1, 16, 1e30]
    measured = [0.0017, 15.7, 7.26, 3.0, 0.085, 0.0083, 0.2, 0.0032]
    spreads = [0.021, 483, 0.28, 234, 2.3, 0.0019, 14, 0.24]
    answer = fit_usl(levels, measured, spreads=spreads)
    assert isinstance(answer, Usl)


def test_twenty_thousand_points_are_answered() -> None:
    rng = np.random.default_rng(1)
    n = rng.uniform(1, 500, 20_000)
    fit = fitted(fit_usl(n, usl(n, 0.05, 1e-4, 10) * np.exp(0.05 * rng.standard_normal(20_000))))
    assert fit.alpha.low < 0.0505 and fit.alpha.high > 0.0495
