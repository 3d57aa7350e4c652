"""Which uncertainty matters most, and words for probabilities that fall short."""

from __future__ import annotations

import plan_samples as samples
import pytest

from capacity.formatting import chance
from capacity.planner import make_plan
from capacity.sizing import Sensitivity


@pytest.fixture(scope="module")
def matters() -> dict[str, Sensitivity]:
    return {one.name: one for one in make_plan(samples.inputs(20, workload=samples.workload(spread=2))).sensitivity}


@pytest.mark.parametrize("name", ["daily_active_share", "peak_to_mean", "transactions_per_session"])
def test_a_factor_alone_moves_the_load_by_its_own_range(matters: dict[str, Sensitivity], name: str) -> None:
    """The load is a product of these factors, each drawn from half to twice its middle."""
    alone = matters[name].alone
    assert alone is not None
    assert (alone.low / alone.value, alone.high / alone.value) == pytest.approx((0.5, 2), rel=0.01)
    assert matters[name].raises


def test_more_users_raise_and_a_greater_capacity_lowers_the_load() -> None:
    workload = samples.workload(spread=1.02)
    found = {one.name: one for one in make_plan(samples.inputs(20, workload=workload)).sensitivity}
    capacities = [one for name, one in found.items() if name.startswith("capacity.")]
    assert capacities
    assert not any(one.raises for one in capacities)
    assert found["users"].raises


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.94996, "94.9%"), (0.95, "95%"), (0.9, "90%"), (0.0, "0%"), (1.0, "100%"), (0.99999, "99.9%"), (0.29, "29%")],
)
def test_a_probability_that_falls_short_does_not_read_as_if_it_did_not(probability: float, words: str) -> None:
    assert chance(probability) == words
