"""The packaged model is what the script would write, and the laws that it is made by."""

import numpy as np
import pytest

from loadgen.population import fitting
from loadgen.population.household import reference
from loadgen.population.household.comparison import SURVEYED, compare
from loadgen.population.household.household_model import Amounts, Tail, household_model, packaged_document, pareto
from loadgen.population.household.parameters import FREE, document, mean_over_median


@pytest.fixture(scope="module")
def sample() -> fitting.Sample:
    return fitting.Sample(packaged_document()["fit"]["users"])


def test_the_packaged_file_is_the_one_that_its_parameters_give(sample: fitting.Sample) -> None:
    packaged = packaged_document()
    free = packaged["fit"]["free"]
    assert set(free) == {parameter.name for parameter in FREE}
    assert {name: packaged[name] for name in packaged if name not in ("about", "fit")} == sample.model(free)


@pytest.mark.slow
def test_the_objective_is_the_one_that_the_script_printed(sample: fitting.Sample) -> None:
    fit = packaged_document()["fit"]
    amounts = sample.households(fit["free"])
    assert fitting.objective(amounts, sample.group) == pytest.approx(fit["objective"], rel=1e-3)
    past = [figure for figure in compare(amounts, sample.group) if not figure.within]
    assert past == []


@pytest.mark.slow
def test_the_fit_is_well_inside_what_every_sample_must_meet(sample: fitting.Sample) -> None:
    figures = compare(sample.households(packaged_document()["fit"]["free"]), sample.group)
    by_age = [f for f in figures if f.group in reference.AGE_GROUPS]
    assert max(abs(f.error) for f in by_age if f.measure.endswith("_median")) < 4
    assert max(abs(f.error) for f in by_age if f.measure.endswith("_hold")) < 0.3


@pytest.mark.slow
def test_a_round_of_the_fit_never_makes_it_worse() -> None:
    few = fitting.Sample(4_000)
    start = packaged_document()["fit"]["free"] | {"wealth_on_income": 0.4}
    before, after = (fitting.objective(few.households(free), few.group) for free in (start, fitting.fit(start, few, 1)))
    assert after < before


def test_published_shares_and_medians_go_into_the_model_as_they_are() -> None:
    for column, name in SURVEYED.items():
        item = household_model().items[column]
        assert item.hold_share == pytest.approx(reference.by_age(f"{name}_hold") / 100, abs=1e-4)
        assert item.amounts.median == pytest.approx(reference.by_age(f"{name}_cmed"), abs=1e-3)


@pytest.mark.slow
def test_means_of_all_items_add_up_to_the_mean_of_net_worth() -> None:
    """Quantile functions integrated over their holders."""
    model, u = household_model(), (np.arange(400_000) + 0.5) / 400_000
    debts = ("mortgage", "student_loans", "credit_cards", "auto_loans")
    for group in range(len(reference.AGE_GROUPS)):
        places = np.full(len(u), group)
        means = {name: item.hold_share[group] * item.amounts.at(u, places).mean() for name, item in model.items.items()}
        total = sum(-mean if name in debts else mean for name, mean in means.items())
        assert total == pytest.approx(reference.by_age("net_worth_mean")[group], rel=0.01)


def test_the_mean_of_a_tailed_distribution_is_that_of_its_quantiles() -> None:
    tail = Tail(np.full(6, 0.9), 1.5, 100.0)
    spread = np.full(6, 1.2)
    law = mean_over_median(spread, {"begins": [0.9] * 6, "exponent": 1.5, "end": 100.0})
    u = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert Amounts(np.ones(6), spread, tail).at(u, np.zeros(len(u), np.int64)).mean() == pytest.approx(law[0], rel=1e-3)


def test_a_bounded_pareto_begins_at_one_ends_at_its_end_and_has_its_exponent() -> None:
    u = np.array([0.0, 0.5, 1.0])
    assert pareto(u, 1.5, 100.0)[[0, 2]] == pytest.approx([1.0, 100.0])
    assert pareto(u, 1.5, 1e9)[1] == pytest.approx(2 ** (1 / 1.5))


def test_a_document_follows_its_parameters() -> None:
    minors = np.full(6, 0.3)
    free = packaged_document()["fit"]["free"]
    other = document(free | {"brokerage.spread": 1.0}, minors)["items"]["brokerage"]["amounts"]
    mine = document(free, minors)["items"]["brokerage"]["amounts"]
    assert np.greater(other["median"], mine["median"]).all()  # the mean stays: less spread, a higher median
