"""Projections of many households are those of each household alone."""

import numpy as np
import orjson
import pytest

from loadgen.population.projections import DETAILS, Inputs, results, success_percent
from loadgen.population.simulation import project

ROWS = 240


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    rng = np.random.default_rng(7)
    balance = np.round(np.where(rng.random(ROWS) < 0.1, 0.0, rng.lognormal(11, 2, ROWS)), 2)
    horizon = rng.integers(-3, 60, ROWS)
    return Inputs(
        balance=balance,
        annual_contribution=np.round(rng.normal(0, 20_000, ROWS), 2),
        horizon_years=horizon,
        stock_share=np.round(rng.random(ROWS), 3),
        goal=np.round(rng.lognormal(12, 2, ROWS), 2),
        retirement_year=np.where(rng.random(ROWS) < 0.3, 0, 2026 + horizon),
        ran_us=rng.integers(1_600_000_000, 1_780_000_000, ROWS) * 1_000_000,
    )


def test_documents_are_those_of_each_household_alone(inputs: Inputs) -> None:
    detail = np.arange(ROWS) % (len(DETAILS) + 1) - 1
    documents = results(inputs, success_percent(inputs), detail)
    for row, text in enumerate(documents):
        if detail[row] < 0:
            assert text is None
            continue
        assert text is not None
        many = orjson.loads(text)
        one = orjson.loads(
            project(
                float(inputs.balance[row]), float(inputs.annual_contribution[row]), int(inputs.horizon_years[row]),
                float(inputs.stock_share[row]), DETAILS[detail[row]], goal=float(inputs.goal[row]),
                retirement_year=int(inputs.retirement_year[row]) or None,
            )
        )  # fmt: skip
        assert list(many) == list(one)
        for name in ("bands", "sample_paths"):
            assert (name in many) == (name in one)
            if name in many:
                found, expected = (list(d[name].values()) if name == "bands" else d[name] for d in (many, one))
                # A sum in another order may round the last cent otherwise.
                np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0.011)
        rest = many.keys() - {"bands", "sample_paths", "ran_at"}
        assert {name: many[name] for name in rest} == {name: one[name] for name in rest}
