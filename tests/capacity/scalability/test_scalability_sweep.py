"""The law of a sweep whose blocks drift."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from capacity.scalability import Repeat, Usl, fit_sweep
from capacity.values import Interval, Refusal

pytestmark = pytest.mark.slow

LEVELS = (1, 2, 4, 8, 16, 32)


def law(n: float) -> float:
    return 300 * n / (1 + 0.05 * (n - 1) + 0.004 * n * (n - 1))


def sweep(drift: float, noise: float, blocks: int, rng: np.random.Generator) -> list[Repeat]:
    return [
        Repeat(n, law(n) * math.exp(common + noise * rng.standard_normal()), 10.0, 0.0, block)
        for block, common in enumerate(drift * rng.standard_normal(blocks))
        for n in LEVELS
    ]


def fitted(answer: Usl | Refusal) -> Usl:
    assert isinstance(answer, Usl), answer
    return answer


@pytest.mark.parametrize(("drift", "blocks"), [(0.0, 3), (0.1, 3), (0.3, 4)])
def test_parameters_and_a_further_run_are_covered(drift: float, blocks: int) -> None:
    """Nominal 90 %. The further run is in a further block, which drifts like the others."""
    rng = np.random.default_rng(13)
    covered = np.zeros(4)
    for _ in range(50):
        fit = fitted(fit_sweep(sweep(drift, 0.03, blocks, rng)))
        ahead = law(12) * math.exp(drift * rng.standard_normal() + 0.03 * rng.standard_normal())
        predicted = fit.predict(12)
        assert isinstance(predicted, Interval)
        pairs = ((fit.alpha, 0.05), (fit.beta, 0.004), (fit.gamma, 300.0), (predicted, ahead))
        covered += [found.low <= truth <= found.high for found, truth in pairs]
    # Three standard deviations of 50 draws below 0.9.
    assert (covered / 50 >= 0.77).all(), covered / 50


def test_drift_widens_only_what_it_touches() -> None:
    rng = np.random.default_rng(2)
    steady = sweep(0.0, 0.02, 4, rng)
    common = [0.3, -0.2, 0.1, -0.2]
    drifting = [replace(r, throughput_tps=r.throughput_tps * math.exp(common[r.block])) for r in steady]
    calm, rough = fitted(fit_sweep(steady)), fitted(fit_sweep(drifting))
    assert rough.alpha.high - rough.alpha.low < 1.3 * (calm.alpha.high - calm.alpha.low)
    assert rough.gamma.high - rough.gamma.low > 5 * (calm.gamma.high - calm.gamma.low)
    assert rough.drift > 0.3


def test_without_repeats_it_is_the_plain_fit() -> None:
    single = [Repeat(n, law(n), 10.0, 0.0) for n in LEVELS]
    fit = fitted(fit_sweep(single))
    assert fit.alpha.value == pytest.approx(0.05, abs=1e-6)
    assert fit.drift == 0


def test_too_few_levels_are_refused() -> None:
    for runs in ([], sweep(0, 0.1, 3, np.random.default_rng(0))[:3], [Repeat(1, math.nan, 1, 0)]):
        assert isinstance(fit_sweep(runs), Refusal)
