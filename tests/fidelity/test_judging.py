"""The verdict on a figure, and that every published one is asked for."""

from __future__ import annotations

import csv
from importlib import resources

import pytest

from loadgen.fidelity import published
from loadgen.fidelity.format import Statistic, Unit, Verdict
from loadgen.fidelity.judging import judge
from loadgen.fidelity.published import Published
from loadgen.fidelity.sampling import NOTHING, Measured
from loadgen.population.household import reference


def figure(statistic: Statistic, unit: Unit, value: float, tolerance: float) -> Published:
    return Published("by age", "it", "all", statistic, unit, value, tolerance, "a source")


SHARE = figure("share", "percent", 50.0, 2.0)
MEDIAN = figure("median", "dollars", 1000.0, 8.0)
MEAN = figure("mean", "dollars", 1000.0, 8.0)


@pytest.mark.parametrize(
    ("asked", "found", "verdict"),
    [
        (SHARE, Measured(51.9, 51.0, 52.8, 9), "within"),
        (SHARE, Measured(52.1, 51.0, 53.2, 9), "undecided"),
        (SHARE, Measured(47.0, 46.1, 47.9, 9), "outside"),
        (SHARE, Measured(50.0, 47.9, 52.1, 9), "undecided"),  # not bad, but not enough to call it good
        (SHARE, Measured(60.0, 57.0, 63.0, 9), "outside"),  # few, and still clearly wrong
        (SHARE, Measured(54.0, 51.5, 56.5, 9), "undecided"),
        (SHARE, Measured(50.0, None, None, 1), "undecided"),
        (MEDIAN, Measured(1079, 1050, 1110, 9), "within"),
        (MEDIAN, Measured(1110, 1081, 1139, 9), "outside"),
        (MEDIAN, Measured(1000, 900, 1100, 9), "undecided"),
        (MEDIAN, Measured(1300, 1200, None, 9), "outside"),
        (MEDIAN, Measured(1300, None, 1400, 9), "undecided"),
        (MEAN, Measured(1079, 1000, 1158, 9, 40), "within"),
        (MEAN, Measured(1119, 1041, 1197, 9, 40), "within"),  # three standard errors are 12 %
        (MEAN, Measured(1121, 1043, 1199, 9, 40), "outside"),
        (MEAN, Measured(1085, 1079, 1091, 9, 3), "outside"),
        (MEAN, Measured(1079, 900, 1258, 9, 90), "undecided"),  # one standard error is 9 %
        (MEAN, Measured(1279, 1103, 1455, 9, 90), "outside"),
        (MEAN, Measured(1000, None, None, 1), "undecided"),
        (SHARE, NOTHING, "undecided"),
    ],
)
def test_verdict(asked: Published, found: Measured, verdict: Verdict) -> None:
    assert judge(asked, found).verdict == verdict


def test_error_and_allowance_are_percent_of_dollars_and_points_of_shares() -> None:
    share, median = judge(SHARE, Measured(51.0, 50.0, 52.0, 9)), judge(MEDIAN, Measured(960, 950, 970, 9))
    mean = judge(MEAN, Measured(1120, 1000, 1240, 9, 50))
    assert (share.error, share.allowed) == (pytest.approx(1.0), 2.0)
    assert (median.error, median.allowed) == (pytest.approx(-4.0), 8.0)
    assert (mean.error, mean.allowed) == (pytest.approx(12.0), pytest.approx(15.0))
    assert share.strain == pytest.approx(0.5)


def test_a_debt_below_zero_is_judged_by_its_size() -> None:
    below = figure("median", "dollars", -1000.0, 8.0)
    assert judge(below, Measured(-1050, -1060, -1040, 9)).verdict == "within"
    assert judge(below, Measured(-900, -910, -890, 9)).verdict == "outside"


def test_every_fact_is_judged_or_has_its_reason() -> None:
    text = resources.files("loadgen.population").joinpath("data", "household_facts.csv").read_text("utf-8")
    sources = {(f.value, f.source) for f in published.figures() if f.topic == "households"}
    for row in csv.DictReader(text.splitlines()):
        if row["topic"] == "market" or (row["topic"], row["item"]) in published.NOT_STORED:
            continue
        assert (float(row["value"]), row["source"]) in sources, row


def test_the_age_table_and_the_joint_figures_are_all_there_in_todays_dollars() -> None:
    figures = published.figures()
    names = [(f.measure, f.group) for f in figures]
    assert len(set(names)) == len(names) - len(_twice(names)), "a figure is named once"
    assert len([f for f in figures if f.topic == "by age"]) == 6 * 14
    assert len([f for f in figures if f.topic == "joint"]) == len(reference.joint())
    median = next(f for f in figures if (f.measure, f.group) == ("net_worth_median", "75+"))
    assert median.value == pytest.approx(334_700 * 1.1446)
    assert all(f.source and f.tolerance > 0 for f in figures)
    assert {f.statistic for f in figures} == {"median", "percentile", "share", "mean", "concentration"}


def _twice(names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A figure may be published in the age table and among the joint ones."""
    return [name for name in set(names) if names.count(name) > 1]
