"""Workload files."""

from __future__ import annotations

from pathlib import Path

import pytest

from capacity.values import Interval, Origin
from loadgen.errors import UsageError
from loadgen.planning.workload.workload_file import read_workload


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "load.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_shipped_block_is_all_assumption_with_ranges() -> None:
    block = read_workload(None)
    assert {i.origin for i in (*block.workload.inputs, *block.policy.inputs)} == {Origin.ASSUMPTION}
    assert all(i.source for i in (*block.workload.inputs, *block.policy.inputs))
    for factor in block.workload.factors:
        assert factor.value.low < factor.value.value < factor.value.high
    assert [m.scenario for m in block.workload.mix] == ["dashboard", "montecarlo"]


def test_a_file_replaces_what_it_names(tmp_path: Path) -> None:
    text = """
        [workload.peak_to_mean]
        value = 4
        origin = "measured"
        source = "request log of October"
        [mix.reports]
        value = 1
    """
    block = read_workload(write(tmp_path, text))
    peak = block.workload.peak_to_mean
    assert (peak.value, peak.origin, peak.source) == (Interval.exact(4), Origin.MEASURED, "request log of October")
    assert block.workload.daily_active_share == read_workload(None).workload.daily_active_share
    assert [m.scenario for m in block.workload.mix] == ["reports"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[workload", "is not TOML"),
        ("[load.x]\nvalue=1", "unknown key 'load'"),
        ("peak_to_mean = 4", "unknown key 'peak_to_mean'"),
        ("[workload.users]\nvalue=1", "unknown key workload.users"),
        ("[workload.peak_to_mean]\nvalue=4\npeak=5", "workload.peak_to_mean: unknown key 'peak'"),
        ("[workload.peak_to_mean]\nlow=4", "workload.peak_to_mean: value is missing"),
        ("[workload]\npeak_to_mean=4", "workload.peak_to_mean: must be a table"),
        ("[workload.peak_to_mean]\nvalue='4'", "workload.peak_to_mean.value: '4' is not a number"),
        ("[workload.peak_to_mean]\nvalue=true", "is not a number"),
        ("[workload.peak_to_mean]\nvalue=-4", "workload.peak_to_mean.value: -4 is out of range"),
        ("[workload.peak_to_mean]\nvalue=nan", "is out of range"),
        ("[workload.peak_to_mean]\nvalue=1e12", "is out of range"),
        ("[workload.peak_to_mean]\nvalue=4\nlow=5", "low ≤ value ≤ high"),
        ("[workload.peak_to_mean]\nvalue=0.5", "peak_to_mean must be at least 1"),
        ("[workload.peak_to_mean]\nvalue=4\nunit='percent'", "workload.peak_to_mean.unit: is 'percent'"),
        ("[workload.peak_to_mean]\nvalue=4\norigin='guess'", "workload.peak_to_mean.origin: is 'guess'"),
        ("[workload.peak_to_mean]\nvalue=4\norigin='measured'", "workload.peak_to_mean.source"),
        ("[workload.daily_active_share]\nvalue=1.5", "daily_active_share must not exceed 1"),
        ("[mix.a]\nvalue=0.5\n[mix.b]\nvalue=0.4", "must sum to 1, not 0.9"),
        ("[mix.a]\nvalue=1.5", "share from 0 to 1"),
        (
            "[workload.transactions_per_user_day]\nvalue=4\n[workload.daily_active_share]\nvalue=0.1",
            "not daily_active_share",
        ),
        ("[workload.transactions_per_user_day]\nvalue=-4", "transactions_per_user_day.value: -4"),
        ("[read_share.dashboard]\nvalue=1.5", "a read share must be from 0 to 1"),
        ("[read_share.other]\nvalue=0.5", "read_share.other: the mix has no such scenario"),
        ("[read_share.dashboard]\nvalue=0.5\nunit='percent'", "read_share.dashboard.unit: is 'percent'"),
        ("[[events]]\nname='a'\nfactor=2", "events[1].date"),
        ("[[events]]\nname='a'\ndate=2027-03-01", "events[1]: factor is missing"),
        ("[[events]]\nname='a'\ndate=2027-03-01\nfactor=0", "needs a factor above 0"),
        ("[[events]]\nname='a'\ndate=2027-03-01\nfactor=2\ndays=0", "needs 1 to 36500 days"),
        ("[[events]]\nname='a'\ndate=2027-03-01\nfactor=2\ndays=1.5", "events[1].days: 1.5"),
        ("[[events]]\nname='a'\ndate='soon'\nfactor=2", "events[1].date: 'soon'"),
        ("[[events]]\nname='a'\ndate=2027-03-01\nfactor=2\non='reads'", "events[1].on: is 'reads'"),
        ("[[events]]\nname='a'\ndate=2027-03-01\nfactor=2\nwhen=1", "events[1]: unknown key 'when'"),
        ("[[events]]\nname='a'\ndate=2027-03-01\nfactor=2\norigin='measured'", "events[1].source"),
        ("events=5", "write each as [[events]]"),
        ("[[events]]\nname='a'\ndate=2027-03-01\nfactor=2\n" * 2, "a name of its own"),
        ("[policy.target_utilisation]\nvalue=0", "target_utilisation must be above 0"),
        ("[policy.replay_cost]\nvalue=2", "replay_cost must be from 0 to 1"),
        ("[policy.write_cost]\nvalue=0", "write_cost must be above 0"),
    ],
)
def test_a_bad_file_is_one_line_that_names_file_and_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_workload(write(tmp_path, text))
    assert says in str(caught.value)
    assert "load.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_workload(tmp_path / "none.toml")


def test_a_target_utilisation_is_stated_only_by_a_file_that_has_one(tmp_path: Path) -> None:
    assert not read_workload(None).policy.target_stated
    assert not read_workload(write(tmp_path, "[policy.replay_cost]\nvalue = 0.4")).policy.target_stated
    stated = read_workload(write(tmp_path, "[policy.target_utilisation]\nvalue = 0.6")).policy
    assert stated.target_stated
    assert stated.target_utilisation.value == Interval.exact(0.6)
